package dev.llmproxy;

import static dev.llmproxy.Responses.items;
import static dev.llmproxy.Responses.json;
import static dev.llmproxy.Responses.request;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.ScriptedSearch;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a request in the Responses format becomes, as the provider gets it. */
class ResponsesRequestRouteTest {
  private static ScriptedSearch search;
  private static Gateway gateway;
  private static Responses responses;

  @BeforeAll
  static void start(@TempDir Path data) {
    search = ScriptedSearch.start();
    gateway = Gateway.start(data, search.settings());
    responses = new Responses(gateway, gateway.createKey("request@example.com"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
    search.close();
  }

  /** Sends an input with further fields and returns the answer. */
  private static HttpResponse<String> send(String input, String more) {
    HttpResponse<String> answer = responses.post(json("{\"input\":" + input + more + "}"));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer;
  }

  private static String dropped(HttpResponse<String> answer) {
    return answer.headers().firstValue("x-llmproxy-dropped").orElse("");
  }

  @Wire("11.items")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "hi" | [{"role":"user","content":"hi"}]
          [{"role":"user","content":"hi"}] | [{"role":"user","content":"hi"}]
          [{"type":"message","role":"developer","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}]},{"role":"user","content":"hi"}] | [{"role":"developer","content":"a\\nb"},{"role":"user","content":"hi"}]
          [{"role":"user","content":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"data:image/png;base64,AA","detail":"low"}]}] | [{"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA","detail":"low"}}]}]
          [{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,AA"}]}] | [{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA"}}]}]
          [{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}}]}] | [{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}}]}]
          [{"role":"user","content":"a"},{"id":"msg_1","type":"message","status":"completed","phase":"final_answer","role":"assistant","content":[{"type":"output_text","text":"b","annotations":[]}]},{"role":"user","content":"c"}] | [{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]
          [{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},{"role":"user","content":"c"}] | [{"role":"user","content":"a"},{"role":"assistant","content":"no"},{"role":"user","content":"c"}]
          [{"type":"agent_message","author":"x","content":[{"type":"input_text","text":"go"}]}] | [{"role":"user","content":"go"}]
          [{"role":"user","content":"a"},{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"secret"}]},{"role":"assistant","content":"b"}] | [{"role":"user","content":"a"},{"role":"assistant","content":"b"}]
          """)
  void itemsBecomeMessages(String input, String messages) {
    send(input, "");

    assertThat(responses.messages()).isEqualTo(ToolChats.json(messages));
  }

  @Wire("11.instructions")
  @Test
  void instructionsAreTheFirstSystemMessage() {
    send("\"hi\"", ",\"instructions\":\"Be brief.\"");

    assertThat(responses.messages())
        .isEqualTo(
            ToolChats.json(
                """
                [{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}]\
                """));
  }

  @Wire("11.merge")
  @Test
  void callsOfOneTurnAreOneMessageAndTheirResultsFollowIt() {
    send(
        """
        [{"role":"user","content":"go"},
         {"role":"assistant","content":"Let me look."},
         {"type":"function_call","call_id":"c1","name":"f","arguments":"{\\"a\\":1}"},
         {"type":"reasoning","id":"rs_9","summary":[]},
         {"type":"function_call","call_id":"c2","name":"g","arguments":"{}"},
         {"role":"assistant","content":"Both."},
         {"role":"user","content":"And this."},
         {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"x"},{"type":"input_text","text":"y"}]},
         {"type":"function_call_output","call_id":"c1","output":[{"type":"input_image","image_url":"data:image/png;base64,AA"}]},
         {"type":"function_call","call_id":"c3","name":"f","arguments":"{}"},
         {"type":"function_call_output","call_id":"c3","output":"z"}]\
        """,
        "");

    assertThat(responses.messages())
        .isEqualTo(
            ToolChats.json(
                """
                [{"role":"user","content":"go"},
                 {"role":"assistant","content":"Let me look.\\n\\nBoth.","tool_calls":[
                  {"id":"c1","type":"function","function":{"name":"f","arguments":"{\\"a\\":1}"}},
                  {"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}}]},
                 {"role":"tool","tool_call_id":"c2","content":"x\\ny"},
                 {"role":"tool","tool_call_id":"c1","content":"(See the attachment below.)"},
                 {"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},
                 {"role":"user","content":"And this."},
                 {"role":"assistant","content":null,"tool_calls":[
                  {"id":"c3","type":"function","function":{"name":"f","arguments":"{}"}}]},
                 {"role":"tool","tool_call_id":"c3","content":"z"}]\
                """));
  }

  @Wire("11.dropped")
  @Test
  void unknownThingsAreDroppedAndNamedOnce() {
    HttpResponse<String> answer =
        send(
            """
            [{"role":"user","content":[{"type":"input_text","text":"hi"},{"type":"hologram"}]},
             {"type":"compaction","encrypted_content":"x"},{"type":"compaction","encrypted_content":"y"},
             {"type":"shell_call","id":"s"}]\
            """,
            """
            ,"tools":[{"type":"tool_search"},{"type":"local_shell"},{"type":"image_generation"},{"type":"brand new\\nthing"}],
            "tool_choice":"auto","parallel_tool_calls":true,
            "client_metadata":{"session":"secret"},"context_management":[],"max_tool_calls":3,"new_field":true\
            """);

    assertThat(dropped(answer).split(", "))
        .containsExactlyInAnyOrder(
            "input.content.hologram",
            "input.compaction",
            "input.shell_call",
            "tools.tool_search",
            "tools.local_shell",
            "tools.image_generation",
            "tools.brand_new_thing",
            "client_metadata",
            "context_management",
            "max_tool_calls",
            "new_field");
    assertThat(responses.asked().fieldNames())
        .toIterable()
        .containsOnly("model", "messages", "stream", "stream_options");
    assertThat(responses.messages())
        .isEqualTo(ToolChats.json("[{\"role\":\"user\",\"content\":\"hi\"}]"));
  }

  @Wire("11.options")
  @Test
  void optionsAreRenamedOrKept() {
    send(
        "\"hi\"",
        """
        ,"max_output_tokens":77,"temperature":0.5,"top_p":0.9,"user":"u","safety_identifier":"s","prompt_cache_key":"k",
        "service_tier":"flex","reasoning":{"effort":"low"},"store":false,"include":[],"truncation":"auto","metadata":{"a":"b"},
        "text":{"verbosity":"low","format":{"type":"json_schema","name":"city","strict":true,"schema":{"type":"object"}}}\
        """);

    JsonNode asked = responses.asked();
    assertThat(asked.path("max_completion_tokens").asInt()).isEqualTo(77);
    assertThat(asked.path("temperature").asDouble()).isEqualTo(0.5);
    assertThat(asked.path("top_p").asDouble()).isEqualTo(0.9);
    assertThat(asked.path("user").asText()).isEqualTo("u");
    assertThat(asked.path("safety_identifier").asText()).isEqualTo("s");
    assertThat(asked.path("prompt_cache_key").asText()).isEqualTo("k");
    assertThat(asked.path("service_tier").asText()).isEqualTo("flex");
    assertThat(asked.path("reasoning_effort").asText()).isEqualTo("low");
    assertThat(asked.path("verbosity").asText()).isEqualTo("low");
    assertThat(asked.path("response_format"))
        .isEqualTo(
            ToolChats.json(
                """
                {"type":"json_schema","json_schema":{"name":"city","strict":true,"schema":{"type":"object"}}}\
                """));
    for (String consumed : List.of("store", "include", "truncation", "metadata", "text", "input")) {
      assertThat(asked.has(consumed)).as(consumed).isFalse();
    }
  }

  @Wire("11.functions")
  @Test
  void functionsAreNestedAndHaveParameters() {
    send(
        "\"hi\"",
        """
        ,"tools":[{"type":"function","name":"a","description":"A.","parameters":null,"strict":null},
        {"type":"function","name":"b","parameters":{"type":"object"},"strict":true}],"parallel_tool_calls":false\
        """);

    assertThat(responses.asked().path("tools"))
        .isEqualTo(
            ToolChats.json(
                """
                [{"type":"function","function":{"name":"a","description":"A.","parameters":{"type":"object","properties":{}}}},
                 {"type":"function","function":{"name":"b","parameters":{"type":"object"},"strict":true}}]\
                """));
    assertThat(responses.asked().path("parallel_tool_calls").asBoolean(true)).isFalse();
  }

  @Wire("11.custom")
  @Test
  void customToolsAreFunctionsWithOneTextAndComeBackAsCustomCalls() {
    String patch = "*** Begin Patch\\n*** End Patch";
    ObjectNode request =
        json("""
        {"tools":[{"type":"custom","name":"apply_patch","description":"Edits files.",
          "format":{"type":"grammar","syntax":"lark","definition":"start: PATCH"}}]}\
        """)
            .put("input", "[[script calls='apply_patch {\"input\": \"" + patch + "\"}']]");
    List<JsonNode> events = responses.stream(request);
    JsonNode response = Responses.collected(events);

    JsonNode function = responses.asked().at("/tools/0/function");
    assertThat(function.path("description").asText())
        .startsWith("Edits files.")
        .contains("lark grammar:\nstart: PATCH", "whole input as one string");
    assertThat(function.at("/parameters/properties/input/type").asText()).isEqualTo("string");
    JsonNode call = items(response, "custom_tool_call").getFirst();
    assertThat(call.path("id").asText()).startsWith("ctc_");
    assertThat(call.path("name").asText()).isEqualTo("apply_patch");
    assertThat(call.path("input").asText()).isEqualTo("*** Begin Patch\n*** End Patch");
    assertThat(Responses.types(events))
        .containsSubsequence(
            "response.output_item.added",
            "response.custom_tool_call_input.delta",
            "response.custom_tool_call_input.done",
            "response.output_item.done");

    ObjectNode next = request.deepCopy();
    next.putArray("input").addObject().put("role", "user").put("content", "hi");
    next.withArray("input").add(call);
    next.withArray("input")
        .addObject()
        .put("type", "custom_tool_call_output")
        .put("call_id", call.path("call_id").asText())
        .put("output", "Done!");
    responses.whole(next);
    assertThat(responses.messages().at("/1/tool_calls/0/function/arguments").asText())
        .isEqualTo("{\"input\":\"" + patch + "\"}");
    assertThat(responses.messages().at("/2/content").asText()).isEqualTo("Done!");
  }

  @Wire("11.custom")
  @Test
  void argumentsOfACustomToolThatAreNotJsonAreItsInput() {
    ObjectNode request = json("{\"tools\":[{\"type\":\"custom\",\"name\":\"note\"}]}");

    JsonNode response = responses.whole(request.put("input", "[[script calls='note just text']]"));

    assertThat(items(response, "custom_tool_call").getFirst().path("input").asText())
        .isEqualTo("just text");
  }

  @Wire("11.namespace")
  @Test
  void toolsInNamespacesComeBackWithTheirNamespace() {
    String longName = "x".repeat(70);
    ObjectNode request =
        json(
            """
            {"tools":[{"type":"function","name":"agents__spawn","parameters":{"type":"object"}},
             {"type":"namespace","name":"agents","tools":[{"type":"function","name":"spawn","parameters":{"type":"object"}},
              {"type":"custom","name":"say"},{"type":"function","name":"%s"}]},
             {"type":"namespace","name":"agents","tools":[{"type":"function","name":"spawn","parameters":{"type":"object"}}]}]}\
            """
                .formatted(longName));
    JsonNode response =
        responses.whole(
            request.put(
                "input",
                "[[script calls='agents__spawn_2 {} & agents__say {\"input\": \"hi\"}']]"));

    List<String> names =
        responses
            .asked()
            .path("tools")
            .valueStream()
            .map(tool -> tool.at("/function/name").asText())
            .toList();
    assertThat(names).hasSize(4).startsWith("agents__spawn", "agents__spawn_2", "agents__say");
    assertThat(names.getLast()).hasSize(64).startsWith("agents__xxx");
    JsonNode spawn = items(response, "function_call").getFirst();
    assertThat(spawn.path("name").asText()).isEqualTo("spawn");
    assertThat(spawn.path("namespace").asText()).isEqualTo("agents");
    JsonNode say = items(response, "custom_tool_call").getFirst();
    assertThat(say.path("name").asText()).isEqualTo("say");
    assertThat(say.path("namespace").asText()).isEqualTo("agents");

    ObjectNode next = request.deepCopy();
    next.putArray("input").addObject().put("role", "user").put("content", "hi");
    next.withArray("input")
        .add(spawn)
        .addObject()
        .put("type", "function_call_output")
        .put("call_id", spawn.path("call_id").asText())
        .put("output", "ok");
    responses.whole(next);
    assertThat(responses.messages().at("/1/tool_calls/0/function/name").asText())
        .isEqualTo("agents__spawn_2");
  }

  @Wire("11.added")
  @ParameterizedTest
  @ValueSource(strings = {"additional_tools", "tool_search_output"})
  void toolsOfItemsJoinTheTools(String type) {
    send(
        """
        [{"role":"user","content":"hi"},{"type":"%s","tools":[{"type":"function","name":"late","parameters":{"type":"object"}}]}]\
        """
            .formatted(type),
        "");

    assertThat(responses.asked().at("/tools/0/function/name").asText()).isEqualTo("late");
  }

  @Wire("11.choice")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "auto" | "auto" | 2
          "none" | "none" | 2
          "required" | "required" | 2
          {"type":"function","name":"a"} | {"type":"function","function":{"name":"a"}} | 2
          {"type":"custom","name":"b"} | {"type":"function","function":{"name":"b"}} | 2
          {"type":"allowed_tools","mode":"required","tools":[{"type":"custom","name":"b"}]} | "required" | 1
          {"type":"image_generation"} | null | 2
          """)
  void choicesOfToolsAreTranslated(String choice, String expected, int tools) {
    send(
        "\"hi\"",
        """
        ,"tools":[{"type":"function","name":"a","parameters":{"type":"object"}},{"type":"custom","name":"b"}],"tool_choice":%s\
        """
            .formatted(choice));

    JsonNode asked = responses.asked();
    assertThat(asked.path("tools")).hasSize(tools);
    assertThat(asked.has("tool_choice") ? Json.text(asked.get("tool_choice")) : "null")
        .isEqualTo(Json.text(ToolChats.json(expected)));
  }

  @Wire("11.refused")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {} | input | missing_required_parameter
          {"input":7} | input | invalid_type
          {"input":[]} | input | invalid_value
          {"input":["a"]} | input[0] | invalid_type
          {"input":"a","background":true} | background | unsupported_parameter
          {"input":"a","conversation":"conv_1"} | conversation | unsupported_parameter
          {"input":"a","prompt":{"id":"p"}} | prompt | unsupported_parameter
          {"input":"a","tools":[{"type":"function","name":"x"},{"type":"mcp","server_label":"x"}]} | tools[1].type | unsupported_tool
          {"input":"a","tools":[{"type":"file_search"}]} | tools[0].type | unsupported_tool
          {"input":"a","tools":[{"type":"code_interpreter"}]} | tools[0].type | unsupported_tool
          {"input":"a","tools":[{"type":"computer_use_preview"}]} | tools[0].type | unsupported_tool
          {"input":"a","tools":[{"type":"function"}]} | tools[0].name | missing_required_parameter
          {"input":"a","tool_choice":{"type":"function","name":"x"}} | tool_choice | invalid_value
          {"input":"a","tool_choice":"sometimes"} | tool_choice | invalid_value
          {"input":"a","max_output_tokens":0} | max_output_tokens | invalid_value
          {"input":"a","max_output_tokens":"7"} | max_output_tokens | invalid_type
          {"input":"a","temperature":3} | temperature | invalid_value
          {"input":"a","stream":"yes"} | stream | invalid_type
          {"input":"a","text":{"format":{"type":"json_schema","name":"x"}}} | text.format.schema | missing_required_parameter
          {"input":[{"role":"robot","content":"x"}]} | input[0].role | invalid_value
          {"input":[{"role":"user","content":7}]} | input[0].content | invalid_type
          {"input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]} | input[0].content[0].file_id | invalid_value
          {"input":[{"role":"user","content":[{"type":"input_file","file_url":"http://x/"}]}]} | input[0].content[0].file_url | invalid_value
          {"input":[{"type":"function_call","name":"f","arguments":"{}"}]} | input[0].call_id | missing_required_parameter
          {"input":[{"role":"user","content":"a"},{"type":"function_call_output","call_id":"c","output":"x"}]} | input[1].call_id | invalid_value
          """)
  void requestsWhoseAnswerWouldBeWrongAreRefusedWithTheField(
      String request, String param, String code) {
    JsonNode error = responses.refused(400, json(request));

    assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error.path("param").asText()).isEqualTo(param);
    assertThat(error.path("code").asText()).isEqualTo(code);
  }

  @Wire("11.search")
  @ParameterizedTest
  @ValueSource(strings = {"web_search", "web_search_preview", "web_search_2025_08_26"})
  void theServersSearchIsAWebSearchCall(String type) {
    ObjectNode request =
        json("{\"tools\":[{\"type\":\"%s\"}]}".formatted(type))
            .put("input", ToolChats.script(ToolChats.SEARCHES));
    request.putArray("include").add("web_search_call.action.sources");
    List<JsonNode> events = responses.stream(request);
    JsonNode response = Responses.collected(events);

    assertThat(Responses.itemTypes(response)).containsExactly("web_search_call", "message");
    JsonNode call = response.at("/output/0");
    assertThat(call.path("id").asText()).startsWith("ws_");
    assertThat(call.path("status").asText()).isEqualTo("completed");
    assertThat(call.path("action"))
        .isEqualTo(
            ToolChats.json(
                """
                {"type":"search","query":"camels","queries":["camels"],"sources":[{"type":"url","url":"%s"}]}\
                """
                    .formatted(ToolChats.SEARCH_ADDRESS)));
    assertThat(Responses.types(events))
        .containsSubsequence(
            "response.output_item.added",
            "response.web_search_call.in_progress",
            "response.web_search_call.searching",
            "response.web_search_call.completed",
            "response.output_item.done",
            "response.output_text.delta");
    assertThat(events.get(2).at("/item/action/query").asText()).isEqualTo("camels");
    JsonNode annotation = response.at("/output/1/content/0/annotations/0");
    assertThat(annotation.path("type").asText()).isEqualTo("url_citation");
    assertThat(annotation.path("url").asText()).isEqualTo(ToolChats.SEARCH_ADDRESS);
    assertThat(annotation.path("end_index").asInt())
        .isEqualTo(annotation.path("start_index").asInt() + ToolChats.SEARCH_ADDRESS.length());
    assertThat(Responses.types(events)).contains("response.output_text.annotation.added");
    assertThat(events.toString()).doesNotContain("tool_notification");
    JsonNode whole = responses.whole(request);
    assertThat(Responses.itemTypes(whole)).containsExactly("web_search_call", "message");
    assertThat(Responses.text(whole)).isEqualTo(Responses.text(response));

    ObjectNode next = request.deepCopy();
    next.set("input", response.path("output").deepCopy());
    next.withArray("input").addObject().put("role", "user").put("content", "And?");
    assertThat(dropped(responses.post(next))).isEmpty();
  }

  @Wire("11.search")
  @Test
  void theModelKeepsWhatASearchFoundBesideAClientsCall() {
    ObjectNode request =
        json(
            """
            {"tools":[{"type":"web_search"},{"type":"function","name":"get_weather","parameters":{"type":"object"}}]}\
            """);
    String prompt = "[[script calls='" + ToolChats.SEARCHES + " | get_weather {}']]";
    JsonNode first = responses.whole(request.put("input", prompt));
    ObjectNode next = request.deepCopy();
    next.putArray("input").addObject().put("role", "user").put("content", prompt);
    first.path("output").forEach(next.withArray("input")::add);
    next.withArray("input")
        .addObject()
        .put("type", "function_call_output")
        .put("call_id", items(first, "function_call").getFirst().path("call_id").asText())
        .put("output", "sunny");
    responses.whole(next);

    assertThat(Responses.itemTypes(first)).containsExactly("web_search_call", "function_call");
    List<String> roles =
        responses.messages().valueStream().map(message -> message.path("role").asText()).toList();
    assertThat(roles).containsExactly("user", "assistant", "tool", "assistant", "tool");
    assertThat(responses.messages().at("/2/content").asText()).contains(ToolChats.SEARCH_ADDRESS);
  }

  @Wire("11.search")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"type":"web_search","external_web_access":false} | tools.web_search
          {"type":"web_search"},{"type":"function","name":"web_search","parameters":{"type":"object"}} | tools.web_search
          """)
  void theServersSearchIsDroppedWhereItCannotBe(String tools, String dropped) {
    HttpResponse<String> answer = send("\"hi\"", ",\"tools\":[" + tools + "]");

    assertThat(dropped(answer)).isEqualTo(dropped);
    assertThat(responses.asked().toString()).doesNotContain("Searches the web");
  }

  @Wire("11.mcp")
  @Test
  void otherToolsOfTheServerAreMcpCallsOneAfterTheOther(@TempDir Path data) {
    try (Gateway calculating = Gateway.start(data, java.util.Map.of("TOOLS_FREE", "calculator"))) {
      Responses own = new Responses(calculating, calculating.createKey("mcp@example.com"));
      List<JsonNode> events =
          own.stream(
              request(
                  "[[script say=Look calls='calculator {\"expression\": \"6*7\"} & calculator {\"expression\": \"1/0\"}']]"));
      JsonNode response = Responses.collected(events);

      assertThat(Responses.itemTypes(response))
          .containsExactly("message", "mcp_call", "mcp_call", "message");
      JsonNode call = response.at("/output/1");
      assertThat(call.path("id").asText()).startsWith("mcp_");
      assertThat(call.path("server_label").asText()).isEqualTo("llmproxy");
      assertThat(call.path("name").asText()).isEqualTo("calculator");
      assertThat(call.path("arguments").asText()).isEqualTo("{\"expression\":\"6*7\"}");
      assertThat(call.path("output").asText()).isEqualTo("42");
      assertThat(call.path("status").asText()).isEqualTo("completed");
      JsonNode failed = response.at("/output/2");
      assertThat(failed.path("status").asText()).isEqualTo("failed");
      assertThat(failed.path("error").asText()).isNotEmpty();
      assertThat(Responses.types(events))
          .containsSubsequence(
              "response.mcp_call.in_progress",
              "response.mcp_call.completed",
              "response.mcp_call.in_progress",
              "response.mcp_call.failed");
    }
  }
}
