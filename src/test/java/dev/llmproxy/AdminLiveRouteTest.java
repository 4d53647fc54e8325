package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.ToolChats.Event;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What people see of requests as they happen, and of single ones. */
class AdminLiveRouteTest {
  private static final String MODEL = "openai/gpt-4o-mini";
  private static final String ANN = "ann@example.com";
  private static final String BOB = "bob@example.com";
  private static final String HOLD = "[[script chunks=2 hold=1]]";

  private Gateway gateway;
  private AdminBrowser admin;
  private AdminBrowser ann;
  private String annKey;
  private String bobKey;

  @BeforeEach
  void twoPeopleHaveKeys(@TempDir Path data) {
    Map<String, String> settings = new HashMap<>(AdminBrowser.SETTINGS);
    settings.put("LOG_CONVERSATIONS", "ledger");
    gateway = Gateway.start(data, settings);
    annKey = gateway.createKey(ANN);
    bobKey = gateway.createKey(BOB);
    admin = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
    ann = AdminBrowser.signedIn(gateway, ANN);
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  @Test
  void chatWithAToolIsSeenFromItsBeginToItsEnd() {
    try (LiveStream live = new LiveStream(admin, "")) {
      new ToolChats(gateway, annKey)
          .stream(
              ToolChats.request(
                      "walrus " + ToolChats.script("calculator {\"expression\": \"1234+1\"}"),
                      ToolChats.CALCULATOR)
                  .put("model", MODEL));
      JsonNode end = live.await("end", "SUCCESS");

      assertThat(live.events())
          .extracting(Event::name)
          .containsExactly("snapshot", "begin", "attempt", "tool", "tool", "attempt", "end");
      JsonNode begin = live.of("begin").getFirst();
      UsageRecord record = gateway.awaitRecords(1).getFirst();
      assertThat(begin.path("id").asText()).isEqualTo(record.requestId());
      assertThat(begin.path("status").asText()).isEqualTo("RUNNING");
      assertThat(begin.path("email").asText()).isEqualTo(ANN);
      assertThat(begin.path("key_name").asText()).isEqualTo("Test");
      assertThat(begin.path("key_hash").asText()).isEqualTo(ApiKey.hash(annKey));
      assertThat(begin.path("model").asText()).isEqualTo(MODEL);
      assertThat(live.of("attempt"))
          .extracting(
              attempt -> attempt.path("turn").asInt(), attempt -> attempt.path("outcome").asText())
          .containsExactly(tuple(1, "answered"), tuple(2, "answered"));
      assertThat(live.of("tool"))
          .extracting(tool -> tool.path("tool").asText() + " " + tool.path("status").asText())
          .containsExactly("calculator started", "calculator completed");
      assertThat(live.of("tool").getLast().path("duration_ms").isIntegralNumber()).isTrue();
      assertThat(end.path("id").asText()).isEqualTo(record.requestId());
      assertThat(end.path("tokens_in").asLong()).isEqualTo(record.tokensIn());
      assertThat(end.path("tokens_out").asLong()).isEqualTo(record.tokensOut());
      assertThat(new BigDecimal(end.path("cost").asText())).isEqualByComparingTo(record.cost());
      assertThat(end.path("turns").asInt()).isEqualTo(2);
      assertThat(end.path("tool_calls").asInt()).isEqualTo(1);
      assertThat(live.text()).doesNotContain("walrus", "1234", annKey);
    }
  }

  @Test
  void runningRequestIsInTheSnapshotAndInItsDetails() {
    CompletableFuture<HttpResponse<String>> chat = held(annKey);
    String id = runningId();
    try (LiveStream live = new LiveStream(ann, "?request=" + id)) {
      JsonNode snapshot = live.of("snapshot").getFirst();
      assertThat(snapshot.path("running_total").asInt()).isEqualTo(1);
      assertThat(snapshot.at("/running/0/id").asText()).isEqualTo(id);
      assertThat(snapshot.at("/running/0/turns").asInt()).isEqualTo(1);
      JsonNode details = json(ann.get("/admin/api/requests/" + id));
      assertThat(details.path("status").asText()).isEqualTo("RUNNING");
      assertThat(details.path("cost").isNull()).isTrue();
      assertThat(AdminBrowser.signedIn(gateway, BOB).get("/admin/api/requests/" + id).statusCode())
          .isEqualTo(404);

      gateway.provider().release();
      assertThat(chat.join().statusCode()).isEqualTo(200);
      assertThat(live.await("end", id).path("status").asText()).isEqualTo("SUCCESS");
    }
    gateway.awaitRecords(1);
    assertThat(json(ann.get("/admin/api/requests/" + id)).path("status").asText())
        .isEqualTo("SUCCESS");
  }

  @Test
  void failedRequestEndsWithItsCodeAndNotWithTheProvidersWords() {
    try (LiveStream live = new LiveStream(admin, "")) {
      gateway.chat(
          annKey,
          MODEL,
          false,
          "[[script status=500 body='{\"error\":{\"message\":\"You said walrus\"}}']]");

      JsonNode end = live.await("end", "");
      assertThat(end.path("status").asText()).isEqualTo("ERROR");
      assertThat(end.path("error_code").asText()).isEqualTo("upstream_error");
      assertThat(end.path("http_status").asInt()).isEqualTo(502);
      JsonNode attempt = live.of("attempt").getFirst();
      assertThat(attempt.path("status").asInt()).isEqualTo(500);
      assertThat(attempt.path("outcome").asText()).isEqualTo("upstream_error");
      assertThat(live.text()).doesNotContain("walrus");
    }
  }

  @Test
  void userSeesTheOwnRequestsAlone() {
    gateway.chat(bobKey, MODEL, false, "before");
    gateway.awaitRecords(1);
    CompletableFuture<HttpResponse<String>> running = held(bobKey);
    runningId();
    try (LiveStream live = new LiveStream(ann, "");
        LiveStream byBobsKey = new LiveStream(ann, "?key=" + ApiKey.hash(bobKey))) {
      gateway.chat(bobKey, MODEL, false, "one");
      gateway.provider().release();
      running.join();
      gateway.chat(annKey, MODEL, false, "two");
      live.await("end", ANN);

      assertThat(live.text()).doesNotContain(BOB);
      assertThat(live.of("end")).hasSize(1);
      assertThat(live.of("snapshot").getFirst().path("running_total").asInt()).isZero();
      assertThat(byBobsKey.text()).doesNotContain(BOB);
    }
  }

  @Test
  void filtersWorkOnTheServer() {
    gateway.chat(annKey, MODEL, false, "good");
    gateway.chat(annKey, MODEL, false, "[[script status=500]]");
    gateway.chat(bobKey, MODEL, false, "good");
    gateway.awaitRecords(3);
    try (LiveStream failed = new LiveStream(admin, "?status=ERROR");
        LiveStream running = new LiveStream(admin, "?status=RUNNING");
        LiveStream bobs = new LiveStream(admin, "?key=" + ApiKey.hash(bobKey))) {
      assertThat(failed.of("snapshot").getFirst().path("ended"))
          .singleElement()
          .satisfies(one -> assertThat(one.path("status").asText()).isEqualTo("ERROR"));
      assertThat(running.of("snapshot").getFirst().path("ended")).isEmpty();
      assertThat(bobs.of("snapshot").getFirst().path("ended"))
          .singleElement()
          .satisfies(one -> assertThat(one.path("email").asText()).isEqualTo(BOB));

      gateway.chat(annKey, MODEL, false, "good");
      gateway.chat(annKey, MODEL, false, "[[script status=500]]");
      gateway.chat(bobKey, MODEL, false, "last");
      bobs.await("end", BOB);
      running.await("end", BOB);
      failed.await("end", ANN);

      assertThat(failed.events()).extracting(Event::name).containsExactly("snapshot", "end");
      assertThat(running.of("begin")).hasSize(3);
      assertThat(running.of("end")).hasSize(3);
      assertThat(bobs.of("begin")).hasSize(1);
      assertThat(bobs.text()).doesNotContain(ANN);
    }
  }

  @Test
  void watcherThatNeverReadsDelaysNoRequestAndIsForgottenWhenItLeaves() throws IOException {
    try (RawConnection silent = gateway.connect()) {
      silent.write(
          "GET /admin/api/live HTTP/1.1\r\nHost: localhost\r\nCookie: llmproxy_session=%s\r\n\r\n"
              .formatted(admin.token()));
      Awaitility.await().until(() -> watchers() == 1);
      for (int i = 0; i < 200; i++) {
        assertThat(gateway.chat(annKey, MODEL, false, "chat " + i).statusCode()).isEqualTo(200);
      }
      assertThat(watchers()).isEqualTo(1);
    }
    Awaitility.await().until(() -> watchers() == 0);
  }

  @Test
  void moreWindowsThanAllowedAreRefusedUntilOneIsClosed() {
    List<LiveStream> windows = new ArrayList<>();
    try {
      for (int i = 0; i < 4; i++) {
        windows.add(new LiveStream(ann, ""));
      }
      HttpResponse<String> refused = ann.get("/admin/api/live");
      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(Gateway.json(refused).at("/error/code").asText()).isEqualTo("too_many_watchers");
      new LiveStream(admin, "").close();

      windows.removeFirst().close();
      Awaitility.await().until(() -> watchers() == 3);
      new LiveStream(ann, "").close();
    } finally {
      windows.forEach(LiveStream::close);
    }
    Awaitility.await().until(() -> watchers() == 0);
  }

  @Test
  void streamEndsWithTheSession() {
    try (LiveStream live = new LiveStream(admin, "")) {
      assertThat(admin.post("/admin/api/sign-out", "").statusCode()).isEqualTo(200);

      Awaitility.await().until(live::over);
      assertThat(watchers()).isZero();
    }
    assertThat(admin.get("/admin/api/live").statusCode()).isEqualTo(401);
  }

  @Test
  void openPageDoesNotKeepASessionAlive() {
    try (LiveStream live = new LiveStream(admin, "")) {
      // As if the session had not been used for long.
      gateway
          .application()
          .ledger()
          .write(connection ->
              connection.createStatement().executeUpdate("update admin_session set used_at = 1"));

      Awaitility.await().until(live::over);
    }
  }

  @Test
  void serverStopsAlthoughSomebodyWatches() {
    try (LiveStream live = new LiveStream(admin, "")) {
      // Camel would wait 20 seconds for a request that goes on.
      assertTimeout(Duration.ofSeconds(15), gateway::stop);
      Awaitility.await().until(live::over);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/admin/api/live", "/admin/api/requests/x/conversation"})
  void nobodyWatchesWithoutASession(String path) {
    assertThat(gateway.get(path, annKey).statusCode()).isEqualTo(401);
  }

  @Test
  void unknownStatusIsRefused() {
    assertThat(admin.get("/admin/api/live?status=GOOD").statusCode()).isEqualTo(400);
    assertThat(watchers()).isZero();
  }

  @Test
  void storedConversationIsShownToItsOwnerAndToAdministratorsOnRecord() {
    gateway.chat(annKey, MODEL, false, "the word walrus");
    String id = gateway.awaitRecords(1).getFirst().requestId();
    String path = "/admin/api/requests/" + id;
    Awaitility.await().until(() -> Gateway.json(ann.get(path + "/conversation")).has("choices"));

    assertThat(json(ann.get(path)).path("conversation").asText()).isEqualTo("ledger");
    JsonNode own = json(ann.get(path + "/conversation"));
    assertThat(own.at("/messages/0/content").asText()).isEqualTo("the word walrus");
    assertThat(own.at("/choices/0/message/content").asText()).isNotEmpty();
    assertThat(actions()).doesNotContain("conversation.read");
    assertThat(AdminBrowser.signedIn(gateway, BOB).get(path + "/conversation").statusCode())
        .isEqualTo(404);

    assertThat(json(admin.get(path + "/conversation"))).isEqualTo(own);
    assertThat(actions()).contains("conversation.read", ANN, id);
  }

  @Test
  void requestWithoutAStoredConversationSaysSo() {
    gateway.post(
        "/v1/embeddings", annKey, "{\"model\":\"openai/text-embedding-3-small\",\"input\":\"x\"}");
    String id = gateway.awaitRecords(1).getFirst().requestId();

    assertThat(json(ann.get("/admin/api/requests/" + id)).path("conversation").isNull()).isTrue();
    assertThat(ann.get("/admin/api/requests/" + id + "/conversation").statusCode()).isEqualTo(404);
  }

  /** A chat that the provider holds after its first word. */
  private CompletableFuture<HttpResponse<String>> held(String key) {
    return CompletableFuture.supplyAsync(() -> gateway.chat(key, MODEL, true, HOLD));
  }

  private String runningId() {
    return Awaitility.await()
        .until(
            () ->
                gateway.application().usageMeter().running().stream()
                    .filter(call -> call.soFar().getFirst().out() > 0)
                    .findFirst(),
            Optional::isPresent)
        .orElseThrow()
        .requestId();
  }

  private int watchers() {
    return gateway.application().live().watchers();
  }

  private String actions() {
    return admin.get("/admin/api/actions").body();
  }

  private static JsonNode json(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return Gateway.json(answer);
  }
}
