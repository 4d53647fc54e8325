package dev.llmproxy.flush;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.Gateway;
import dev.llmproxy.MovedClock;
import dev.llmproxy.base.SteadyClock;
import dev.llmproxy.emulator.FaultyWorkbook;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.ledger.LedgerTest;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The system's clock is set back by an hour: nothing waits until it has caught up. */
class ClockSetBackRouteTest {
  private static final Duration HOUR = Duration.ofHours(1);

  @TempDir private Path data;
  @TempDir private Path workbookFolder;

  /** Camel's timer: and its throttle follow the system's clock, which a test cannot set. */
  @Test
  void noRouteUsesAComponentThatFollowsTheSystemClock() throws IOException {
    try (Stream<Path> routes = Files.walk(Path.of("routes"))) {
      List<String> texts =
          routes.filter(Files::isRegularFile).map(ClockSetBackRouteTest::read).toList();

      assertThat(texts)
          .hasSizeGreaterThan(40)
          .noneMatch(text -> text.contains("uri: timer:"))
          .noneMatch(text -> text.contains("uri: quartz:"))
          .noneMatch(text -> text.contains("uri: cron:"))
          .noneMatch(text -> text.contains("- throttle:"))
          .anyMatch(text -> text.contains("uri: scheduler:"));
    }
  }

  @Test
  void clockSetBackDoesNotAffectRequestsFlushOrRevocation() throws IOException {
    MovedClock clock = new MovedClock(Instant.parse("2026-03-01T12:00:00Z"));
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(workbookFolder, 0);
        FaultyWorkbook faulty = FaultyWorkbook.before(workbook.rootUrl());
        Gateway gateway =
            Gateway.start(
                data,
                Map.of("SHEETS_ROOT_URL", faulty.rootUrl(), "SHEETS_COMMIT_WAIT_SECONDS", "1"),
                clock,
                new SteadyClock())) {
      String key = gateway.createKey("clock@example.com");
      // The clock is set during a commit and the back-off after it.
      faulty.suffer(FaultyWorkbook.Fault.REQUEST_LOST);
      gateway.chat(key, "openai/scripted", false, "one");
      Awaitility.await().until(() -> faulty.pending() == 0);
      CompletableFuture<HttpResponse<String>> running =
          CompletableFuture.supplyAsync(
              () -> gateway.chat(key, "openai/scripted", true, "go [[script chunks=20 gap=100]]"));
      Awaitility.await().until(() -> gateway.provider().requests().size() > 1);

      clock.move(HOUR.negated());

      assertThat(running.join().body()).contains("word20").contains("[DONE]");
      assertThat(gateway.chat(key, "openai/scripted", false, "three").statusCode()).isEqualTo(200);
      assertThat(gateway.awaitRecords(3))
          .allSatisfy(record -> assertThat(record.durationMillis()).isNotNegative())
          .anySatisfy(record -> assertThat(record.durationMillis()).isBetween(1_500L, 60_000L));
      Awaitility.await().until(() -> gateway.sheet("clock_at_example_dot_com").size() == 4);

      ApiKeyBook keys = new ApiKeyBook(gateway.application().workbook());
      keys.revoke(keys.rows().getFirst());
      gateway.awaitKnown(key, false);
      assertThat(gateway.chat(key, "openai/scripted", false, "four").statusCode()).isEqualTo(401);
    }
  }

  @Test
  void clockChangeDoesNotShortenTheCommitWait() {
    MovedClock clock = new MovedClock(LedgerTest.NOON);
    MovedClock steady = new MovedClock(Instant.EPOCH);
    CommitWait wait = new CommitWait(Duration.ofSeconds(190), at -> {}, clock, steady);
    Instant sent = clock.instant();
    wait.sent(sent);
    clock.move(HOUR);
    assertThat(wait.over(sent)).as("set forward").isFalse();
    clock.move(HOUR.multipliedBy(-2));
    steady.move(Duration.ofSeconds(189));
    assertThat(wait.over(sent)).isFalse();
    steady.move(Duration.ofSeconds(1));
    assertThat(wait.over(sent)).as("set back").isTrue();

    // A commit that another process sent 100 s ago, or apparently an hour from now.
    CommitWait other = new CommitWait(Duration.ofSeconds(190), at -> {}, clock, steady);
    assertThat(other.over(null)).isTrue();
    assertThat(other.over(clock.instant().minusSeconds(100))).isFalse();
    steady.move(Duration.ofSeconds(90));
    assertThat(other.over(clock.instant().minusSeconds(100))).isTrue();
    Instant toCome = clock.instant().plus(HOUR);
    assertThat(other.over(toCome)).isFalse();
    steady.move(Duration.ofSeconds(190));
    assertThat(other.over(toCome)).isTrue();
  }

  @Test
  void steadyClockStartsAtSystemTimeAndNeverGoesBack() {
    Clock steady = new SteadyClock();
    Instant first = steady.instant();

    assertThat(first).isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(60));
    assertThat(steady.instant()).isAfterOrEqualTo(first);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
