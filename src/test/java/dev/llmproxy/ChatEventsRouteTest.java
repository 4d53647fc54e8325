package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.chat.EventSchemas;
import dev.llmproxy.chat.EventSchemas.Event;
import dev.llmproxy.conversation.ConversationArchive;
import dev.llmproxy.emulator.SignInStandIn;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** POST /chat over HTTP: the form, the events and the callers. */
class ChatEventsRouteTest {
  private static final String ANN = "ann@example.com";

  private static final String STEERING =
      "/chat?caller=boss@example.com&person=boss@example.com&sink=sink-chunks&call=x"
          + "&CamelHttpUri=http://127.0.0.1:1/&CamelHttpPath=/x&access_token=x";

  private static SignInStandIn google;
  private static Gateway gateway;
  private static Gateway impatient;
  private static String token;

  @BeforeAll
  static void start(@TempDir Path data, @TempDir Path dataOfImpatient) {
    google = SignInStandIn.start();
    Map<String, String> settings = new HashMap<>(google.settings());
    settings.put("LLMPROXY_ALLOWED_USERS", ANN);
    settings.put("LOG_CONVERSATIONS", "ledger");
    settings.put("RATE_LIMIT_TINY", "2");
    settings.put("LOCAL_MODEL", "on");
    settings.put("TOOLS_FREE", "calculator");
    // No server there, so that the documents are searched.
    settings.put("WIKIPEDIA_BASE_URL", "http://127.0.0.1:9");
    gateway = Gateway.start(data, settings);
    settings.put("PROVIDER_SILENCE_SECONDS", "2");
    settings.put("LOCAL_MODEL", "off");
    impatient = Gateway.start(dataOfImpatient, settings);
    token = google.token(ANN);
  }

  @AfterAll
  static void stop() {
    gateway.close();
    impatient.close();
    google.close();
  }

  @Test
  void textIsSentAsDeltasAndCompleteHasTheUsage() {
    HttpResponse<String> response = ask("[[script chunks=3]]");

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type"))
        .hasValue("text/event-stream; charset=utf-8");
    assertThat(response.headers().firstValue("x-accel-buffering")).hasValue("no");
    List<Event> events = EventSchemas.events(response.body());
    assertThat(events)
        .extracting(Event::name)
        .containsExactly("delta", "delta", "delta", "complete");
    assertThat(text(events, "delta")).isEqualTo("word1 word2 word3");
    JsonNode complete = events.getLast().data();
    assertThat(complete.path("id").asText()).startsWith("chatcmpl-scripted-");
    assertThat(complete.path("model").asText()).isEqualTo("openai/scripted");
    assertThat(complete.path("finish_reason").asText()).isEqualTo("stop");
    assertThat(complete.at("/usage/completion_tokens").asInt()).isEqualTo(3);
    assertThat(complete.path("turns").asInt()).isOne();
    assertThat(complete.path("tool_calls").asInt()).isZero();
    assertThat(response.body()).doesNotContain("[DONE]");
  }

  @Test
  void thinkingIsSentApartFromTheAnswer() {
    List<Event> events = EventSchemas.events(ask("hello [[script reasoning=1]]").body());

    assertThat(text(events, "thinking")).isEqualTo("Let me think.");
    assertThat(text(events, "delta")).isEqualTo("You said: hello");
    assertThat(events.stream().map(Event::name).distinct())
        .containsExactly("thinking", "delta", "complete");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"bare=1", "groq=1", "fields=1", "utf8=1", "n=2", "finish=length", "crlf=1"})
  void eventsFitTheirSchemasForAllProviders(String script) {
    List<Event> events = EventSchemas.events(ask("hello [[script " + script + "]]").body());

    assertThat(text(events, "delta")).startsWith("You said: hello").doesNotContain("hellohello");
    assertThat(events.getLast().name()).isEqualTo("complete");
  }

  @Test
  void eachEventIsSentAtOnce() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.post("/chat", token, form("[[script chunks=3 hold=2]]"));
      assertThat(client.readUntil("word1")).contains("200 OK");
      client.readUntil("word2");
      gateway.provider().release();
      assertThat(client.readUntil("event: complete")).contains("word3");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'[[script status=400 code=bad_thing]]', 400, bad_thing",
    "'[[script status=429 retry_after=7]]',  429, rate_limit_exceeded",
    "'[[script status=500]]',                502, upstream_error",
    "'[[script ttft=60000]]',                504, upstream_timeout",
    "'[[script chunks=3 cut=0]]',            502, upstream_error"
  })
  void aFailureBeforeTheFirstEventIsAnHttpStatus(String script, int status, String code) {
    HttpResponse<String> response = ask(script);

    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(Gateway.json(response).at("/error/code").asText()).isEqualTo(code);
  }

  @ParameterizedTest
  @CsvSource({
    "cut=2,     upstream_error",
    "end=2,     upstream_error",
    "error=2,   ",
    "garbage=2, upstream_error",
    "silent=2,  upstream_timeout"
  })
  void aFailureAfterTheFirstEventIsTheLastEvent(String mishap, String code) {
    HttpResponse<String> response = ask("[[script chunks=5 " + mishap + "]]");

    List<Event> events = EventSchemas.events(response.body());
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(events).extracting(Event::name).containsExactly("delta", "delta", "error");
    if (code != null) {
      assertThat(events.getLast().data().at("/error/code").asText()).isEqualTo(code);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {                                                                  |                         | not valid JSON
          []                                                                 |                         | expected an object
          {"messages":[{"role":"user","content":"hi"}]}                      | model                   | Missing
          {"model":7,"messages":[{"role":"user","content":"hi"}]}            | model                   | a string
          {"model":"openai/x"}                                               | messages                | Missing
          {"model":"openai/x","messages":"hi"}                               | messages                | an array
          {"model":"openai/x","messages":[]}                                 | messages                | at least one
          {"model":"openai/x","messages":[{"role":"robot","content":"hi"}]}  | messages[0].role        | robot
          {"model":"openai/x","messages":[{"role":"user","content":7}]}      | messages[0].content     | content parts
          {MODEL,"stream":true}                                              | stream                  | options, which holds
          {MODEL,"temperature":1}                                            | temperature             | options, which holds
          {MODEL,"caller":{"email":"boss@example.com"}}                      | caller                  | options, which holds
          {MODEL,"tools":"web_search"}                                       | tools                   | an array of names
          {MODEL,"tools":["web_search","abacus"]}                            | tools[1]                | It has calculator, current_time, fetch_url, web_search.
          {MODEL,"tools":[{"type":"function","function":{"name":"mine"}}]}   | tools[0]                | the name of a tool
          {MODEL,"options":[]}                                               | options                 | an object
          {MODEL,"options":{"temperature":3}}                                | options.temperature     | from 0 to 2
          {MODEL,"options":{"temperature":"hot"}}                            | options.temperature     | a number
          {MODEL,"options":{"max_tokens":0}}                                 | options.max_tokens      | it must be from 1
          {MODEL,"options":{"stop":["a","b","c","d","e"]}}                   | options.stop            | at most 4
          {MODEL,"options":{"stop":[1]}}                                     | options.stop            | array of strings
          {MODEL,"options":{"seed":1.5}}                                     | options.seed            | an integer
          {MODEL,"options":{"tools":[]}}                                     | options.tools           | no option
          {MODEL,"options":{"model":"openai/y"}}                             | options.model           | no option
          {MODEL,"options":{"stream_options":{"include_usage":true}}}        | options.stream_options  | no option
          {MODEL,"options":{"functions":[]}}                                 | options.functions       | no option
          {MODEL,"options":{"web_search_options":{}}}                        | options.web_search_options | no option
          {MODEL,"options":{"n":2}}                                          | options.n               | no option
          """)
  void invalidFormsAreRefusedWithTheField(String body, String param, String message) {
    int asked = gateway.provider().requests().size();

    HttpResponse<String> response =
        post(
            body.replace(
                "MODEL",
                "\"model\":\"openai/x\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"));

    assertThat(response.statusCode()).isEqualTo(400);
    JsonNode error = Gateway.json(response).path("error");
    assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error.path("param").textValue()).isEqualTo(param);
    assertThat(error.path("message").asText()).contains(message);
    assertThat(gateway.provider().requests()).hasSize(asked);
  }

  @Test
  void emptyBodiesAndUnknownModelsAreRefused() {
    assertThat(post("").statusCode()).isEqualTo(400);
    HttpResponse<String> unknown = post(form("hi").replace("openai/", "nobody/"));
    assertThat(unknown.statusCode()).isEqualTo(404);
    assertThat(Gateway.json(unknown).at("/error/code").asText()).isEqualTo("model_not_found");
  }

  @Test
  void otherMethodsThanPostAreRefused() {
    HttpResponse<String> response = gateway.get("/chat", token);

    assertThat(response.statusCode()).isEqualTo(405);
    assertThat(response.headers().firstValue("allow").orElseThrow()).contains("POST");
  }

  @Test
  void optionsReachTheProviderUnchanged() {
    ObjectNode form = formOf("hello");
    form.putObject("options")
        .put("temperature", 0.25)
        .put("max_tokens", 9)
        .put("seed", 7)
        .put("reasoning_effort", "low")
        .put("top_k", 40);

    assertThat(post(Json.text(form)).statusCode()).isEqualTo(200);

    JsonNode sent = gateway.provider().lastRequest().body();
    assertThat(sent.path("temperature").asDouble()).isEqualTo(0.25);
    assertThat(sent.path("seed").asInt()).isEqualTo(7);
    assertThat(sent.path("reasoning_effort").asText()).isEqualTo("low");
    assertThat(sent.path("top_k").asInt()).isEqualTo(40);
    assertThat(sent.has("options")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "false", "[]"})
  void aFormWithoutToolsOffersNone(String tools) throws IOException {
    ObjectNode form = formOf("hello");
    form.set("tools", Json.parse(tools));
    form.putNull("options");

    assertThat(post(Json.text(form)).statusCode()).isEqualTo(200);

    assertThat(gateway.provider().lastRequest().body().has("tools")).isFalse();
  }

  @Test
  void eventsFitTheirSchemasForAllToolCalls() {
    ObjectNode form =
        formOf("[[script calls='calculator [1] & calculator null & functions.x 5 & ']]");
    form.putArray("tools").add("calculator");

    List<Event> events = EventSchemas.events(post(Json.text(form)).body());

    assertThat(data(events, "tool_call_start"))
        .extracting(start -> start.path("tool").asText() + start.path("arguments"))
        .containsExactly("calculator\"[1]\"", "calculator{}", "functions_x\"5\"", "unknown{}");
    assertThat(events.getLast().name()).isEqualTo("complete");
  }

  @Test
  void toolsRunBetweenTurnsWithStartAndResultEvents() {
    ObjectNode form =
        formOf(
            "[[script say='Let me see.' calls='calculator {\"expression\": \"6*7\"} & calculator {}']]");
    form.putArray("tools").add("calculator").add("calculator");

    List<Event> events = EventSchemas.events(post(Json.text(form)).body());

    assertThat(events.stream().map(Event::name).filter(name -> !name.equals("delta")))
        .containsExactly(
            "tool_call_start",
            "tool_call_start",
            "tool_call_result",
            "tool_call_result",
            "complete");
    assertThat(events.getFirst().name()).isEqualTo("delta");
    assertThat(text(events, "delta")).startsWith("Let me see.").contains("The tool said: ");
    JsonNode start = data(events, "tool_call_start").getFirst();
    assertThat(start.path("tool").asText()).isEqualTo("calculator");
    assertThat(start.at("/arguments/expression").asText()).isEqualTo("6*7");
    assertThat(data(events, "tool_call_result"))
        .filteredOn(result -> result.path("call_id").equals(start.path("call_id")))
        .singleElement()
        .satisfies(result -> {
          assertThat(result.path("status").asText()).isEqualTo("completed");
          assertThat(result.path("summary").asText()).contains("42");
        });
    assertThat(data(events, "tool_call_result"))
        .extracting(result -> result.path("status").asText())
        .containsExactlyInAnyOrder("completed", "failed");
    JsonNode complete = events.getLast().data();
    assertThat(complete.path("turns").asInt()).isEqualTo(2);
    assertThat(complete.path("tool_calls").asInt()).isEqualTo(2);
    assertThat(complete.path("finish_reason").asText()).isEqualTo("stop");
  }

  @Test
  void toolChoiceNoneRunsNoTool() {
    ObjectNode form = formOf("[[script calls='calculator {\"expression\": \"1+1\"}']]");
    form.put("tools", true).putObject("options").put("tool_choice", "none");

    String events = post(Json.text(form)).body();

    assertThat(events).contains("event: complete").doesNotContain("tool_call_start");
    assertThat(gateway.provider().lastRequest().body().has("tools")).isFalse();
  }

  @Test
  void toolsTrueOffersAllTools() {
    post(Json.text(formOf("hello").put("tools", true)));

    assertThat(gateway.provider().lastRequest().body().path("tools"))
        .extracting(tool -> tool.at("/function/name").asText())
        .containsExactlyInAnyOrder("calculator", "current_time", "fetch_url", "web_search");
  }

  @Test
  void toolsOfTheTierAreNotOfferedUnlessRequested() {
    post(Json.text(formOf("hello").put("tools", false)));

    assertThat(gateway.provider().lastRequest().body().has("tools")).isFalse();
  }

  @Test
  void toolsTrueSearchesFirstForModelsWithoutToolCalls() {
    ObjectNode form = formOf("How are keys revoked?").put("tools", true);
    form.put("model", "local/smollm2-135m-instruct").putObject("options").put("max_tokens", 5);

    List<Event> events = EventSchemas.events(post(Json.text(form)).body());

    assertThat(events.subList(0, 3))
        .extracting(Event::name)
        .containsExactly("tool_call_start", "tool_call_result", "delta");
    assertThat(events.getLast().data().path("tool_calls").asInt()).isOne();
  }

  @Test
  void searchResultsAreInTheResultEvent() {
    ObjectNode form =
        formOf("[[script calls='web_search {\"query\": \"keeping conversations\"}']]");
    form.putArray("tools").add("web_search");

    List<Event> events = EventSchemas.events(post(Json.text(form)).body());

    JsonNode found = data(events, "tool_call_result").getFirst();
    assertThat(found.path("results")).isNotEmpty();
    assertThat(found.at("/results/0/url").asText()).endsWith(".md");
  }

  @Test
  void theProviderIsCancelledWhenTheClientLeaves() throws IOException {
    int cancelled = gateway.provider().cancelled();
    try (RawConnection client = gateway.connect()) {
      ObjectNode form = formOf("[[script chunks=10 silent=2]]").put("model", "openai/left");
      client.post("/chat", token, Json.text(form));
      client.readUntil("word1");
    }

    Awaitility.await().until(() -> gateway.provider().cancelled() > cancelled);
    assertThat(gateway.awaitRecord(record -> record.model().equals("openai/left")).status())
        .isEqualTo(Status.CANCELLED);
  }

  @Test
  void ledgerAndConversationHaveThePersonAndTheMessages() {
    HttpResponse<String> response = ask("remember me [[script chunks=2]]");

    String requestId = response.headers().firstValue("x-request-id").orElseThrow();
    UsageRecord record = gateway.awaitRecord(each -> each.requestId().equals(requestId));
    assertThat(record.email()).isEqualTo(ANN);
    assertThat(record.type()).isEqualTo("chat");
    assertThat(record.provider()).isEqualTo("chat");
    assertThat(record.status()).isEqualTo(Status.SUCCESS);
    assertThat(record.tokensOut()).isEqualTo(2);
    Conversation kept =
        Awaitility.await()
            .until(
                () ->
                    new ConversationArchive(gateway.settings())
                        .list(ANN, Instant.EPOCH, 1000).stream()
                            .filter(one -> one.requestId().equals(requestId))
                            .filter(one -> one.answer() != null)
                            .findFirst(),
                Optional::isPresent)
            .orElseThrow();
    assertThat(kept.toJson().at("/messages/0/content").asText()).startsWith("remember me");
    assertThat(kept.toJson().at("/choices/0/message/content").asText()).isEqualTo("word1 word2");
  }

  @Test
  void requestsWithoutSignInAreRefused() {
    String key = gateway.createKey("key@example.com");
    int asked = gateway.provider().requests().size();

    assertThat(gateway.post("/chat", null, form("hi")).statusCode()).isEqualTo(401);
    assertThat(gateway.post("/chat", key, form("hi")).statusCode()).isEqualTo(401);
    assertThat(gateway.post("/chat", google.token("bob@example.com"), form("hi")).statusCode())
        .isEqualTo(403);
    assertThat(gateway.post(token, form("hi")).statusCode()).isEqualTo(401);
    assertThat(gateway.post("/chat", null, "{").statusCode()).isEqualTo(401);
    assertThat(gateway.provider().requests()).hasSize(asked);
  }

  @Test
  void headersAndQueryDoNotChangeCallerOrTarget() {
    String boss = "boss@example.com";

    HttpResponse<String> response =
        gateway.send(
            steering(gateway.request(STEERING, token), boss)
                .POST(BodyPublishers.ofString(form("[[script chunks=2]]")))
                .build());

    assertThat(EventSchemas.events(response.body()))
        .extracting(Event::name)
        .containsExactly("delta", "delta", "complete");
    String requestId = response.headers().firstValue("x-request-id").orElseThrow();
    assertThat(gateway.awaitRecord(record -> record.requestId().equals(requestId)).email())
        .isEqualTo(ANN);
    String sent = gateway.provider().lastRequest().toString();
    assertThat(sent).contains("Bearer provider-secret").doesNotContain(boss, token, ANN);
    assertThat(response.headers().map().toString()).doesNotContain(boss);

    HttpResponse<String> nobody =
        gateway.send(
            steering(gateway.request(STEERING, null), boss)
                .POST(BodyPublishers.ofString(form("hi")))
                .build());
    assertThat(nobody.statusCode()).isEqualTo(401);
  }

  @Test
  void aPersonHasTheRateLimitOfTheTier() {
    gateway.createKey("tiny@example.com", "tiny");
    String tiny = google.token("tiny@example.com");

    List<HttpResponse<String>> responses =
        List.of(
            gateway.post("/chat", tiny, form("[[script chunks=1]]")),
            gateway.post("/chat", tiny, "{"),
            gateway.post("/chat", tiny, form("hi")));

    assertThat(responses).extracting(HttpResponse::statusCode).containsExactly(200, 400, 429);
    assertThat(responses)
        .extracting(
            each -> each.headers().firstValue("x-ratelimit-remaining-requests").orElseThrow())
        .containsExactly("1", "0", "0");
    assertThat(responses.getLast().headers().firstValue("retry-after")).isPresent();
    assertThat(Gateway.json(responses.getLast()).at("/error/code").asText())
        .isEqualTo("rate_limit_exceeded");
  }

  /** Adds headers and query parameters with the names of internal state. */
  private static HttpRequest.Builder steering(HttpRequest.Builder request, String boss) {
    return request
        .header("caller", boss)
        .header("person", boss)
        .header("sink", "sink-chunks")
        .header("CamelHttpUri", "http://127.0.0.1:1/")
        .header("CamelHttpMethod", "GET")
        .header("X-Forwarded-User", boss)
        .header("X-Goog-Authenticated-User-Email", "accounts.google.com:" + boss);
  }

  /** Uses the gateway with short timeouts when the provider falls silent. */
  private static HttpResponse<String> ask(String message) {
    boolean silence = message.contains("silent=") || message.contains("ttft=");
    return (silence ? impatient : gateway).post("/chat", token, form(message));
  }

  private static HttpResponse<String> post(String body) {
    return gateway.post("/chat", token, body);
  }

  private static String form(String message) {
    return Json.text(formOf(message));
  }

  private static ObjectNode formOf(String message) {
    ObjectNode form = Json.object().put("model", "openai/scripted");
    form.putArray("messages").addObject().put("role", "user").put("content", message);
    return form;
  }

  private static List<JsonNode> data(List<Event> events, String name) {
    return events.stream().filter(event -> event.name().equals(name)).map(Event::data).toList();
  }

  private static String text(List<Event> events, String name) {
    return events.stream()
        .filter(event -> event.name().equals(name))
        .map(event -> event.data().path("content").asText())
        .collect(Collectors.joining());
  }
}
