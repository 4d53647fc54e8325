package dev.llmproxy;

import static dev.llmproxy.ToolChats.CALCULATOR;
import static dev.llmproxy.ToolChats.SEARCH;
import static dev.llmproxy.ToolChats.SEARCHES;
import static dev.llmproxy.ToolChats.SEARCH_ADDRESS;
import static dev.llmproxy.ToolChats.WEATHER;
import static dev.llmproxy.ToolChats.json;
import static dev.llmproxy.ToolChats.notifications;
import static dev.llmproxy.ToolChats.request;
import static dev.llmproxy.ToolChats.script;
import static dev.llmproxy.ToolChats.told;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.ToolChats.Event;
import dev.llmproxy.emulator.ScriptedSearch;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which tools of the server a chat is offered. */
class ToolOfferRouteTest {
  private static final String OWN_SEARCH =
      "{\"type\":\"function\",\"function\":{\"name\":\"web_search\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}}";

  private static ScriptedSearch search;
  private static Gateway gateway;
  private static ToolChats free;
  private static ToolChats pro;

  @BeforeAll
  static void start(@TempDir Path data) {
    search = ScriptedSearch.start();
    Map<String, String> settings = new HashMap<>(search.settings());
    settings.put("LOCAL_MODEL", "on");
    settings.put("TOOLS_PRO_PLUS", "web_search, calculator,no_such_tool");
    gateway = Gateway.start(data, settings);
    free = new ToolChats(gateway, gateway.createKey("free@example.com"));
    pro = new ToolChats(gateway, gateway.createKey("pro@example.com", "pro plus"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
    search.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\":\"web_search\"}",
        "{\"type\":\"web_search_preview\"}",
        "{\"type\":\"web_search\",\"search_context_size\":\"low\"}",
        "{\"type\":\"function\",\"function\":{\"name\":\"web_search\"}}",
        "{\"type\":\"function\",\"function\":{\"name\":\"web_search\",\"parameters\":null}}"
      })
  void aRequestNamesATool(String named) {
    List<Event> events = free.stream(request(script(SEARCHES), named));

    assertThat(told(notifications(events))).hasSize(2);
    assertThat(free.asked(0).path("tools")).hasSize(1);
    assertThat(free.asked(0).at("/tools/0/type").asText()).isEqualTo("function");
  }

  @Test
  void webSearchOptionsNameTheSearch() {
    ObjectNode request = request(script(SEARCHES));
    request.putObject("web_search_options").put("search_context_size", "low");

    assertThat(told(notifications(free.stream(request)))).hasSize(2);
    assertThat(free.asked(0).has("web_search_options")).isFalse();
  }

  @Test
  void otherToolTypesArePassedOn() {
    ObjectNode request = request("hi", OWN_SEARCH, WEATHER, "{\"type\":\"browser_search\"}");

    free.complete(request, null);

    assertThat(free.asked(0).path("tools")).isEqualTo(request.path("tools"));
  }

  @Test
  void clientFunctionsMayHaveTheNameOfATool() {
    JsonNode completion = free.complete(request(script(SEARCHES), OWN_SEARCH), null);

    assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
    assertThat(completion.has("tool_notifications")).isFalse();
  }

  @Test
  void tierSettingsSwitchToolsOn() {
    List<Event> events = pro.stream(request(script(SEARCHES)));

    assertThat(told(notifications(events))).hasSize(2);
    assertThat(pro.asked(0).at("/tools/1/function/name").asText()).isEqualTo("calculator");
    assertThat(pro.asked(0).path("tools")).hasSize(2);
    assertThat(told(notifications(free.stream(request("hi"))))).isEmpty();
    assertThat(free.asked(0).has("tools")).isFalse();
  }

  @Test
  void tierToolsYieldToTheRequest() {
    ObjectNode several = request("hi").put("n", 2);
    assertThat(pro.complete(several, null).path("choices")).hasSize(2);
    assertThat(pro.asked(0).has("tools")).isFalse();

    pro.complete(request("hi").put("tool_choice", "none"), null);
    assertThat(pro.asked(0).has("tools")).isFalse();

    pro.complete(request("hi", OWN_SEARCH), null);
    assertThat(pro.asked(0).path("tools").findValuesAsText("name"))
        .containsExactly("web_search", "calculator");
    assertThat(pro.asked(0).path("tools").get(0)).isEqualTo(json(OWN_SEARCH));
  }

  @Test
  void impossibleCombinationsAreRefused() {
    assertThat(free.refused(request("hi", SEARCH).put("n", 2)).path("param").asText())
        .isEqualTo("n");
    assertThat(free.refused(request("hi", SEARCH, CALCULATOR, SEARCH)).path("param").asText())
        .isEqualTo("tools[2]");
    assertThat(free.refused(request("hi", SEARCH, OWN_SEARCH)).path("message").asText())
        .contains("`web_search`", "your own");
  }

  @Test
  void modelsWithoutToolsGetSearchResults() {
    ObjectNode request = request("What is the capital of France?", SEARCH);
    request.put("model", "local/smollm2-135m-instruct").put("max_tokens", 20);

    List<Event> events = free.stream(request);

    assertThat(told(notifications(events)))
        .containsExactly("web_search started", "web_search completed");
    JsonNode first = events.getFirst().json();
    assertThat(first.path("query").asText()).isEqualTo("What is the capital of France?");
    assertThat(first.at("/choices/0/delta/role").asText()).isEqualTo("assistant");
    assertThat(events.stream().filter(event -> event.delta().has("role"))).hasSize(1);
    assertThat(ToolChats.content(events)).isNotBlank();
    assertThat(
            events.stream()
                .filter(event -> event.data().startsWith("{"))
                .map(event -> event.json().path("id").asText())
                .distinct())
        .hasSize(1);
    JsonNode plain = free.complete(without(request), null);
    JsonNode searched = free.complete(request, null);
    assertThat(searched.at("/usage/prompt_tokens").asInt())
        .isGreaterThan(plain.at("/usage/prompt_tokens").asInt() + 20);
    assertThat(searched.at("/tool_notifications/1/results/0/url").asText())
        .isEqualTo(SEARCH_ADDRESS);
  }

  @Test
  void toolChoiceNoneMakesNoSearch() {
    ObjectNode request = request("hi", SEARCH).put("model", "local/smollm2-135m-instruct");
    request.put("tool_choice", "none").put("max_tokens", 5);

    assertThat(notifications(free.stream(request))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"tools\":[{\"type\":\"web_search\"}]}",
        "{\"tools\":[{\"type\":\"web_search_preview\"}]}",
        "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"web_search\"}}]}",
        "{\"web_search_options\":{}}",
        "{\"tools\":[{\"type\":\"web_search\"},{\"type\":\"function\",\"function\":{\"name\":\"mine\",\"parameters\":{\"type\":\"object\"}}}]}",
        "{\"tools\":[{\"type\":\"calculator\"}]}",
        "{}"
      })
  void toolChoiceNoneRunsNoTool(String asked) {
    for (ToolChats chats : List.of(free, pro)) {
      for (JsonNode none : List.of(json("\"none\""), json("{\"type\":\"none\"}"))) {
        int before = search.asked().size();
        ObjectNode request = request(script(SEARCHES + " & calculator {\"expression\": \"1\"}"));
        request.setAll((ObjectNode) json(asked));
        request.set("tool_choice", none);

        List<Event> events = chats.stream(request);

        assertThat(notifications(events)).isEmpty();
        assertThat(search.asked()).hasSize(before);
        JsonNode provider = chats.asked(0);
        assertThat(provider.path("tools").findValuesAsText("name")).isSubsetOf("mine");
        assertThat(provider.has("web_search_options")).isFalse();
        if (!asked.equals("{}")) {
          assertThat(provider.has("tool_choice")).isEqualTo(provider.has("tools"));
        }
      }
    }
  }

  @Test
  void callsBeyondMaxUsesDoNotRun() {
    int before = search.asked().size();
    ObjectNode request =
        request(script(SEARCHES + " | " + SEARCHES), "{\"type\":\"web_search\",\"max_uses\":1}");

    JsonNode completion = free.complete(request, null);

    assertThat(search.asked()).hasSize(before + 1);
    assertThat(completion.at("/choices/0/message/content").asText())
        .contains("The user allows no more calls of web_search.");
    assertThat(free.asked(0).findValue("max_uses")).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "1.5", "\"2\"", "5000000000"})
  void aLimitThatIsNoNumberOfCallsIsRefused(String limit) {
    HttpResponse<String> answer =
        free.post(request("hi", "{\"type\":\"web_search\",\"max_uses\":" + limit + "}"), null);

    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(json(answer.body()).at("/error/param").asText()).isEqualTo("tools[0].max_uses");
  }

  @Test
  void invalidToolNamesAreNotLogged() {
    try (LogLines lines = LogLines.open()) {
      free.complete(request("hi", "{\"type\":\"made_up\"}", "{\"type\":\"made\\nup\"}"), null);

      assertThat(lines.said()).anyMatch(line -> line.contains("made_up"));
      assertThat(lines.said()).noneMatch(line -> line.contains("made\nup"));
    }
  }

  @Test
  void modelsWithoutToolsAreRefusedOtherTools() {
    ObjectNode request = request("hi", CALCULATOR).put("model", "local/smollm2-135m-instruct");

    JsonNode error = free.refused(request);

    assertThat(error.path("param").asText()).isEqualTo("tools");
    assertThat(error.path("message").asText())
        .contains("`local/smollm2-135m-instruct` cannot call tools", "`calculator`");
    ObjectNode own = request("hi", SEARCH, WEATHER).put("model", "local/smollm2-135m-instruct");
    assertThat(free.refused(own).path("param").asText()).isEqualTo("tools");
  }

  @Test
  void tierToolsDoNotBlockModelsWithoutTools() {
    ObjectNode request = request("hi").put("model", "local/smollm2-135m-instruct");
    request.put("max_tokens", 5);

    assertThat(told(notifications(pro.stream(request))))
        .containsExactly("web_search started", "web_search completed");
  }

  @Test
  void anEmptySearchDoesNotEndTheChat() {
    for (String engine : List.of("searxng", "brave", "tavily", "wikipedia")) {
      search.make(engine, ScriptedSearch.Behaviour.FAILS);
    }
    try {
      ObjectNode request = request("zzzxqj", SEARCH).put("model", "local/smollm2-135m-instruct");
      List<Event> events = free.stream(request.put("max_tokens", 5));

      assertThat(notifications(events).getLast().path("result").asText())
          .isEqualTo("0 results from docs");
      assertThat(events.getLast().data()).isEqualTo("[DONE]");
    } finally {
      for (String engine : List.of("searxng", "brave", "tavily", "wikipedia")) {
        search.make(engine, ScriptedSearch.Behaviour.FINDS);
      }
    }
  }

  private static ObjectNode without(ObjectNode request) {
    ObjectNode plain = request.deepCopy();
    plain.remove("tools");
    return plain;
  }
}
