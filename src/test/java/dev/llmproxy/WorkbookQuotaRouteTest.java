package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.emulator.FaultyWorkbook;
import dev.llmproxy.emulator.FaultyWorkbook.Forwarded;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The gateway with a workbook that has Google's quota, at the default intervals. */
class WorkbookQuotaRouteTest {
  /** More than a minute, so that it includes a whole minute of the quota. */
  private static final Duration USE = Duration.ofSeconds(75);

  @TempDir private Path workbookFolder;
  @TempDir private Path data;

  @Test
  void keysAreReadAndUsageWrittenWithinTheQuota() throws Exception {
    Map<String, String> defaults =
        Map.of(
            "KEYS_REFRESH_SECONDS", "10",
            "USAGE_FLUSH_SECONDS", "5",
            "SHEETS_ROUNDS_PER_MINUTE", "12");
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(workbookFolder, 0, true);
        FaultyWorkbook counted = FaultyWorkbook.before(workbook.rootUrl());
        Gateway gateway = Gateway.start(data, with(defaults, counted.rootUrl()))) {
      List<String> keys = Stream.of("a@x.io", "b@x.io", "c@x.io").map(gateway::createKey).toList();
      long end = System.nanoTime() + USE.toNanos();
      Awaitility.await()
          .pollInterval(Duration.ofSeconds(1))
          .atMost(USE.multipliedBy(4))
          .until(() -> {
            keys.forEach(key -> gateway.chat(key, "openai/scripted", false, "hello"));
            return System.nanoTime() > end;
          });
      List<Forwarded> calls = counted.forwarded();
      long reads = calls.stream().filter(call -> call.method().equals("GET")).count();
      System.out.printf("%d readings and %d writings in %s%n", reads, calls.size() - reads, USE);
      assertThat(calls).extracting(Forwarded::status).doesNotContain(429);

      int expected = gateway.application().ledger().after(0, 10_000).size();
      Awaitility.await()
          .pollInterval(Duration.ofSeconds(10))
          .atMost(Duration.ofMinutes(3))
          .until(() ->
              Stream.of("a_at_x_dot_io", "b_at_x_dot_io", "c_at_x_dot_io")
                      .mapToInt(title -> gateway.sheet(title).size() - 1)
                      .sum()
                  >= expected);
    }
  }

  private static Map<String, String> with(Map<String, String> settings, String rootUrl) {
    Map<String, String> all = new HashMap<>(settings);
    all.put("SHEETS_ROOT_URL", rootUrl);
    return all;
  }
}
