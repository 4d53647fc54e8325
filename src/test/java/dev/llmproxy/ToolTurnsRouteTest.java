package dev.llmproxy;

import static dev.llmproxy.ToolChats.CALCULATOR;
import static dev.llmproxy.ToolChats.SEARCH;
import static dev.llmproxy.ToolChats.SEARCHES;
import static dev.llmproxy.ToolChats.SEARCH_ADDRESS;
import static dev.llmproxy.ToolChats.WEATHER;
import static dev.llmproxy.ToolChats.content;
import static dev.llmproxy.ToolChats.finishReasons;
import static dev.llmproxy.ToolChats.notifications;
import static dev.llmproxy.ToolChats.request;
import static dev.llmproxy.ToolChats.script;
import static dev.llmproxy.ToolChats.told;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.ToolChats.Event;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.chat.Accumulator;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.conversation.ConversationArchive;
import dev.llmproxy.emulator.ScriptedSearch;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Chats in which the server runs tools, as clients see them. */
class ToolTurnsRouteTest {
  private static ScriptedSearch search;
  private static Gateway gateway;
  private static ToolChats chats;

  @BeforeAll
  static void start(@TempDir Path data) {
    search = ScriptedSearch.start();
    Map<String, String> settings = new HashMap<>(search.settings());
    settings.put("LOG_CONVERSATIONS", "ledger");
    settings.put("STREAM_KEEPALIVE_SECONDS", "600");
    gateway = Gateway.start(data, settings);
    chats = new ToolChats(gateway, gateway.createKey("tools@example.com"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
    search.close();
  }

  @Test
  void toolNotificationsAppearBetweenTheChunks() {
    ObjectNode request = request("[[script calls='" + SEARCHES + "' say='Let me look.']]", SEARCH);
    request.putObject("stream_options").put("include_usage", true);

    List<Event> events = chats.stream(request);

    assertThat(content(events))
        .startsWith("Let me look.\n\nThe tool said: {\"engine\":\"searxng\"");
    assertThat(told(notifications(events)))
        .containsExactly("web_search started", "web_search completed");
    int started = events.indexOf(named(events, "tool_notification"));
    assertThat(content(events.subList(0, started))).isEqualTo("Let me look.");
    assertThat(finishReasons(events)).containsExactly("stop");
    assertThat(events).noneMatch(event -> event.delta().has("tool_calls"));
    List<JsonNode> chunks =
        events.stream().filter(event -> event.data().startsWith("{")).map(Event::json).toList();
    assertThat(chunks).extracting(chunk -> chunk.path("id").asText()).containsOnly(id(chunks));
    assertThat(chunks)
        .extracting(chunk -> chunk.path("created").asLong())
        .hasSameElementsAs(List.of(chunks.getFirst().path("created").asLong()));
    assertThat(chunks)
        .extracting(chunk -> chunk.path("model").asText())
        .containsOnly("openai/scripted");
    assertThat(chunks.stream().filter(chunk -> chunk.at("/choices/0/delta").has("role")))
        .hasSize(1);
    assertThat(chunks.getLast().path("choices")).isEmpty();
    assertThat(events.getLast().data()).isEqualTo("[DONE]");
  }

  @Test
  void notificationsNameToolArgumentsAndOutcome() {
    List<JsonNode> notifications = notifications(chats.stream(request(script(SEARCHES), SEARCH)));

    JsonNode started = notifications.getFirst();
    assertThat(started.at("/choices/0/delta")).isEmpty();
    assertThat(started.path("query").asText()).isEqualTo("camels");
    assertThat(started.path("call_id").asText()).isEqualTo("call_scripted_0_0");
    JsonNode ended = notifications.getLast();
    assertThat(ended.path("call_id").asText()).isEqualTo("call_scripted_0_0");
    assertThat(ended.path("result").asText()).isEqualTo("1 result from searxng");
    assertThat(ended.path("duration_ms").isIntegralNumber()).isTrue();
    assertThat(ended.at("/results/0/url").asText()).isEqualTo(SEARCH_ADDRESS);
  }

  @Test
  void theModelGetsItsCallAndTheResult() {
    chats.stream(request(script(SEARCHES), SEARCH));

    JsonNode messages = chats.asked(0).path("messages");
    assertThat(messages).hasSize(3);
    assertThat(messages.at("/1/role").asText()).isEqualTo("assistant");
    assertThat(messages.at("/1/tool_calls/0/function/name").asText()).isEqualTo("web_search");
    assertThat(messages.at("/2/role").asText()).isEqualTo("tool");
    assertThat(messages.at("/2/tool_call_id").asText()).isEqualTo("call_scripted_0_0");
    assertThat(messages.at("/2/content").asText()).contains(SEARCH_ADDRESS);
    assertThat(chats.asked(1).at("/tools/0/function/parameters/required/0").asText())
        .isEqualTo("query");
  }

  @Test
  void toolsOfOneTurnRunInParallelAndLaterTurnsMayCallOthers() {
    List<Event> events =
        chats.stream(
            request(
                script(
                    SEARCHES
                        + " & calculator {\"expression\": \"6*7\"} | current_time {} | calculator {\"expression\": \"1+1\"}"),
                SEARCH,
                CALCULATOR,
                "{\"type\":\"current_time\"}"));

    List<String> told = told(notifications(events));
    assertThat(told.subList(0, 2)).containsExactly("web_search started", "calculator started");
    assertThat(told.subList(2, 4))
        .containsExactlyInAnyOrder("web_search completed", "calculator completed");
    assertThat(told.subList(4, 8))
        .containsExactly(
            "current_time started",
            "current_time completed",
            "calculator started",
            "calculator completed");
    JsonNode messages = chats.asked(0).path("messages");
    assertThat(messages.at("/2/tool_call_id").asText()).isEqualTo("call_scripted_0_0");
    assertThat(messages.at("/3/content").asText()).isEqualTo("42");
    assertThat(content(events)).isEqualTo("The tool said: 2");
  }

  @Test
  void failuresGoToTheModelAndToTheClient() {
    List<Event> events =
        chats.stream(
            request(
                script(
                    "calculator {\"sum\": 1} & calculator {\"expression & no_such_tool {} & current_time {}"),
                CALCULATOR));

    assertThat(told(notifications(events)))
        .contains("calculator failed", "no_such_tool failed", "current_time failed")
        .hasSize(8);
    JsonNode messages = chats.asked(0).path("messages");
    assertThat(messages.at("/2/content").asText()).contains("do not fit", "JSON schema");
    assertThat(messages.at("/3/content").asText()).contains("no JSON");
    assertThat(messages.at("/4/content").asText()).contains("no tool named no_such_tool");
    assertThat(messages.at("/5/content").asText())
        .as("a tool that the chat was not offered")
        .isEqualTo("There is no tool named current_time. There are: calculator.");
    assertThat(finishReasons(events)).containsExactly("stop");
  }

  @Test
  void invalidToolCallsAreRepairedForTheProvider() {
    List<Event> events =
        chats.stream(
            request(
                "[[script strict=1 calls='calculator {\"expression & functions.calculator {} & current_time null & ']]",
                CALCULATOR,
                "{\"type\":\"current_time\"}"));

    assertThat(told(notifications(events)))
        .contains(
            "calculator failed",
            "functions_calculator failed",
            "current_time completed",
            "unknown failed");
    JsonNode calls = chats.asked(0).at("/messages/1/tool_calls");
    assertThat(calls.findValuesAsText("name"))
        .containsExactly("calculator", "functions_calculator", "current_time", "unknown");
    assertThat(calls.findValuesAsText("arguments")).containsOnly("{}");
    assertThat(finishReasons(events)).containsExactly("stop");
  }

  @Test
  void callsWithoutANameAreNotSentToTheClient() {
    List<Event> events = chats.stream(request(script(" "), CALCULATOR, WEATHER));

    assertThat(told(notifications(events))).containsExactly("unknown started", "unknown failed");
    assertThat(finishReasons(events)).containsExactly("stop");
  }

  @Test
  void toolsDoNotWaitForAProviderThatLeavesItsStreamOpen() throws IOException {
    String key = gateway.createKey("linger@example.com");
    try (RawConnection client = gateway.connect()) {
      client.post(
          key,
          Json.text(
              request(
                      "[[script linger=1 calls='calculator {\"expression\": \"6*7\"}']]",
                      CALCULATOR)
                  .put("stream", true)));

      assertThat(client.readUntil("[DONE]")).contains("\"calculator\"", "\"completed\"", "42");
    } finally {
      // The time after the last turn.
      gateway.provider().release();
    }
  }

  @Test
  void logProbabilitiesAreSentOnce() {
    ObjectNode request = request("[[script chunks=2 logprobs=1]]", CALCULATOR);

    JsonNode answer = chats.complete(request.put("logprobs", true), null);

    assertThat(answer.at("/choices/0/logprobs/content")).hasSize(1);
    assertThat(answer.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
  }

  @Test
  void commentModeSendsTheSameData() {
    List<Event> events = chats.stream(request(script(SEARCHES), SEARCH), "comment");

    List<JsonNode> comments =
        events.stream()
            .filter(event -> event.name().equals("comment"))
            .map(event -> ToolChats.json(event.data().substring("tool_notification ".length())))
            .toList();
    assertThat(told(comments)).containsExactly("web_search started", "web_search completed");
    assertThat(comments.getFirst().has("choices")).isFalse();
    assertThat(notifications(events)).isEmpty();
    assertThat(events).noneMatch(event -> event.delta().has("tool_calls"));
  }

  @Test
  void offModeSendsNoNotifications() {
    List<Event> events = chats.stream(request(script(SEARCHES), SEARCH), "OFF");

    assertThat(events).extracting(Event::name).containsOnly("");
    assertThat(events).noneMatch(event -> event.delta().has("tool_calls"));
    assertThat(content(events)).contains(SEARCH_ADDRESS);
  }

  @Test
  void bareModeShowsToolCallsAndShortEvents() {
    List<Event> events =
        chats.stream(
            request(
                script(SEARCHES + " | calculator {\"expression\": \"6*7\"}"), SEARCH, CALCULATOR),
            "bare");

    assertThat(notifications(events).getFirst())
        .isEqualTo(
            ToolChats.json(
                "{\"tool\":\"web_search\",\"status\":\"started\",\"query\":\"camels\"}"));
    assertThat(notifications(events).getLast())
        .isEqualTo(ToolChats.json("{\"tool\":\"calculator\",\"status\":\"completed\"}"));
    Accumulator calls = new Accumulator();
    events.stream()
        .filter(event -> event.delta().has("tool_calls"))
        .forEach(event -> calls.add(new ChatEvent.Delta((ObjectNode) event.json())));
    JsonNode shown = calls.choices().at("/0/message/tool_calls");
    assertThat(shown).hasSize(2);
    assertThat(shown.at("/0/function/arguments").asText()).isEqualTo("{\"query\": \"camels\"}");
    assertThat(shown.at("/1/function/name").asText()).isEqualTo("calculator");
    assertThat(finishReasons(events)).containsExactly("stop");
  }

  @Test
  void unknownModesAreRefused() {
    var answer = chats.post(request("hi"), "loud");

    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(answer).at("/error/param").asText()).isEqualTo("X-Tool-Notifications");
  }

  @ParameterizedTest
  @CsvSource({"hybrid,true", "bare,true", "comment,false", "off,false"})
  void wholeAnswersListNotificationsUnlessSwitchedOff(String mode, boolean listed) {
    JsonNode completion = chats.complete(request(script(SEARCHES), SEARCH), mode);

    assertThat(told(completion.path("tool_notifications")))
        .isEqualTo(listed ? List.of("web_search started", "web_search completed") : List.of());
    assertThat(completion.at("/choices/0/message").has("tool_calls")).isFalse();
    assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
  }

  @Test
  void addressesOfSearchResultsAreCited() {
    JsonNode message =
        chats.complete(request(script(SEARCHES), SEARCH), null).at("/choices/0/message");

    JsonNode citation = message.at("/annotations/0/url_citation");
    assertThat(message.at("/annotations/0/type").asText()).isEqualTo("url_citation");
    assertThat(citation.path("title").asText()).isEqualTo("searxng on camels");
    assertThat(
            message
                .path("content")
                .asText()
                .substring(
                    citation.path("start_index").asInt(), citation.path("end_index").asInt()))
        .isEqualTo(SEARCH_ADDRESS);
  }

  /** The client's collation of the stream equals the server's whole answer. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
  void streamedChunksCollateToTheWholeAnswer(long seed) {
    ObjectNode request = anyChat(new Random(seed));
    request.putObject("stream_options").put("include_usage", true);

    Accumulator accumulator = new Accumulator();
    ArrayNode notifications = Json.array();
    for (Event event : chats.stream(request)) {
      if (event.name().equals("tool_notification")) {
        notifications.add(
            ((ObjectNode) event.json())
                .without(List.of("id", "object", "created", "model", "choices")));
      } else if (event.data().startsWith("{")) {
        ObjectNode chunk = (ObjectNode) event.json();
        JsonNode usage = chunk.remove("usage");
        accumulator.add(
            usage != null && usage.isObject()
                ? new ChatEvent.Complete((ObjectNode) usage)
                : new ChatEvent.Delta(chunk));
      }
    }
    ObjectNode streamed = accumulator.completion();
    if (!notifications.isEmpty()) {
      streamed.set("tool_notifications", notifications);
    }

    ObjectNode whole = (ObjectNode) chats.complete(request, null);
    assertThat(comparable(streamed)).isEqualTo(comparable(whole));
  }

  @Test
  void callsOfClientFunctionsEndTheAnswer() {
    List<Event> events =
        chats.stream(
            request(
                script(
                    "get_weather {\"location\": \"Paris\"} & get_weather {\"location\": \"Rome\"}"),
                SEARCH,
                WEATHER));

    assertThat(finishReasons(events)).containsExactly("tool_calls");
    assertThat(events.stream().filter(event -> event.delta().has("tool_calls")).count())
        .isGreaterThan(8);
    assertThat(notifications(events)).isEmpty();
    Accumulator calls = new Accumulator();
    events.stream()
        .filter(event -> event.data().startsWith("{"))
        .forEach(event -> calls.add(new ChatEvent.Delta((ObjectNode) event.json())));
    assertThat(calls.choices().at("/0/message/tool_calls/1/function/arguments").asText())
        .isEqualTo("{\"location\": \"Rome\"}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"same", "none"})
  void callsStayDistinctWhateverTheirIds(String ids) {
    List<Event> events =
        chats.stream(
            request(
                "[[script ids=%s calls='%s & calculator {\"expression\": \"6*7\"}']]"
                    .formatted(ids, SEARCHES),
                SEARCH,
                CALCULATOR));

    List<JsonNode> notifications = notifications(events);
    assertThat(told(notifications.subList(0, 2)))
        .containsExactly("web_search started", "calculator started");
    assertThat(toolsByCallId(notifications)).hasSize(2);
    JsonNode messages = chats.asked(0).path("messages");
    assertThat(messages.findValuesAsText("tool_call_id"))
        .doesNotHaveDuplicates()
        .isEqualTo(messages.at("/1/tool_calls").findValuesAsText("id"));
    assertThat(messages.at("/2/content").asText()).contains(SEARCH_ADDRESS);
    assertThat(messages.at("/3/content").asText()).isEqualTo("42");
  }

  @Test
  void clientCallsThatShareAnIdStayDistinct() {
    JsonNode calls =
        chats
            .complete(
                request(
                    "[[script ids=same calls='get_weather {\"location\": \"Paris\"} & get_weather {\"location\": \"Rome\"}']]",
                    WEATHER),
                null)
            .at("/choices/0/message/tool_calls");

    assertThat(calls).hasSize(2);
    assertThat(calls.at("/0/id").asText()).isEqualTo("same");
    assertThat(calls.at("/1/id").asText()).startsWith("call_");
    assertThat(calls.at("/1/function/arguments").asText()).isEqualTo("{\"location\": \"Rome\"}");
  }

  @Test
  void generatedCallIdsAreUniqueAcrossTurns() {
    List<Event> events =
        chats.stream(
            request(
                "[[script ids=none calls='%s & current_time {} | calculator {\"expression\": \"6*7\"}']]"
                    .formatted(SEARCHES),
                SEARCH,
                CALCULATOR,
                "{\"type\":\"current_time\"}"));

    assertThat(toolsByCallId(notifications(events)))
        .containsOnlyKeys(chats.asked(0).path("messages").findValuesAsText("tool_call_id"))
        .hasSize(3)
        .allSatisfy((id, tools) -> {
          assertThat(tools).hasSize(2).containsOnly(tools.getFirst());
          assertThat(id).as("as short as OpenAI wants it").hasSizeLessThanOrEqualTo(40);
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {" & ", " | "})
  void serverToolResultsAreRestoredAfterClientCalls(String together) {
    ObjectNode request =
        request(
            script(SEARCHES + together + "get_weather {\"location\": \"Paris\"}"), SEARCH, WEATHER);

    JsonNode completion = chats.complete(request, null);

    JsonNode message = completion.at("/choices/0/message");
    assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
    assertThat(message.path("tool_calls")).hasSize(1);
    assertThat(message.at("/tool_calls/0/function/name").asText()).isEqualTo("get_weather");
    assertThat(told(completion.path("tool_notifications"))).contains("web_search completed");

    String content =
        chats
            .complete(withWeather(request, message), null)
            .at("/choices/0/message/content")
            .asText();
    assertThat(content).isEqualTo("The tool said: 18 degrees");
    JsonNode messages = chats.asked(0).path("messages");
    assertThat(messages.findValuesAsText("content"))
        .anyMatch(text -> text.contains(SEARCH_ADDRESS));
    assertThat(messages.get(messages.size() - 1).path("content").asText()).isEqualTo("18 degrees");
    for (JsonNode calling : messages) {
      for (JsonNode call : calling.path("tool_calls")) {
        assertThat(messages.findValuesAsText("tool_call_id")).contains(call.path("id").asText());
      }
    }
  }

  @Test
  void serverToolResultsAreRestoredAtEveryPlaceOfALongChat() {
    int steps = 4;
    String step = SEARCHES + " | get_weather {\"location\": \"Lima\"}";
    ObjectNode request =
        request(script(String.join(" | ", Collections.nCopies(steps, step))), SEARCH, WEATHER);

    for (int i = 0; i < steps; i++) {
      request = withWeather(request, chats.complete(request, null).at("/choices/0/message"));
    }
    JsonNode answer = chats.complete(request, null);

    assertThat(answer.at("/choices/0/message/content").asText())
        .isEqualTo("The tool said: 18 degrees");
    List<String> called = chats.asked(0).path("messages").findValuesAsText("name");
    assertThat(called)
        .isEqualTo(
            Collections.nCopies(steps, List.of("web_search", "get_weather")).stream()
                .flatMap(List::stream)
                .toList());
  }

  @Test
  void serverToolResultsAreRestoredForTheSameCallerAndChatOnly() {
    ObjectNode request =
        request(script(SEARCHES + " | get_weather {\"location\": \"Oslo\"}"), SEARCH, WEATHER);
    ObjectNode next = withWeather(request, chats.complete(request, null).at("/choices/0/message"));

    new ToolChats(gateway, gateway.createKey("other@example.com")).complete(next, null);
    assertThat(chats.asked(0).path("messages")).hasSize(3);
    ObjectNode changed = next.deepCopy();
    ((ObjectNode) changed.at("/messages/0")).put("content", "Something else " + script("x {}"));
    chats.complete(changed, null);
    assertThat(chats.asked(0).path("messages")).hasSize(3);
    chats.complete(next, null);
    assertThat(chats.asked(0).path("messages")).hasSize(5);
  }

  @Test
  void incompleteCallsAreNotRun() {
    List<Event> events =
        chats.stream(
            request(
                "[[script calls='calculator {\"expression\": \"1+1\"}' finish=length]]",
                CALCULATOR));

    assertThat(finishReasons(events)).containsExactly("length");
    assertThat(notifications(events)).isEmpty();
  }

  @Test
  void aForcedToolIsForcedInTheFirstRoundOnly() {
    ObjectNode request = request(script(SEARCHES), SEARCH);
    request.putObject("tool_choice").put("type", "web_search");

    chats.complete(request, null);

    assertThat(chats.asked(1).at("/tool_choice/function/name").asText()).isEqualTo("web_search");
    assertThat(chats.asked(0).path("tool_choice").asText()).isEqualTo("auto");
  }

  @Test
  void allowedToolsStayLimitedAndAreForcedOnce() {
    ObjectNode request = request(script(SEARCHES), SEARCH, CALCULATOR);
    ObjectNode allowed =
        request
            .putObject("tool_choice")
            .put("type", "allowed_tools")
            .putObject("allowed_tools")
            .put("mode", "required");
    allowed
        .putArray("tools")
        .add(ToolChats.json("{\"type\":\"function\",\"name\":\"web_search\"}"));

    chats.complete(request, null);

    assertThat(chats.asked(1).path("tool_choice")).isEqualTo(request.path("tool_choice"));
    assertThat(chats.asked(0).path("tool_choice").path("allowed_tools"))
        .isEqualTo(allowed.deepCopy().put("mode", "auto"));
  }

  @Test
  void usageAndLedgerSumAllTurns() {
    ToolChats own = new ToolChats(gateway, gateway.createKey("sum@example.com"));

    JsonNode usage =
        own.complete(
                request(
                    script(SEARCHES + " | calculator {\"expression\": \"1\"}"), SEARCH, CALCULATOR),
                null)
            .path("usage");

    UsageRecord record = awaitRecord("sum@example.com");
    assertThat(record.turns()).isEqualTo(3);
    assertThat(record.toolCalls()).isEqualTo(2);
    assertThat(record.status()).isEqualTo(Status.SUCCESS);
    assertThat(record.tokensIn()).isEqualTo(usage.path("prompt_tokens").asLong()).isGreaterThan(30);
    assertThat(record.tokensOut()).isEqualTo(usage.path("completion_tokens").asLong());
    assertThat(usage.path("total_tokens").asLong())
        .isEqualTo(record.tokensIn() + record.tokensOut());
  }

  @Test
  void aFailureInALaterTurnIsAnErrorEventAndEarlierTurnsAreBilled() {
    ToolChats own = new ToolChats(gateway, gateway.createKey("later@example.com"));
    gateway
        .provider()
        .onRequest(asked -> {
          if (asked.body().path("messages").size() > 1) {
            ((ObjectNode) asked.body().at("/messages/0")).put("content", "[[script status=500]]");
          }
        });
    List<Event> events;
    try {
      events = own.stream(request(script(SEARCHES), SEARCH));
    } finally {
      gateway.provider().onRequest(asked -> {});
    }

    assertThat(events.getLast().name()).isEqualTo("error");
    assertThat(events.getLast().json().at("/error/code").asText()).isEqualTo("upstream_error");
    assertThat(finishReasons(events)).isEmpty();
    UsageRecord record = awaitRecord("later@example.com");
    assertThat(record.status()).isEqualTo(Status.ERROR);
    assertThat(record.turns()).isEqualTo(2);
    assertThat(record.tokensIn()).isPositive();
    assertThat(record.tokensOut()).isEqualTo(1);
  }

  @Test
  void conversationsStoreToolNotificationsAndSearchResults() {
    String id =
        chats
            .post(request(script(SEARCHES), SEARCH), null)
            .headers()
            .firstValue("x-request-id")
            .orElseThrow();

    ConversationArchive archive = new ConversationArchive(gateway.settings());
    String kept =
        Awaitility.await()
            .until(
                () -> archive.find(id).map(Conversation::answer).orElse(null),
                found -> found != null);
    JsonNode answer = ToolChats.json(kept);
    assertThat(told(answer.path("tool_notifications"))).hasSize(2);
    assertThat(answer.at("/search_results/0/url").asText()).isEqualTo(SEARCH_ADDRESS);
  }

  /** Tool names by call id. */
  private static Map<String, List<String>> toolsByCallId(List<JsonNode> notifications) {
    return notifications.stream()
        .collect(
            Collectors.groupingBy(
                one -> one.path("call_id").asText(),
                Collectors.mapping(one -> one.path("tool").asText(), Collectors.toList())));
  }

  private static UsageRecord awaitRecord(String email) {
    return Awaitility.await()
        .until(
            () ->
                gateway.application().ledger().after(0, 10_000).stream()
                    .filter(record -> record.email().equals(email))
                    .findFirst()
                    .orElse(null),
            record -> record != null);
  }

  private static ObjectNode withWeather(ObjectNode request, JsonNode message) {
    ObjectNode next = request.deepCopy();
    ArrayNode messages = (ArrayNode) next.path("messages");
    messages.add(message);
    messages
        .addObject()
        .put("role", "tool")
        .put("tool_call_id", message.at("/tool_calls/0/id").asText())
        .put("content", "18 degrees");
    return next;
  }

  private static ObjectNode anyChat(Random random) {
    List<String> turns = new ArrayList<>();
    for (int turn = random.nextInt(4); turn > 0; turn--) {
      turns.add(random.nextBoolean() ? SEARCHES : "calculator {\"expression\": \"6*7\"}");
    }
    if (random.nextInt(3) == 0) {
      turns.add("get_weather {\"location\": \"Paris\"} & get_weather {\"location\": \"Rome\"}");
    }
    String script =
        "[[script %s %s %s]] and so on"
            .formatted(
                turns.isEmpty() ? "" : "calls='" + String.join(" | ", turns) + "'",
                random.nextBoolean() ? "say='One moment, please.'" : "",
                random.nextBoolean() ? "reasoning=1" : "");
    return request(script, SEARCH, CALCULATOR, WEATHER);
  }

  /** Removes ids and times, which differ between requests. */
  private static ObjectNode comparable(ObjectNode completion) {
    completion.put("id", "").put("created", 0);
    completion
        .path("tool_notifications")
        .forEach(notification -> ((ObjectNode) notification).remove("duration_ms"));
    return completion;
  }

  private static Event named(List<Event> events, String name) {
    return events.stream().filter(event -> event.name().equals(name)).findFirst().orElseThrow();
  }

  private static String id(List<JsonNode> chunks) {
    return chunks.getFirst().path("id").asText();
  }
}
