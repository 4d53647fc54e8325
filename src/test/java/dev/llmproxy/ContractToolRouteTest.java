package dev.llmproxy;

import static dev.llmproxy.ToolChats.CALCULATOR;
import static dev.llmproxy.ToolChats.SEARCH;
import static dev.llmproxy.ToolChats.SEARCHES;
import static dev.llmproxy.ToolChats.SEARCH_ADDRESS;
import static dev.llmproxy.ToolChats.content;
import static dev.llmproxy.ToolChats.finishReasons;
import static dev.llmproxy.ToolChats.notifications;
import static dev.llmproxy.ToolChats.request;
import static dev.llmproxy.ToolChats.script;
import static dev.llmproxy.ToolChats.told;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.ToolChats.Event;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.OpenAiSchema;
import dev.llmproxy.emulator.ScriptedSearch;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rules 1.1 of the wire contract over HTTP: what clients see of the server's tools. */
class ContractToolRouteTest {
  private static final OpenAiSchema CHUNK = new OpenAiSchema("CreateChatCompletionStreamResponse");
  private static final OpenAiSchema COMPLETION = new OpenAiSchema("CreateChatCompletionResponse");

  /** Fields of a tool_notification that belong to the chunk. */
  private static final List<String> OF_CHUNKS =
      List.of("id", "object", "created", "model", "choices");

  /** A search, an invalid call and a sum: two turns with tools, then the answer. */
  private static final String CHAT =
      SEARCHES + " & calculator {\"sum\": 1} | calculator {\"expression\": \"6*7\"}";

  private static ScriptedSearch search;
  private static Gateway gateway;
  private static ToolChats chats;

  @BeforeAll
  static void start(@TempDir Path data) {
    search = ScriptedSearch.start();
    Map<String, String> settings = new HashMap<>(search.settings());
    settings.put("LOCAL_MODEL", "on");
    gateway = Gateway.start(data, settings);
    chats = new ToolChats(gateway, gateway.createKey("tools@example.com"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
    search.close();
  }

  @Wire({"1.1", "1.1chunk", "5.1", "5.2"})
  @ParameterizedTest
  @ValueSource(strings = {"", "say='One moment.'", "reasoning=1"})
  void notificationsAreEmptyChunksWithToolFields(String before) {
    List<Event> events = chats.stream(asked(before));

    Set<String> heads = new HashSet<>();
    List<JsonNode> roles = new ArrayList<>();
    for (Event event : chunks(events)) {
      JsonNode chunk = event.json();
      assertThat(CHUNK.problems(chunk)).isEmpty();
      heads.add(Json.text(((ObjectNode) chunk.deepCopy()).retain("id", "created", "model")));
      chunk.at("/choices/0/delta").properties().stream()
          .filter(field -> field.getKey().equals("role"))
          .forEach(field -> roles.add(chunk));
    }
    assertThat(heads).hasSize(1);
    assertThat(roles).containsExactly(events.getFirst().json());
    for (JsonNode event : notifications(events)) {
      assertThat(event.path("choices")).hasSize(1);
      assertThat(event.at("/choices/0/index").asInt(-1)).isZero();
      assertThat(event.at("/choices/0/delta/content").asText("")).isEmpty();
      assertThat(event.at("/choices/0/finish_reason").isNull()).isTrue();
      assertThat(event.path("tool").asText()).isNotEmpty();
      assertThat(event.path("call_id").asText()).isNotEmpty();
      assertThat(event.has("query")).isEqualTo(event.path("tool").asText().equals("web_search"));
      assertThat(event.has("arguments")).isNotEqualTo(event.has("query"));
      boolean ended = !event.path("status").asText().equals("started");
      assertThat(event.has("result")).isEqualTo(ended);
      assertThat(event.has("duration_ms")).isEqualTo(ended);
      assertThat(event.has("results")).isEqualTo(ended && event.has("query"));
    }
    assertThat(told(notifications(events)))
        .containsSubsequence("web_search started", "web_search completed")
        .containsSubsequence("calculator started", "calculator failed", "calculator completed")
        .hasSize(6);
  }

  @Wire("1.1first")
  @Test
  void aNotificationThatComesFirstHasTheRole() {
    ObjectNode searched = request("Hello there", SEARCH);
    searched.put("model", "local/smollm2-135m-instruct").put("max_tokens", 5);

    List<Event> events = chats.stream(searched);

    assertThat(events.getFirst().name()).isEqualTo("tool_notification");
    assertThat(events.getFirst().delta())
        .isEqualTo(ToolChats.json("{\"role\":\"assistant\",\"content\":\"\"}"));
    assertThat(events.stream().filter(event -> event.delta().has("role"))).hasSize(1);
  }

  @Wire({"1.1order", "5.5", "5.6"})
  @Test
  void noNotificationFollowsTheFinishChunk() {
    ObjectNode request = asked("say='One moment.'");
    request.putObject("stream_options").put("include_usage", true);

    List<Event> events = chats.stream(request);

    List<String> kinds = events.stream().map(ContractToolRouteTest::kind).distinct().toList();
    assertThat(kinds).containsExactly("chunk", "tool_notification", "finish", "usage", "[DONE]");
    assertThat(kind(events.get(events.size() - 3))).isEqualTo("finish");
  }

  @Wire("1.1calls")
  @ParameterizedTest
  @ValueSource(strings = {"hybrid", "comment", "off"})
  void serverToolCallsAreHiddenAndTurnsAreOneAnswer(String mode) {
    List<Event> events = chats.stream(asked("say='One moment.'"), mode);

    assertThat(events).noneMatch(event -> event.delta().has("tool_calls"));
    assertThat(finishReasons(events)).containsExactly("stop");
    assertThat(content(events)).isEqualTo("One moment.\n\nOne moment.\n\nThe tool said: 42");
    JsonNode choice = chats.complete(asked("say='One moment.'"), mode).at("/choices/0");
    assertThat(choice.at("/message").has("tool_calls")).isFalse();
    assertThat(choice.at("/finish_reason").asText()).isEqualTo("stop");
    assertThat(choice.at("/message/content").asText()).isEqualTo(content(events));
  }

  @Wire("1.1comment")
  @Test
  void commentsHaveTheDataOfEvents() {
    List<JsonNode> events = new ArrayList<>();
    notifications(chats.stream(asked("")))
        .forEach(event -> events.add(((ObjectNode) event).without(OF_CHUNKS)));

    List<Event> stream = chats.stream(asked(""), "comment");

    assertThat(stream).extracting(Event::name).containsOnly("", "comment");
    List<JsonNode> comments =
        stream.stream()
            .filter(event -> event.name().equals("comment"))
            .map(Event::data)
            .peek(comment -> assertThat(comment).startsWith("tool_notification {"))
            .map(comment -> ToolChats.json(comment.substring(comment.indexOf('{'))))
            .toList();
    assertThat(timeless(comments)).isEqualTo(timeless(events));
  }

  @Wire("1.1off")
  @Test
  void offModeShowsOnlyTheAnswer() {
    assertThat(chats.stream(asked(""), "off")).extracting(Event::name).containsOnly("");
    assertThat(chats.complete(asked(""), "off").has("tool_notifications")).isFalse();
  }

  @Wire("1.1bare")
  @Test
  void bareEventsHaveToolStatusAndQueryOnly() {
    List<Event> events = chats.stream(request(script(SEARCHES), SEARCH), "bare");

    assertThat(notifications(events))
        .containsExactly(
            ToolChats.json("{\"tool\":\"web_search\",\"status\":\"started\",\"query\":\"camels\"}"),
            ToolChats.json(
                "{\"tool\":\"web_search\",\"status\":\"completed\",\"query\":\"camels\"}"));
    String arguments =
        String.join(
            "",
            events.stream()
                .map(event -> event.delta().at("/tool_calls/0/function/arguments").asText(""))
                .toList());
    assertThat(arguments).isEqualTo("{\"query\": \"camels\"}");
    assertThat(finishReasons(events)).containsExactly("stop");
  }

  @Wire("1.1wrong")
  @ParameterizedTest
  @ValueSource(strings = {"loud", "on", "hybrid,off"})
  void otherValuesAreRefusedBeforeTheProviderIsCalled(String mode) {
    int before = gateway.provider().requests().size();

    HttpResponse<String> answer = chats.post(request("hi").put("stream", true), mode);

    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(answer).at("/error/code").asText()).isEqualTo("invalid_value");
    assertThat(Gateway.json(answer).at("/error/param").asText()).isEqualTo("X-Tool-Notifications");
    assertThat(gateway.provider().requests()).hasSize(before);
  }

  @Wire({"1.1whole", "4.shape"})
  @ParameterizedTest
  @CsvSource({"hybrid, true", "bare, true", "comment, false", "off, false", "HYBRID, true"})
  void wholeAnswersListTheSameObjects(String mode, boolean listed) {
    List<JsonNode> events = new ArrayList<>();
    notifications(chats.stream(asked("")))
        .forEach(event -> events.add(((ObjectNode) event).without(OF_CHUNKS)));

    JsonNode completion = chats.complete(asked(""), mode);

    assertThat(COMPLETION.problems(completion)).isEmpty();
    assertThat(completion.has("tool_notifications")).isEqualTo(listed);
    if (listed) {
      assertThat(timeless(completion.path("tool_notifications"))).isEqualTo(timeless(events));
    }
  }

  @Wire("1.1cite")
  @Test
  void citedAddressesAreAnnotatedBeforeTheFinishChunk() {
    List<Event> events = chats.stream(request(script(SEARCHES), SEARCH));

    JsonNode annotations = events.get(events.size() - 3).delta().path("annotations");
    assertThat(annotations).hasSize(1);
    assertThat(annotations.at("/0/type").asText()).isEqualTo("url_citation");
    JsonNode citation = annotations.at("/0/url_citation");
    assertThat(citation.path("url").asText()).isEqualTo(SEARCH_ADDRESS);
    assertThat(citation.path("title").asText()).isEqualTo("searxng on camels");
    assertThat(
            content(events)
                .substring(
                    citation.path("start_index").asInt(), citation.path("end_index").asInt()))
        .isEqualTo(SEARCH_ADDRESS);
    assertThat(
            chats
                .complete(request(script(SEARCHES), SEARCH), "off")
                .at("/choices/0/message/annotations"))
        .isEqualTo(annotations);
  }

  private static ObjectNode asked(String how) {
    return request("[[script %s calls='%s']]".formatted(how, CHAT), SEARCH, CALCULATOR);
  }

  private static List<Event> chunks(List<Event> events) {
    return events.stream().filter(event -> event.data().startsWith("{")).toList();
  }

  private static String kind(Event event) {
    if (!event.name().isEmpty() || !event.data().startsWith("{")) {
      return event.name().isEmpty() ? event.data() : event.name();
    }
    if (event.json().path("usage").isObject()) {
      return "usage";
    }
    return event.json().at("/choices/0/finish_reason").isTextual() ? "finish" : "chunk";
  }

  /** Removes durations and the order of parallel calls, which differ between runs. */
  private static Set<JsonNode> timeless(Iterable<JsonNode> notifications) {
    Set<JsonNode> timeless = new HashSet<>();
    notifications.forEach(
        one -> timeless.add(((ObjectNode) one.deepCopy()).without("duration_ms")));
    return timeless;
  }
}
