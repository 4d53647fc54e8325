package dev.llmproxy.app;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.admin.LiveEdits;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Problem;
import dev.llmproxy.base.Settings;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.HttpFront;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The generation of routes that serves new requests, and earlier ones whose requests still run. An
 * edit becomes the next generation; one that is wrong changes nothing.
 */
final class Generations implements LiveEdits, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Generations.class);

  private final Application application;
  private final HttpFront front;
  private final Retirement retirement;
  private volatile Generation current;
  private volatile Attempt last;
  private boolean closed;

  /**
   * A reading of the files.
   *
   * @param problems empty when the files run now
   * @param needRestart settings that were edited and need a restart
   */
  private record Attempt(Instant at, List<Problem> problems, Set<String> needRestart) {}

  Generations(Application application, HttpFront front) {
    this.application = application;
    this.front = front;
    retirement = new Retirement(application.values().lifecycle().oldRoutes());
  }

  /**
   * Starts the first generation.
   *
   * @throws RoutesException when a route is wrong
   */
  void start() {
    Generation first = new Generation(1, application, front);
    try {
      first.start();
    } catch (RuntimeException e) {
      first.close();
      throw e;
    }
    current = first;
    first.background().start();
  }

  /** The generation for a new request, which counts the request. */
  HttpListener.Target enter() {
    while (true) {
      Generation now = current;
      now.enter();
      // Otherwise a generation that has been found idle could get a request.
      if (now == current) {
        return now;
      }
      now.ended();
    }
  }

  /** Those that serve requests, the newest one last. */
  List<Generation> all() {
    List<Generation> all = new ArrayList<>(retirement.serving());
    all.add(current);
    return all;
  }

  @Override
  public synchronized ObjectNode reread() {
    if (closed || application.isStopping()) {
      throw new IllegalStateException("The server is stopping");
    }
    long begin = System.nanoTime();
    Instant now = application.clock().instant();
    try {
      Application next = current.application().reread();
      Generation generation = new Generation(current.number() + 1, next, front);
      try {
        generation.start();
      } catch (RuntimeException e) {
        generation.close();
        throw e;
      }
      last = new Attempt(now, List.of(), next.configuration().needRestart());
      Generation before = current;
      current = generation;
      before.application().replaced();
      retirement.retire(before, generation);
      LOG.info(
          "Generation {} of the routes serves new requests, after {} ms",
          generation.number(),
          (System.nanoTime() - begin) / 1_000_000);
      if (!last.needRestart().isEmpty()) {
        LOG.warn("These settings need a restart: {}", String.join(", ", last.needRestart()));
      }
    } catch (Settings.SettingException e) {
      LOG.debug("The files are wrong", e);
      failed(now, ConfigurationCheck.run(application.settings().reread()));
    } catch (RoutesException e) {
      failed(now, e.problems());
    } catch (RuntimeException e) {
      LOG.debug("The files could not be read", e);
      failed(now, List.of(new Problem(null, 0, String.valueOf(e.getMessage()))));
    }
    return report();
  }

  private void failed(Instant now, List<Problem> problems) {
    last = new Attempt(now, problems, Set.of());
    LOG.error(
        "The edited files have {} problems and are not used; generation {} goes on",
        problems.size(),
        current.number());
    problems.forEach(problem -> LOG.error("{}", problem.text()));
  }

  @Override
  public ObjectNode report() {
    Attempt attempt = last;
    ObjectNode report =
        Json.object()
            .put("number", current.number())
            .put("since", current.since().toString())
            .put("watched", application.values().lifecycle().watch())
            .put("ending", retirement.serving().size());
    if (attempt == null) {
      report.putNull("last_attempt");
      return report;
    }
    ObjectNode shown =
        report
            .putObject("last_attempt")
            .put("at", attempt.at().toString())
            .put("used", attempt.problems().isEmpty());
    ArrayNode problems = shown.putArray("problems");
    attempt.problems().forEach(problem -> problems.add(problem.toJson()));
    ArrayNode restart = shown.putArray("need_restart");
    attempt.needRestart().forEach(restart::add);
    return report;
  }

  /** Ends all running requests with an error. */
  void cut(ApiError why) {
    all().forEach(each -> each.cut(why));
  }

  /** Stops all generations. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    retirement.close();
    if (current != null) {
      current.close();
    }
  }
}
