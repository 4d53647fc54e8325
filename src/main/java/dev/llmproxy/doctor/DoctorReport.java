package dev.llmproxy.doctor;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.admin.AdminQuery;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.workbook.Workbook;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;

/**
 * The findings of the checks for the page System. The checks have threads of their own, because
 * some read the database for seconds or wait for other servers, and at most one run at a time.
 */
public final class DoctorReport {
  private static final Duration LONGEST = Duration.ofSeconds(20);
  private static final List<String> WORDS = List.of("on", "off");

  private final Settings settings;
  private final Workbook workbook;
  private final Clock clock;
  private final Duration longest;
  private final Semaphore running = new Semaphore(1);

  public DoctorReport(Settings settings, Workbook workbook, Clock clock) {
    this(settings, workbook, clock, LONGEST);
  }

  /**
   * @param longest a check that takes longer is left out, with a warning
   */
  DoctorReport(Settings settings, Workbook workbook, Clock clock, Duration longest) {
    this.settings = settings;
    this.workbook = workbook;
    this.clock = clock;
    this.longest = longest;
  }

  /**
   * Runs the checks. With the query parameter {@code online=on} they also ask each provider that is
   * on.
   *
   * @throws dev.llmproxy.error.ApiException 400 for another value, 503 while the checks run for
   *     somebody else, or when the thread is interrupted
   */
  public ObjectNode report(Exchange exchange) {
    boolean online = AdminQuery.of(exchange).word("online", "off", WORDS).equals("on");
    return report(Doctor.checks(settings, workbook, online));
  }

  ObjectNode report(List<Doctor.Check> checks) {
    if (!running.tryAcquire()) {
      throw OpenAiErrors.unavailable("The checks are running already. Try again shortly.")
          .asException();
    }
    try {
      ObjectNode answer = Json.object().put("at", clock.instant().toString());
      answer.set("findings", Doctor.json(run(checks)));
      return answer;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw OpenAiErrors.unavailable("The checks were interrupted. Try again.").asException();
    } finally {
      running.release();
    }
  }

  private List<Finding> run(List<Doctor.Check> checks) throws InterruptedException {
    ExecutorService threads =
        Executors.newFixedThreadPool(
            checks.size(), Thread.ofPlatform().daemon().name("doctor-", 1).factory());
    try {
      List<Callable<List<Finding>>> tasks = new ArrayList<>();
      checks.forEach(check -> tasks.add(check::run));
      List<Future<List<Finding>>> results =
          threads.invokeAll(tasks, longest.toMillis(), TimeUnit.MILLISECONDS);
      List<Finding> findings = new ArrayList<>();
      for (int i = 0; i < checks.size(); i++) {
        findings.addAll(result(checks.get(i).name(), results.get(i)));
      }
      return findings;
    } finally {
      threads.shutdownNow();
    }
  }

  private List<Finding> result(String check, Future<List<Finding>> result)
      throws InterruptedException {
    try {
      return result.get();
    } catch (CancellationException e) {
      return List.of(
          Finding.warning(
              check,
              "was not checked: no result within %d s".formatted(longest.toSeconds()),
              "Run ./llmproxy doctor on the server, which waits longer"));
    } catch (ExecutionException e) {
      return List.of(Finding.problem(check, String.valueOf(e.getCause()), "See the log"));
    }
  }
}
