package dev.llmproxy.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.error.ApiException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** The checks on the page: in threads, one run at a time, none for ever. */
class DoctorReportTest {
  private final DoctorReport report =
      new DoctorReport(null, null, Clock.systemUTC(), Duration.ofMillis(200));

  @Test
  void checkThatTakesTooLongIsLeftOutWithAWarning() {
    CountDownLatch never = new CountDownLatch(1);
    ObjectNode answer =
        report.report(
            List.of(
                new Doctor.Check("slow", () -> waiting(never)),
                new Doctor.Check("quick", () -> List.of(Finding.ok("quick", "fine")))));

    assertThat(answer.at("/findings/0/check").asText()).isEqualTo("slow");
    assertThat(answer.at("/findings/0/level").asText()).isEqualTo("warning");
    assertThat(answer.at("/findings/0/what").asText()).contains("was not checked");
    assertThat(answer.at("/findings/1/what").asText()).isEqualTo("fine");
  }

  @Test
  void exceptionOfACheckIsAProblemAndTheOthersRun() {
    ObjectNode answer =
        report.report(
            List.of(
                new Doctor.Check(
                    "broken",
                    () -> {
                      throw new IllegalStateException("no disk");
                    }),
                new Doctor.Check("quick", () -> List.of(Finding.ok("quick", "fine")))));

    assertThat(answer.at("/findings/0/level").asText()).isEqualTo("problem");
    assertThat(answer.at("/findings/0/what").asText()).isEqualTo("no disk");
    assertThat(answer.at("/findings/1/level").asText()).isEqualTo("ok");
  }

  @Test
  void secondRunIsRefusedWhileOneRunsAndAllowedAfterIt() {
    CountDownLatch began = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    DoctorReport patient = new DoctorReport(null, null, Clock.systemUTC(), Duration.ofSeconds(30));
    CompletableFuture<ObjectNode> first =
        CompletableFuture.supplyAsync(() ->
            patient.report(
                List.of(
                    new Doctor.Check(
                        "held",
                        () -> {
                          began.countDown();
                          return waiting(end);
                        }))));
    assertThat(waiting(began)).isNotNull();
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> patient.report(List.of()))
        .satisfies(refused -> assertThat(refused.error().status()).isEqualTo(503));

    end.countDown();
    assertThat(first.join().path("findings")).hasSize(1);
    assertThat(patient.report(List.of(new Doctor.Check("next", List::of))).path("findings"))
        .isEmpty();
  }

  private static List<Finding> waiting(CountDownLatch latch) {
    try {
      latch.await();
      return List.of(Finding.ok("held", "over"));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }
}
