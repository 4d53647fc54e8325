package dev.llmproxy;

import static dev.llmproxy.MessageChats.SEARCH;
import static dev.llmproxy.MessageChats.WEATHER;
import static dev.llmproxy.MessageChats.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * POST /v1/messages: what the provider gets of a request. To add a case, add {@code
 * fixtures/messages/requests/<case>.json}, a request, and {@code <case>.openai.json}: the
 * provider's request, and what is named as dropped.
 */
class MessagesRequestRouteTest {
  private static final String FOLDER = "messages/requests";

  private static Gateway gateway;
  private static MessageChats chats;

  @BeforeAll
  static void start(@TempDir Path data) {
    Map<String, String> settings = new HashMap<>();
    settings.put("ANTHROPIC_BASE_URL", "http://127.0.0.1:1");
    settings.put("ANTHROPIC_API_KEY", "x");
    gateway = Gateway.start(data, settings);
    chats = new MessageChats(gateway, gateway.createKey("messages@example.com"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  static List<String> cases() {
    return Fixtures.cases(FOLDER, ".json").stream()
        .filter(name -> !name.endsWith(".openai"))
        .toList();
  }

  @Wire({"12.request", "12.dropped", "12.tools", "12.results"})
  @ParameterizedTest
  @MethodSource("cases")
  void theProviderGetsTheTranslatedRequest(String name) {
    HttpResponse<String> answer = chats.post(Fixtures.json(FOLDER + "/" + name + ".json"));

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    ObjectNode result = Json.object();
    MessageChats.dropped(answer).forEach(result.putArray("dropped")::add);
    result.set("chat", chats.asked());
    Fixtures.check(FOLDER + "/" + name + ".openai.json", result);
  }

  @Wire("12.required")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"max_tokens":1,"messages":[{"role":"user","content":"x"}]}                        | model
          {"model":"openai/scripted","messages":[{"role":"user","content":"x"}]}             | max_tokens
          {"model":"openai/scripted","max_tokens":0,"messages":[{"role":"user","content":"x"}]} | max_tokens
          {"model":"openai/scripted","max_tokens":"9","messages":[{"role":"user","content":"x"}]} | max_tokens
          {"model":"openai/scripted","max_tokens":1.5,"messages":[{"role":"user","content":"x"}]} | max_tokens
          {"model":"openai/scripted","max_tokens":1}                                         | messages
          {"model":"openai/scripted","max_tokens":1,"messages":[]}                           | messages
          {"model":"openai/scripted","max_tokens":1,"messages":{}}                           | messages
          {"model":"openai/scripted","max_tokens":1,"messages":["x"]}                        | messages[0]
          {"model":"openai/scripted","max_tokens":1,"messages":[{"content":"x"}]}            | messages[0].role
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"tool","content":"x"}]} | messages[0].role
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user"}]}            | messages[0].content
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":1}]} | messages[0].content
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":["x"]}]} | messages[0].content[0]
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text"}]}]} | messages[0].content[0].text
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result"}]}]} | messages[0].content[0].tool_use_id
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":"x"}],"temperature":3} | temperature
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":"x"}],"top_p":-1} | top_p
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":"x"}],"top_k":"a"} | top_k
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":"x"}],"stream":"yes"} | stream
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":"x"}],"system":7} | system
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":"x"}],"tools":{}} | tools
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":"x"}],"tools":["x"]} | tools[0]
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":"x"}],"tools":[{}]} | tools[0].name
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":"x"}],"tool_choice":"auto"} | tool_choice
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":"x"}],"stop_sequences":[1]} | stop_sequences
          {"model":"openai/scripted","max_tokens":1,"messages":[{"role":"user","content":[{"type":"unheard_of"}]}]} | messages
          """)
  void invalidRequestsAreRefusedWithTheNameOfTheField(String body, String field) {
    int before = gateway.provider().requests().size();

    JsonNode error = chats.refused(ToolChats.json(body), 400);

    assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error.path("message").asText()).contains("'" + field + "'");
    assertThat(gateway.provider().requests()).hasSize(before);
  }

  @Wire("12.required")
  @Test
  void modelsThatDoNotExistAreNotFound() {
    JsonNode error = chats.refused(request("hi").put("model", "nobody/nothing"), 404);

    assertThat(error.path("type").asText()).isEqualTo("not_found_error");
  }

  @Wire("12.options")
  @ParameterizedTest
  @CsvSource({"openai/gpt-4o, 16384", "openai/scripted, 128000", "openai/gpt-4o[1m], 16384"})
  void moreTokensThanTheModelCanWriteAreLowered(String model, int expected) {
    JsonNode asked = chats.askedFor(request("hi").put("model", model).put("max_tokens", 128_000));

    JsonNode limit =
        asked.has("max_tokens") ? asked.get("max_tokens") : asked.get("max_completion_tokens");
    assertThat(limit.asInt()).isEqualTo(expected);
  }

  @Wire("12.effort")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"thinking":{"type":"disabled"}}                                            | none
          {"thinking":{"type":"enabled","budget_tokens":1024}}                        | low
          {"thinking":{"type":"enabled","budget_tokens":4000}}                        | medium
          {"thinking":{"type":"enabled","budget_tokens":15999}}                       | medium
          {"thinking":{"type":"enabled","budget_tokens":16000}}                       | high
          {"thinking":{"type":"adaptive"}}                                            | null
          {"thinking":{"type":"adaptive"},"output_config":{"effort":"max"}}           | max
          {"thinking":{"type":"enabled","budget_tokens":1024},"output_config":{"effort":"medium"}} | medium
          {"thinking":{"type":"disabled"},"output_config":{"effort":"high"}}          | none
          {"output_config":{"effort":"low"}}                                          | low
          {}                                                                          | null
          """)
  void thinkingAndEffortBecomeAnEffort(String fields, String effort) {
    ObjectNode request = request("hi");
    request.setAll((ObjectNode) ToolChats.json(fields));

    assertThat(chats.askedFor(request).path("reasoning_effort").asText("null")).isEqualTo(effort);
  }

  @Wire("12.effort")
  @Test
  void modelsThatAreKnownNotToThinkGetNoEffort() {
    ObjectNode request = request("hi").put("model", "openai/gpt-4o");
    request.putObject("output_config").put("effort", "high");

    HttpResponse<String> answer = chats.post(request);

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(chats.asked().has("reasoning_effort")).isFalse();
    assertThat(MessageChats.dropped(answer)).containsExactly("output_config.effort");
  }

  @Wire("12.tools")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"type":"auto"}                      | "auto"
          {"type":"any"}                       | "required"
          {"type":"none"}                      | "none"
          {"type":"tool","name":"get_weather"} | {"type":"function","function":{"name":"get_weather"}}
          {"type":"tool","name":"web_search"}  | {"type":"function","function":{"name":"web_search"}}
          """)
  void choicesOfToolsAreTranslated(String choice, String expected) {
    ObjectNode request = request("[[script chunks=1]]", WEATHER, SEARCH);
    request.set("tool_choice", ToolChats.json(choice));

    assertThat(chats.askedFor(request).path("tool_choice")).isEqualTo(ToolChats.json(expected));
  }

  @Wire("12.tools")
  @Test
  void aChoiceOfAToolThatIsNotThereIsDropped() {
    ObjectNode request = request("hi", WEATHER);
    request.putObject("tool_choice").put("type", "tool").put("name", "bash");

    HttpResponse<String> answer = chats.post(request);

    assertThat(MessageChats.dropped(answer)).containsExactly("tool_choice");
    assertThat(chats.asked().has("tool_choice")).isFalse();
    assertThat(chats.asked().path("tools")).hasSize(1);
  }

  @Wire("12.dropped")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"unheard_of\":{\"a\":1}}",
        "{\"betas\":[\"x-2027-01-01\"]}",
        "{\"output_config\":{\"unheard_of\":1}}",
        "{\"tools\":[{\"type\":\"unheard_of_20270101\",\"name\":\"x\"}]}",
        "{\"tool_choice\":{\"type\":\"unheard_of\"}}",
        "{\"thinking\":{\"type\":\"unheard_of\"}}",
        "{\"system\":[{\"type\":\"unheard_of\"}]}",
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"unheard_of\"},{\"type\":\"text\",\"text\":\"x\"}]}]}"
      })
  void whatNobodyKnowsIsNoError(String fields) {
    ObjectNode request = request("hi");
    request.setAll((ObjectNode) ToolChats.json(fields));

    HttpResponse<String> answer = chats.post(request);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(Json.text(chats.asked())).doesNotContain("unheard_of", "betas");
  }
}
