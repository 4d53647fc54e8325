package dev.llmproxy.conversation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Gateway;
import dev.llmproxy.MovedClock;
import dev.llmproxy.RawConnection;
import dev.llmproxy.base.ConversationSettings;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.workbook.ApiKeySheet;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The stored conversations in the ledger, from the request to the archive. */
class ConversationRouteTest {
  private static final Map<String, String> ON = Map.of("LOG_CONVERSATIONS", "ledger");

  @TempDir private Path data;

  /** The ledger's location: the same database throughout a test. */
  Map<String, String> database() {
    return Map.of();
  }

  @Test
  void nothingIsStoredByDefault() {
    try (Gateway gateway = start(Map.of())) {
      String key = gateway.createKey("off@example.com");
      gateway.chat(key, "openai/scripted", true, "a secret");
      gateway.chat(key, "openai/scripted", false, "another");
      gateway.awaitRecords(2);

      assertThat(keptInTheEnd(gateway)).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void wholeConversationIsStored(boolean stream) {
    try (Gateway gateway = start(ON)) {
      String key = gateway.createKey("on@example.com");

      HttpResponse<String> response =
          gateway.chat(key, "openai/scripted", stream, "hello there [[script chunks=3]]");

      JsonNode stored = awaitEnded(gateway, 1).get(0);
      assertThat(stored.path("request_id").asText())
          .isEqualTo(response.headers().firstValue("x-request-id").orElseThrow());
      assertThat(stored.path("email").asText()).isEqualTo("on@example.com");
      assertThat(stored.path("model").asText()).isEqualTo("openai/scripted");
      assertThat(stored.path("status").asText()).isEqualTo("SUCCESS");
      assertThat(stored.at("/messages/0/content").asText())
          .isEqualTo("hello there [[script chunks=3]]");
      assertThat(stored.at("/choices/0/message/content").asText()).isEqualTo("word1 word2 word3");
      assertThat(stored.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
      assertThat(stored.toString())
          .doesNotContain(key, ApiKey.hash(key), "provider-secret", "Bearer");
    }
  }

  @Test
  void keysCellOverridesTheSettingAndUnreadableMeansOff() throws IOException {
    try (Gateway gateway = start(ON)) {
      String off = gateway.createKey("no@example.com");
      String odd = gateway.createKey("odd@example.com");
      String as = gateway.createKey("as@example.com");
      column(gateway, "FALSE", "maybe", "");
      Awaitility.await().until(() -> !gateway.application().keyDirectory().problems().isEmpty());

      for (String key : List.of(off, odd, as)) {
        assertThat(gateway.chat(key, "openai/scripted", false, "hello").statusCode())
            .isEqualTo(200);
      }

      gateway.awaitRecords(3);
      awaitEnded(gateway, 1);
      assertThat(gateway.application().keyDirectory().problems().get(0).toString())
          .contains("Log Conversations");
      assertThat(keptInTheEnd(gateway))
          .extracting(Conversation::email)
          .containsExactly("as@example.com");
    }
  }

  @Test
  void keySwitchedOnAloneStaysOnAfterAStartFromTheSnapshot() throws IOException {
    try (Gateway gateway = start(Map.of())) {
      String on = gateway.createKey("on@example.com");
      String other = gateway.createKey("other@example.com");
      column(gateway, "Ledger", "");
      Awaitility.await()
          .until(() ->
              gateway
                      .application()
                      .keyDirectory()
                      .find(ApiKey.hash(on))
                      .orElseThrow()
                      .caller()
                      .conversations()
                  != null);
      gateway.chat(on, "openai/scripted", false, "hello");
      gateway.chat(other, "openai/scripted", false, "hello");
      awaitEnded(gateway, 1);
      gateway.stop();

      Gateway again =
          Gateway.startUnread(
              data, with(database(), Map.of("SHEETS_ROOT_URL", "http://127.0.0.1:1/")));
      try (again) {
        assertThat(again.application().keyDirectory().loaded()).isTrue();
        again.chat(on, "openai/scripted", true, "hello again");
        again.chat(other, "openai/scripted", true, "hello again");
        awaitEnded(again, 2);
        again.awaitRecords(4);
        assertThat(stored(again)).hasSize(2).allMatch(one -> one.email().equals("on@example.com"));
      } finally {
        gateway.start();
      }
    }
  }

  @Test
  void thinkingAndToolCallsAreStoredInOpenAiForm() {
    try (Gateway gateway = start(ON)) {
      String key = gateway.createKey("tools@example.com");
      for (boolean stream : new boolean[] {true, false}) {
        gateway.chat(key, "openai/scripted-reasoning", stream, "think");
        gateway.chat(key, "openai/scripted-tools", stream, "call");
      }

      List<ObjectNode> ended = awaitEnded(gateway, 4);
      assertThat(ended)
          .filteredOn(one -> one.path("model").asText().endsWith("reasoning"))
          .hasSize(2)
          .allSatisfy(one ->
              assertThat(one.at("/choices/0/message/reasoning_content").asText()).isNotEmpty());
      assertThat(ended)
          .filteredOn(one -> one.path("model").asText().endsWith("tools"))
          .hasSize(2)
          .allSatisfy(one -> {
            JsonNode calls = one.at("/choices/0/message/tool_calls");
            assertThat(calls).hasSize(2);
            assertThat(calls.at("/0/type").asText()).isEqualTo("function");
            assertThat(calls.at("/0/id").asText()).isNotEmpty();
            Json.parse(calls.at("/0/function/arguments").asText());
            assertThat(one.at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
          });
    }
  }

  @Test
  void partialAnswerIsStoredWithTheError() {
    try (Gateway gateway = start(ON)) {
      String key = gateway.createKey("error@example.com");
      gateway.chat(key, "openai/scripted", true, "[[script chunks=5 cut=2]]");
      gateway.chat(key, "openai/scripted", false, "[[script status=500]]");

      assertThat(awaitEnded(gateway, 2))
          .allMatch(one -> one.path("status").asText().equals("ERROR"))
          .allMatch(one -> !one.at("/error/message").asText().isEmpty())
          .anyMatch(one -> one.at("/choices/0/message/content").asText().startsWith("word1 word2"))
          .anyMatch(one -> one.path("choices").isEmpty());
    }
  }

  @Test
  void partialAnswerIsStoredWhenTheClientLeaves() throws IOException {
    try (Gateway gateway = start(ON)) {
      String key = gateway.createKey("left@example.com");
      try (RawConnection client = open(gateway, key, "[[script chunks=1000 gap=50]]")) {
        client.readUntil("word2");
      }

      ObjectNode stored = awaitEnded(gateway, 1).get(0);
      assertThat(stored.path("status").asText()).isEqualTo("CANCELLED");
      assertThat(stored.at("/choices/0/message/content").asText()).startsWith("word1 word2");
      assertThat(stored.at("/choices/0").get("finish_reason").isNull()).isTrue();
    }
  }

  @Test
  void messagesAreStoredBeforeTheAnswerEnds() throws IOException {
    try (Gateway gateway = start(ON)) {
      String key = gateway.createKey("under@example.com");
      try (RawConnection client = open(gateway, key, "long [[script chunks=1000 gap=50]]")) {
        client.readUntil("word2");
        Conversation stored =
            Awaitility.await().until(() -> stored(gateway), list -> list.size() == 1).get(0);
        assertThat(stored.status()).isNull();
        assertThat(stored.answer()).isNull();
        assertThat(stored.body()).contains("long [[script");
      }
    }
  }

  @Test
  void fiveMegabytesAreStoredWholeAndBlobsAsNotes() {
    try (Gateway gateway = start(ON)) {
      String key = gateway.createKey("big@example.com");
      String words = "Many words make a long text. ".repeat(180_000);
      byte[] image = new byte[60_000];
      new Random(1).nextBytes(image);
      ObjectNode request = Json.object().put("model", "openai/scripted");
      var parts = request.putArray("messages").addObject().put("role", "user").putArray("content");
      parts.addObject().put("type", "text").put("text", words);
      parts
          .addObject()
          .put("type", "image_url")
          .putObject("image_url")
          .put("url", "data:image/png;base64," + Base64.getEncoder().encodeToString(image));
      parts.addObject().put("type", "text").put("text", "[[script chunks=2]]");

      assertThat(gateway.post(key, Json.text(request)).statusCode()).isEqualTo(200);

      ObjectNode stored = awaitEnded(gateway, 1).get(0);
      assertThat(stored.at("/messages/0/content/0/text").asText()).isEqualTo(words);
      assertThat(stored.at("/messages/0/content/1/image_url/url").asText())
          .startsWith("[image/png of 60000 bytes, not kept; sha256 ");
      assertThat(stored(gateway).get(0).bytes()).isBetween(5_000_000L, 5_300_000L);
    }
  }

  @Test
  void embeddingsAreNotStoredAsConversations() {
    try (Gateway gateway = start(ON)) {
      String key = gateway.createKey("embed@example.com");
      HttpResponse<String> response =
          gateway.post(
              "/v1/embeddings", key, "{\"model\":\"openai/embedding\",\"input\":\"hello\"}");

      assertThat(response.statusCode()).isEqualTo(200);
      gateway.awaitRecords(1);

      assertThat(keptInTheEnd(gateway)).isEmpty();
    }
  }

  @Test
  void failingConversationLogFailsNoRequestAndLosesNoRecord() throws SQLException {
    try (Gateway gateway = start(ON)) {
      String key = gateway.createKey("broken@example.com");
      gateway
          .application()
          .ledger()
          .write(connection ->
              connection.createStatement().execute("alter table conversation rename to gone"));

      assertThat(gateway.chat(key, "openai/scripted", false, "hello").statusCode()).isEqualTo(200);
      assertThat(gateway.chat(key, "openai/scripted", true, "hello").body()).contains("[DONE]");

      assertThat(gateway.awaitRecords(2)).allMatch(record -> record.status() == Status.SUCCESS);
    }
  }

  @Test
  void conversationsAreDeletedAfterConversationDays() {
    MovedClock clock = new MovedClock(Instant.parse("2026-01-01T00:00:00Z"));
    try (Gateway gateway = Gateway.start(data, with(database(), ON), clock)) {
      ConversationLog log =
          new ConversationLog(
              gateway.application().ledger(), ConversationSettings.of(gateway.settings()), clock);
      begin(gateway, "old-1", clock.instant());
      begin(gateway, "old-2", clock.instant().plusSeconds(1));
      for (int i = 0; i < 250; i++) {
        begin(gateway, "many-" + i, clock.instant());
      }
      clock.move(Duration.ofDays(30));
      begin(gateway, "young", clock.instant());
      log.expire();
      assertThat(stored(gateway)).hasSize(253);

      clock.move(Duration.ofSeconds(1));
      log.expire();
      assertThat(stored(gateway))
          .extracting(Conversation::requestId)
          .containsExactlyInAnyOrder("old-2", "young");
    }
  }

  @Test
  void oldConversationsAreDeletedAtTheStart() {
    try (Gateway gateway = start(ON)) {
      begin(gateway, "old", Instant.now().minus(Duration.ofDays(31)));
      begin(gateway, "young", Instant.now().minus(Duration.ofDays(29)));
      gateway.stop();
      gateway.start();

      Awaitility.await()
          .untilAsserted(() ->
              assertThat(stored(gateway))
                  .extracting(Conversation::requestId)
                  .containsExactly("young"));
    }
  }

  @Test
  void invalidSettingFailsTheStartWithAMessage() {
    assertThatThrownBy(() -> start(Map.of("LOG_CONVERSATIONS", "everything")))
        .hasMessage(
            "LOG_CONVERSATIONS is \"everything\"; it must be off, ledger or workbook (environment)");
  }

  private Gateway start(Map<String, String> settings) {
    return Gateway.start(data, with(database(), settings));
  }

  private static Map<String, String> with(Map<String, String> some, Map<String, String> more) {
    Map<String, String> all = new java.util.HashMap<>(some);
    all.putAll(more);
    return all;
  }

  private static List<Conversation> stored(Gateway gateway) {
    return gateway
        .application()
        .ledger()
        .read(connection -> ConversationTable.list(connection, null, Instant.EPOCH, 1000));
  }

  private static List<ObjectNode> awaitEnded(Gateway gateway, int count) {
    return Awaitility.await()
        .until(
            () ->
                stored(gateway).stream()
                    .filter(one -> one.answer() != null && one.status() != null)
                    .map(Conversation::toJson)
                    .toList(),
            list -> list.size() >= count);
  }

  /** The stored conversation, after all background work is done. */
  private static List<Conversation> keptInTheEnd(Gateway gateway) {
    gateway.stop();
    List<Conversation> stored =
        new ConversationArchive(gateway.settings()).list(null, Instant.EPOCH, 1000);
    gateway.start();
    return stored;
  }

  private static void begin(Gateway gateway, String requestId, Instant at) {
    gateway
        .application()
        .ledger()
        .write(connection ->
            ConversationTable.begin(
                connection, requestId, at, "a@example.com", "{\"messages\":[]}", 15, false));
  }

  /** Adds the column, with a cell for each key in order. */
  private static void column(Gateway gateway, String... cells) throws IOException {
    List<List<Object>> column = new ArrayList<>();
    column.add(List.of(ApiKeySheet.LOG_CONVERSATIONS));
    for (String cell : cells) {
      column.add(List.of(cell));
    }
    var workbook = gateway.application().workbook();
    var update = new com.google.api.services.sheets.v4.model.ValueRange().setValues(column);
    var client = workbook.client();
    client
        .spreadsheets()
        .batchUpdate(
            workbook.spreadsheetId(),
            new com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest()
                .setRequests(
                    List.of(
                        new com.google.api.services.sheets.v4.model.Request()
                            .setAppendDimension(
                                new com.google.api.services.sheets.v4.model.AppendDimensionRequest()
                                    .setSheetId(
                                        dev.llmproxy.workbook.WorkbookSchema.sheetId(
                                            ApiKeySheet.TITLE))
                                    .setDimension("COLUMNS")
                                    .setLength(1)))))
        .execute();
    client
        .spreadsheets()
        .values()
        .update(workbook.spreadsheetId(), "'" + ApiKeySheet.TITLE + "'!K1", update)
        .setValueInputOption("RAW")
        .execute();
  }

  private static RawConnection open(Gateway gateway, String key, String message)
      throws IOException {
    var body = Json.object().put("model", "openai/scripted").put("stream", true);
    body.putArray("messages").addObject().put("role", "user").put("content", message);
    RawConnection client = gateway.connect();
    client.post(key, Json.text(body));
    return client;
  }
}
