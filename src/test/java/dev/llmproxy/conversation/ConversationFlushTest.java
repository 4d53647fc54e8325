package dev.llmproxy.conversation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.Gateway;
import dev.llmproxy.emulator.FaultyWorkbook;
import dev.llmproxy.emulator.FaultyWorkbook.Fault;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerTest;
import dev.llmproxy.workbook.WorkbookSchema;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Conversations in the workbook: each is there once, whatever the outcome of the previous commit.
 */
class ConversationFlushTest {
  private static final String SHEET = ConversationSheet.TITLE;

  @TempDir private Path workbookFolder;
  @TempDir private Path data;

  @ParameterizedTest
  @EnumSource(Fault.class)
  void everyConversationIsWrittenOnceAfterEachFault(Fault fault) throws IOException {
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(workbookFolder, 0);
        FaultyWorkbook faulty = FaultyWorkbook.before(workbook.rootUrl());
        Gateway gateway = Gateway.start(data, settings(faulty))) {
      String key = gateway.createKey("talk@example.com");
      faulty.suffer(fault);
      faulty.suffer(fault);
      for (int i = 0; i < 3; i++) {
        gateway.chat(key, "openai/scripted", i % 2 == 0, "request " + i);
      }
      awaitRows(gateway, rows -> rows.size() >= 3);
      faulty.suffer(fault);
      gateway.chat(key, "openai/scripted", false, "the last");
      awaitRows(gateway, rows -> rows.size() >= 4);
      Awaitility.await().until(() -> gateway.sheet("talk_at_example_dot_com").size() == 5);

      assertThat(rows(gateway)).extracting(row -> row.get(0)).doesNotHaveDuplicates().hasSize(4);
      assertThat(gateway.sheet(WorkbookSchema.SYNC_TITLE))
          .anySatisfy(row -> {
            assertThat(row.get(0))
                .isEqualTo(gateway.application().ledger().id() + "/conversations");
            assertThat(((Number) row.get(1)).intValue()).isEqualTo(4);
          });
    }
  }

  @Test
  void rowHasMessagesAndAnswer() {
    try (Gateway gateway = Gateway.start(data, Map.of("LOG_CONVERSATIONS", "workbook"))) {
      String key = gateway.createKey("talk@example.com");
      gateway.chat(key, "openai/scripted", true, "hi");
      gateway.chat(key, "openai/scripted-tools", false, "call");
      gateway.chat(key, "openai/scripted-reasoning", false, "x ".repeat(30_000));

      List<List<Object>> rows = awaitRows(gateway, found -> found.size() == 3);
      assertThat(gateway.sheet(SHEET).get(0)).isEqualTo(ConversationSheet.HEADERS);
      List<Object> first = rows.get(0);
      assertThat(first.subList(2, 6))
          .containsExactly(
              "talk@example.com",
              "openai/scripted",
              "[{\"role\":\"user\",\"content\":\"hi\"}]",
              "You said: hi");
      assertThat(first.get(8)).isEqualTo("SUCCESS");
      assertThat(rows.get(1).get(7).toString()).contains("\"type\":\"function\"");
      assertThat(rows.get(2).get(6).toString()).isNotEmpty();
      assertThat(rows.get(2).get(4).toString())
          .hasSize(50_000)
          .endsWith(
              "[cut off, 60030 characters in all: ./llmproxy conversations --request "
                  + rows.get(2).get(0)
                  + "]");
    }
  }

  @Test
  void refusedConversationIsSkippedAndStaysInTheLedger() throws IOException {
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(workbookFolder, 0);
        FaultyWorkbook faulty = FaultyWorkbook.before(workbook.rootUrl());
        Gateway gateway = Gateway.start(data, settings(faulty))) {
      String key = gateway.createKey("talk@example.com");
      faulty.poison("the poison");
      gateway.chat(key, "openai/scripted", false, "the poison");
      gateway.chat(key, "openai/scripted", false, "harmless");

      List<List<Object>> rows = awaitRows(gateway, found -> !found.isEmpty());
      assertThat(rows)
          .singleElement()
          .satisfies(row -> assertThat(row.get(5)).isEqualTo("You said: harmless"));
      assertThat(new ConversationArchive(gateway.settings()).list(null, Instant.EPOCH, 10))
          .hasSize(2);
    }
  }

  @Test
  void messagesOfAnInterruptedRequestAreWrittenAfterTheNextStart() {
    try (Gateway gateway = Gateway.start(data, Map.of("LOG_CONVERSATIONS", "workbook"))) {
      Ledger ledger = gateway.application().ledger();
      ledger.admit(LedgerTest.admission("req_dead"));
      begin(ledger, "req_dead", "=1+1", Instant.now());
      gateway.stop();
      gateway.start();

      List<Object> row = awaitRows(gateway, found -> !found.isEmpty()).get(0);
      assertThat(row.get(0)).isEqualTo("req_dead");
      assertThat(row.get(2)).isEqualTo("=1+1");
      assertThat(row.get(4).toString()).contains("hello");
      assertThat(row.get(8)).isEqualTo("INTERRUPTED");
    }
  }

  @Test
  void oldRowsAndRowsOfAnErasedUserAreDeleted() throws IOException {
    try (Gateway gateway = Gateway.start(data, Map.of("LOG_CONVERSATIONS", "workbook"))) {
      String erased = gateway.createKey("gone@example.com");
      String other = gateway.createKey("here@example.com");
      for (int i = 0; i < 2; i++) {
        gateway.chat(erased, "openai/scripted", false, "mine");
        gateway.chat(other, "openai/scripted", false, "not mine");
      }
      awaitRows(gateway, found -> found.size() == 4);

      assertThat(new ConversationArchive(gateway.settings()).erase("Gone@Example.com"))
          .isEqualTo(2);
      awaitRows(gateway, found -> found.size() == 2);
      assertThat(rows(gateway)).allMatch(row -> row.get(2).equals("here@example.com"));
      gateway.chat(erased, "openai/scripted", false, "later");
      awaitRows(gateway, found -> found.size() == 3);

      var workbook = gateway.application().workbook();
      workbook
          .client()
          .spreadsheets()
          .values()
          .update(
              workbook.spreadsheetId(),
              SHEET + "!B3",
              new com.google.api.services.sheets.v4.model.ValueRange()
                  .setValues(List.of(List.of("2020-01-01T00:00:00Z"))))
          .setValueInputOption("RAW")
          .execute();
      gateway.stop();
      gateway.start();
      assertThat(awaitRows(gateway, found -> found.size() == 2))
          .extracting(row -> row.get(2))
          .containsExactly("here@example.com", "gone@example.com");
    }
  }

  @Test
  void erasureComparesAddressesAlikeInLedgerAndWorkbook() {
    String kelvin = "\u212Aim@example.com";
    try (Gateway gateway = Gateway.start(data, Map.of("LOG_CONVERSATIONS", "workbook"))) {
      Ledger ledger = gateway.application().ledger();
      List<String> emails = List.of("\u00e9va@example.com", "kim@example.com", kelvin);
      for (String email : emails) {
        ledger.admit(LedgerTest.admission("req_" + email.hashCode()));
        begin(ledger, "req_" + email.hashCode(), email, Instant.now());
      }
      gateway.stop();
      gateway.start();
      awaitRows(gateway, found -> found.size() == 3);

      // An address in capitals outside ASCII is the same address. The sign for kelvin is not a k.
      ConversationArchive archive = new ConversationArchive(gateway.settings());
      assertThat(archive.list("\u00c9VA@Example.com", Instant.EPOCH, 10)).hasSize(1);
      assertThat(archive.erase("\u00c9VA@Example.com")).isEqualTo(1);
      assertThat(archive.erase("Kim@example.com")).isEqualTo(1);

      assertThat(archive.list(null, Instant.EPOCH, 10))
          .extracting(Conversation::email)
          .containsExactly(kelvin);
      awaitRows(gateway, found -> found.size() < 3);
      Awaitility.await().until(() -> ledger.read(ConversationTable::erasures).isEmpty());
      assertThat(rows(gateway)).extracting(row -> row.get(2)).containsExactly(kelvin);
    }
  }

  private static void begin(Ledger ledger, String requestId, String email, Instant at) {
    ledger.write(connection ->
        ConversationTable.begin(
            connection,
            requestId,
            at,
            email,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}",
            50,
            true));
  }

  private static Map<String, String> settings(FaultyWorkbook faulty) {
    return new HashMap<>(
        Map.of(
            "SHEETS_ROOT_URL", faulty.rootUrl(),
            "SHEETS_COMMIT_WAIT_SECONDS", "1",
            "LOG_CONVERSATIONS", "workbook"));
  }

  private static List<List<Object>> awaitRows(
      Gateway gateway, Predicate<List<List<Object>>> enough) {
    return Awaitility.await().until(() -> rows(gateway), enough);
  }

  private static List<List<Object>> rows(Gateway gateway) {
    List<List<Object>> sheet = gateway.sheet(SHEET);
    return sheet.isEmpty() ? sheet : sheet.subList(1, sheet.size());
  }
}
