package dev.llmproxy.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.llmproxy.Wire;
import dev.llmproxy.base.Json;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestDialectTest {
  @Wire("3.limit")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          max_tokens            | {"max_completion_tokens":5}                  | {"max_tokens":5}
          max_tokens            | {"max_tokens":5}                             | {"max_tokens":5}
          max_completion_tokens | {"max_tokens":5}                             | {"max_completion_tokens":5}
          max_completion_tokens | {"max_tokens":5,"max_completion_tokens":7}   | {"max_completion_tokens":7}
                                | {"max_tokens":5,"max_completion_tokens":7}   | {"max_tokens":5,"max_completion_tokens":7}
          """)
  void tokenLimitIsRenamedForTheProvider(String name, String request, String sent)
      throws JsonProcessingException {
    assertThat(applied(new RequestDialect(name, true, Set.of()), request))
        .isEqualTo(Json.parse(sent));
  }

  @Wire("3.developer")
  @Test
  void unsupportedDeveloperRoleIsSentAsSystemAndClientMessagesAreUnchanged()
      throws JsonProcessingException {
    String text =
        "{\"messages\":[{\"role\":\"developer\",\"content\":\"x\"},{\"role\":\"user\",\"content\":\"y\"}]}";
    ObjectNode client = (ObjectNode) Json.parse(text);
    ObjectNode request = Json.object();
    request.setAll(client);

    new RequestDialect(null, false, Set.of()).applyToChat(request);

    assertThat(request.path("messages").findValuesAsText("role")).containsExactly("system", "user");
    assertThat(client).isEqualTo(Json.parse(text));
  }

  @Wire({"3.other", "3.null"})
  @Test
  void droppedFieldsAndNullsAreRemoved() throws JsonProcessingException {
    RequestDialect dialect = new RequestDialect(null, true, Set.of("store"));

    assertThat(applied(dialect, "{\"store\":true,\"temperature\":null,\"unknown\":{\"a\":null}}"))
        .isEqualTo(Json.parse("{\"unknown\":{\"a\":null}}"));
  }

  @Test
  void embeddingRequestLosesOnlyDroppedFields() throws JsonProcessingException {
    ObjectNode request =
        (ObjectNode)
            Json.parse(
                "{\"input\":\"x\",\"encoding_format\":\"base64\",\"user\":null,\"max_tokens\":1}");

    new RequestDialect("max_completion_tokens", false, Set.of("encoding_format"))
        .applyToEmbedding(request);

    assertThat(request).isEqualTo(Json.parse("{\"input\":\"x\",\"max_tokens\":1}"));
  }

  /** Columns: the dialect in a provider's file | the request | what the provider gets. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          rename: {seed: random_seed}   | {"seed":5,"a":1}                      | {"random_seed":5,"a":1}
          only: [a, tools]              | {"a":1,"b":2,"c":{}}                  | {"a":1}
          drop: [b]                     | {"a":1,"b":2}                         | {"a":1}
          dropWithTools: [b]            | {"a":1,"b":2}                         | {"a":1,"b":2}
          dropWithTools: [b]            | {"b":2,"tools":[{"type":"x"}]}        | {"tools":[{"type":"x"}]}
          dropWithTools: [b]            | {"b":2,"tools":[]}                    | {"b":2}
          dropInTools: [strict]         | {"tools":[{"type":"function","function":{"name":"f","strict":true}}]} | {"tools":[{"type":"function","function":{"name":"f"}}]}
          values: {tool_choice: [auto]} | {"tool_choice":"auto"}                | {"tool_choice":"auto"}
          values: {tool_choice: [auto]} | {"tool_choice":"required"}            | {}
          values: {tool_choice: [auto]} | {"tool_choice":{"type":"function"}}   | {}
          default: {tool_stream: true}  | {"a":1}                               | {"a":1,"tool_stream":true}
          default: {tool_stream: true}  | {"tool_stream":false}                 | {"tool_stream":false}
          dropInMessages: [name]        | {"messages":[{"role":"user","name":"ann","content":"x"}]} | {"messages":[{"role":"user","content":"x"}]}
          reasoning: reasoning          | {"messages":[{"role":"assistant","content":"x","reasoning_content":"r"}]} | {"messages":[{"role":"assistant","content":"x","reasoning":"r"}]}
          reasoning: reasoning_content  | {"messages":[{"role":"assistant","content":"x","reasoning":"r"}]} | {"messages":[{"role":"assistant","content":"x","reasoning_content":"r"}]}
          reasoning: none               | {"messages":[{"role":"assistant","content":"x","reasoning":"r"}]} | {"messages":[{"role":"assistant","content":"x"}]}
          reasoning: thinking           | {"messages":[{"role":"assistant","content":"x","reasoning":"r"}]} | {"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"r"}]},{"type":"text","text":"x"}]}]}
          reasoning: thinking           | {"messages":[{"role":"assistant","content":null,"reasoning_content":"r"}]} | {"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"r"}]}]}]}
          reasoning: thinking           | {"messages":[{"role":"assistant","content":"x"},{"role":"user","content":"r"}]} | {"messages":[{"role":"assistant","content":"x"},{"role":"user","content":"r"}]}
          midSystem: false              | {"messages":[{"role":"system","content":"a"},{"role":"user","content":"b"},{"role":"system","content":[{"type":"text","text":"c"}]}]} | {"messages":[{"role":"system","content":"a"},{"role":"user","content":"b"},{"role":"user","content":"<system>\\nc\\n</system>"}]}
          toolIdLength: 9               | {"messages":[{"role":"tool","tool_call_id":"Abcdefgh9","content":"x"}]} | {"messages":[{"role":"tool","tool_call_id":"Abcdefgh9","content":"x"}]}
          """)
  void differenceOfTheFileChangesTheRequest(String file, String request, String sent)
      throws JsonProcessingException {
    JsonNode client = Json.parse(request);
    assertThat(applied(dialect(file), request)).isEqualTo(Json.parse(sent));
    assertThat(client).isEqualTo(Json.parse(request));
  }

  @Test
  void clientsMessagesAndToolsAreCopiedBeforeTheyAreChanged() throws JsonProcessingException {
    RequestDialect dialect =
        dialect(
            "{developerRole: false, dropInMessages: [name], dropInTools: [strict], reasoning: thinking, toolIdLength: 9}");
    String text =
        """
        {"messages":[{"role":"developer","content":"d","name":"n"},
         {"role":"assistant","content":"c","reasoning":"r","tool_calls":[{"id":"call_1","function":{}}]},
         {"role":"tool","tool_call_id":"call_1","content":"t"}],
         "tools":[{"function":{"strict":true}}]}\
        """;
    ObjectNode client = (ObjectNode) Json.parse(text);
    ObjectNode request = Json.object();
    request.setAll(client);

    dialect.applyToChat(request);

    assertThat(request).isNotEqualTo(client);
    assertThat(client).isEqualTo(Json.parse(text));
  }

  @Test
  void callAndResultKeepOneShortId() throws JsonProcessingException {
    JsonNode sent =
        applied(
            dialect("toolIdLength: 9"),
            """
            {"messages":[
             {"role":"assistant","tool_calls":[{"id":"call_req_1_0","type":"function"},{"id":"toolu_01","type":"function"}]},
             {"role":"tool","tool_call_id":"toolu_01","content":"b"},
             {"role":"tool","tool_call_id":"call_req_1_0","content":"a"}]}\
            """);
    String first = sent.at("/messages/0/tool_calls/0/id").textValue();
    String second = sent.at("/messages/0/tool_calls/1/id").textValue();
    assertThat(first).matches("[A-Za-z0-9]{9}").isNotEqualTo(second);
    assertThat(second).matches("[A-Za-z0-9]{9}");
    assertThat(sent.at("/messages/1/tool_call_id").textValue()).isEqualTo(second);
    assertThat(sent.at("/messages/2/tool_call_id").textValue()).isEqualTo(first);
  }

  @Test
  void differencesOfAModelAreAddedToThoseOfAllModels() throws JsonProcessingException {
    RequestDialect all =
        dialect(
            """
            maxTokens: max_tokens
            drop: [a]
            default: {x: 1}
            models:
              - match: [kimi-*, "*-thinking"]
                request: {drop: [b], default: {x: 2}}
              - match: [kimi-k9]
                request: {maxTokens: max_completion_tokens}
            """);
    String request = "{\"a\":1,\"b\":1,\"c\":1,\"max_tokens\":5}";
    assertThat(applied(all.of("glm"), request))
        .isEqualTo(Json.parse("{\"b\":1,\"c\":1,\"max_tokens\":5,\"x\":1}"));
    assertThat(applied(all.of("glm-thinking"), request))
        .isEqualTo(Json.parse("{\"c\":1,\"max_tokens\":5,\"x\":2}"));
    assertThat(applied(all.of("kimi-k9"), request))
        .isEqualTo(Json.parse("{\"c\":1,\"max_completion_tokens\":5,\"x\":2}"));
    assertThat(applied(all.of("my-kimi-k9"), request)).isEqualTo(applied(all.of("x"), request));
  }

  @Test
  void aTranslatedRequestGetsTheFieldsOfItsOwnFormat() throws JsonProcessingException {
    RequestDialect dialect =
        YAMLMapper.builder()
            .build()
            .readValue(
                "{default: {safetySettings: [{threshold: BLOCK_NONE}], a: 1}, drop: [b]}",
                RequestDialect.class);
    ObjectNode request = (ObjectNode) Json.parse("{\"a\":2,\"b\":3,\"contents\":[]}");

    dialect.applyToTranslated(request);

    assertThat(request)
        .isEqualTo(
            Json.parse(
                "{\"a\":2,\"contents\":[],\"safetySettings\":[{\"threshold\":\"BLOCK_NONE\"}]}"));
  }

  private static RequestDialect dialect(String file) throws JsonProcessingException {
    return new YAMLMapper().readValue(file, RequestDialect.class);
  }

  @Test
  void unknownLimitNameIsRefused() {
    assertThatThrownBy(() -> new RequestDialect("maximum", true, Set.of()))
        .hasMessageContaining("maximum");
  }

  private static ObjectNode applied(RequestDialect dialect, String request)
      throws JsonProcessingException {
    ObjectNode json = (ObjectNode) Json.parse(request);
    dialect.applyToChat(json);
    return json;
  }
}
