package dev.llmproxy.flush;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.Gateway;
import dev.llmproxy.emulator.FaultyWorkbook;
import dev.llmproxy.emulator.FaultyWorkbook.Fault;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The flush against a failing workbook: each record is written once, whatever the outcome of the
 * previous commit.
 */
class UsageFlushTest {
  private static final String SHEET = "flush_at_example_dot_com";

  @TempDir private Path workbookFolder;
  @TempDir private Path data;

  @ParameterizedTest
  @EnumSource(Fault.class)
  void everyRecordIsWrittenOnceAfterEachFault(Fault fault) throws IOException {
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(workbookFolder, 0);
        FaultyWorkbook faulty = FaultyWorkbook.before(workbook.rootUrl());
        Gateway gateway = Gateway.start(data, settings(faulty))) {
      String key = gateway.createKey("flush@example.com");
      faulty.suffer(fault);
      faulty.suffer(fault);
      for (int i = 0; i < 3; i++) {
        gateway.chat(key, "openai/scripted", i % 2 == 0, "request " + i);
      }
      gateway.awaitRecords(3);
      Awaitility.await().until(() -> rows(gateway).size() >= 3);
      gateway.chat(key, "openai/scripted", false, "the last");
      Awaitility.await().until(() -> rows(gateway).size() >= 4);

      assertThat(faulty.pending()).isZero();
      assertThat(rows(gateway)).extracting(row -> row.get(10)).doesNotHaveDuplicates().hasSize(4);
      Awaitility.await()
          .until(() -> ((Number) gateway.sheet(ApiKeySheet.TITLE).get(1).get(6)).intValue() == 4);
    }
  }

  @Test
  void unansweredCommitIsCheckedOnlyAfterTheCommitWait() throws IOException {
    Map<String, String> settings;
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(workbookFolder, 0);
        FaultyWorkbook faulty = FaultyWorkbook.before(workbook.rootUrl())) {
      settings = settings(faulty);
      settings.put("SHEETS_COMMIT_WAIT_SECONDS", "3600");
      try (Gateway gateway = Gateway.start(data, settings)) {
        String key = gateway.createKey("flush@example.com");
        faulty.suffer(Fault.REQUEST_LOST);
        gateway.chat(key, "openai/scripted", false, "one");
        Awaitility.await().until(() -> faulty.pending() == 0);
        assertThat(gateway.application().ledger().commitSentAt()).isPresent();
        gateway.chat(key, "openai/scripted", false, "two");
        gateway.awaitRecords(2);
        int commits = faulty.commits();

        // The wait continues after a restart, because the commit may still be applied.
        gateway.stop();
        gateway.start();
        assertThat(gateway.application().usageFlush().due()).isFalse();
        assertThat(faulty.commits()).isEqualTo(commits);
      }
    }
  }

  @Test
  void roundWaitsForThePreviousRoundOfASlowWorkbook() throws IOException {
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(workbookFolder, 0);
        FaultyWorkbook faulty = FaultyWorkbook.before(workbook.rootUrl());
        Gateway gateway = Gateway.start(data, settings(faulty))) {
      String key = gateway.createKey("flush@example.com");
      gateway.chat(key, "openai/scripted", false, "one");
      Awaitility.await().until(() -> rows(gateway).size() == 1);

      faulty.holdReadings();
      int before = faulty.batchReadings();
      gateway.chat(key, "openai/scripted", false, "two");
      Awaitility.await().until(() -> faulty.batchReadings() > before);
      // Enough time for the timer to fire again.
      Awaitility.await().pollDelay(Duration.ofMillis(3500)).until(() -> true);
      assertThat(faulty.batchReadings()).isEqualTo(before + 1);

      faulty.releaseReadings();
      Awaitility.await().until(() -> rows(gateway).size() >= 2);
      assertThat(rows(gateway)).extracting(row -> row.get(10)).doesNotHaveDuplicates().hasSize(2);
    }
  }

  @Test
  void requestsAreServedWhileTheWorkbookIsDown() throws IOException {
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(workbookFolder, 0);
        FaultyWorkbook faulty = FaultyWorkbook.before(workbook.rootUrl());
        Gateway gateway = Gateway.start(data, settings(faulty))) {
      String key = gateway.createKey("flush@example.com");
      faulty.goDown();

      assertThat(gateway.chat(key, "openai/scripted", false, "hello").statusCode()).isEqualTo(200);
      assertThat(gateway.awaitRecords(1)).hasSize(1);
    }
  }

  private static Map<String, String> settings(FaultyWorkbook faulty) {
    return new HashMap<>(
        Map.of("SHEETS_ROOT_URL", faulty.rootUrl(), "SHEETS_COMMIT_WAIT_SECONDS", "1"));
  }

  private static List<List<Object>> rows(Gateway gateway) {
    List<List<Object>> sheet = gateway.sheet(SHEET);
    return sheet.isEmpty() ? sheet : sheet.subList(1, sheet.size());
  }
}
