package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Chat answers with and without streaming, for all habits of providers: sections 1, 4 and 5 of the
 * wire contract, over HTTP.
 */
class ContractStreamRouteTest {
  private static final String MODEL = "openai/scripted";
  private static final Set<String> FINISH_REASONS =
      Set.of("stop", "length", "tool_calls", "content_filter", "function_call");

  private static Gateway gateway;
  private static String key;
  private static Gateway impatient;
  private static String keyOfImpatient;

  /** One event of a stream; its name is null when it has none. */
  private record Event(String name, String data) {
    JsonNode json() {
      return parsed(data);
    }
  }

  @BeforeAll
  static void start(@TempDir Path data, @TempDir Path dataOfImpatient) {
    gateway = Gateway.start(data);
    key = gateway.createKey("stream@example.com");
    impatient = Gateway.start(dataOfImpatient, Map.of("PROVIDER_SILENCE_SECONDS", "2"));
    keyOfImpatient = impatient.createKey("stream@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    impatient.close();
  }

  @Wire({"1.2", "1.2b", "1.2c", "5.6"})
  @ParameterizedTest
  @CsvSource({
    "cut=2, upstream_error",
    "end=2, upstream_error",
    "silent=2, upstream_timeout",
    "error=2, upstream_error",
    "garbage=2, upstream_error",
    "finish=error, upstream_error"
  })
  void aFailureMidStreamIsTheLastEventWithoutAnEnd(String mishap, String code) {
    HttpResponse<String> response = ask("[[script chunks=4 " + mishap + "]]", true, true);

    List<Event> events = events(response.body());
    Event last = events.getLast();
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(last.name()).isEqualTo("error");
    assertThat(last.data()).startsWith("{\"error\":{");
    assertThat(last.json()).hasSize(1);
    assertThat(last.json().path("error").fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder("message", "type", "param", "code");
    assertThat(last.json().at("/error/code").asText()).isEqualTo(code);
    assertThat(events.subList(0, events.size() - 1))
        .isNotEmpty()
        .allSatisfy(event -> {
          assertThat(event.name()).isNull();
          assertThat(event.json().path("choices")).hasSize(1);
          assertThat(event.json().at("/choices/0/finish_reason").isNull()).isTrue();
          assertThat(event.json().path("usage").isObject()).isFalse();
        });
  }

  @Wire({
    "5.form", "5.order", "5.1", "5.2", "5.3", "5.3b", "5.4", "5.4b", "5.5", "5.5b", "5.6", "5.7",
    "5.utf8"
  })
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "tools=1",
        "tools=3",
        "reasoning=1",
        "groq=1",
        "bare=1",
        "bare=1 tools=2",
        "fields=1",
        "crlf=1",
        "split=1 utf8=1",
        "finish=eos",
        "finish=MAX_TOKENS",
        "n=3",
        "n=2 tools=2",
        "groq=1 tools=2 fields=1"
      })
  void streamsKeepTheContractForAllProviders(String habit) {
    for (boolean usage : new boolean[] {true, false}) {
      String raw = ask("hi [[script " + habit + "]]", true, usage).body();
      List<Event> events = events(raw);

      assertThat(raw.replace("data: [DONE]\n\n", "").lines().filter(line -> !line.isEmpty()))
          .allMatch(line -> line.startsWith("data: {") && line.endsWith("}"));
      assertThat(events.getLast().data()).isEqualTo("[DONE]");
      assertThat(events).filteredOn(event -> event.data().equals("[DONE]")).hasSize(1);
      assertThat(raw).endsWith("data: [DONE]\n\n");
      List<JsonNode> chunks =
          new ArrayList<>(events.subList(0, events.size() - 1).stream().map(Event::json).toList());
      checkHeads(chunks);
      if (usage) {
        checkUsage(chunks.removeLast());
      }
      assertThat(chunks)
          .allSatisfy(chunk -> {
            assertThat(chunk.path("choices")).isNotEmpty();
            assertThat(chunk.path("usage").isObject()).isFalse();
          });
      checkChoices(chunks, habit.contains("tools"));
    }
  }

  @Wire({"4.shape", "4.collate"})
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "tools=1",
        "tools=3",
        "reasoning=1",
        "groq=1",
        "bare=1 tools=2",
        "fields=1",
        "crlf=1",
        "split=1 utf8=1",
        "finish=eos",
        "n=3",
        "n=2 tools=2"
      })
  void wholeAnswersEqualTheCollectedStream(String habit) {
    String message = "hi [[script " + habit + "]]";
    HttpResponse<String> response = ask(message, false, false);
    List<Event> events = events(ask(message, true, true).body());
    JsonNode completion = Gateway.json(response);

    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
    assertThat(completion.path("id").asText()).startsWith("chatcmpl-");
    assertThat(completion.path("object").asText()).isEqualTo("chat.completion");
    assertThat(completion.path("created").isIntegralNumber()).isTrue();
    assertThat(completion.path("model").asText()).isEqualTo(MODEL);
    checkUsage(completion);
    Map<Integer, String> contents = new TreeMap<>();
    Map<Integer, String> thoughts = new TreeMap<>();
    Map<String, String> calls = new TreeMap<>();
    events.subList(0, events.size() - 1).stream()
        .flatMap(event -> event.json().path("choices").valueStream())
        .forEach(choice -> {
          JsonNode delta = choice.path("delta");
          int index = choice.path("index").asInt();
          contents.merge(index, delta.path("content").asText(""), String::concat);
          thoughts.merge(index, delta.path("reasoning_content").asText(""), String::concat);
          for (JsonNode call : delta.path("tool_calls")) {
            calls.merge(
                index + "." + call.path("index").asInt(),
                call.at("/function/name").asText("") + call.at("/function/arguments").asText(),
                String::concat);
          }
        });
    assertThat(completion.path("choices")).hasSize(contents.size());
    for (JsonNode choice : completion.path("choices")) {
      int index = choice.path("index").asInt();
      JsonNode message0 = choice.path("message");
      assertThat(choice.has("logprobs")).isTrue();
      assertThat(FINISH_REASONS).contains(choice.path("finish_reason").asText());
      assertThat(message0.path("role").asText()).isEqualTo("assistant");
      assertThat(message0.has("refusal")).isTrue();
      assertThat(message0.path("content").asText("")).isEqualTo(contents.get(index));
      assertThat(message0.path("content").isNull()).isEqualTo(contents.get(index).isEmpty());
      assertThat(message0.path("reasoning_content").asText("")).isEqualTo(thoughts.get(index));
      int number = 0;
      for (JsonNode call : message0.path("tool_calls")) {
        assertThat(call.at("/function/arguments").isTextual()).isTrue();
        assertThat(call.path("id").asText()).isNotEmpty();
        assertThat(call.path("type").asText()).isEqualTo("function");
        assertThat(call.at("/function/name").asText() + call.at("/function/arguments").textValue())
            .isEqualTo(calls.get(index + "." + number++));
      }
      assertThat(calls.keySet()).filteredOn(id -> id.startsWith(index + ".")).hasSize(number);
    }
  }

  @Wire("4.finish")
  @ParameterizedTest
  @CsvSource({"cut=2, 502", "end=2, 502", "error=2, 502", "garbage=2, 502", "silent=2, 504"})
  void incompleteAnswersAreErrors(String mishap, int status) {
    HttpResponse<String> response = ask("[[script chunks=4 " + mishap + "]]", false, false);

    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(Gateway.json(response).path("error")).isNotEmpty();
    assertThat(response.body()).doesNotContain("word");
  }

  @Wire("5.7")
  @Test
  void unknownServiceTiersAreLeftOutAndOtherFieldsStay() {
    for (boolean stream : new boolean[] {true, false}) {
      String body = ask("hi [[script groq=1 fields=1]]", stream, false).body();

      assertThat(body).doesNotContain("service_tier").contains("\"x_groq\"", "\"x_vendor\"");
      assertThat(body).contains("\"vendor_note\"");
    }
  }

  private static void checkHeads(List<JsonNode> chunks) {
    Set<String> heads = new HashSet<>();
    for (JsonNode chunk : chunks) {
      assertThat(chunk.path("id").asText()).isNotEmpty();
      assertThat(chunk.path("created").isIntegralNumber()).isTrue();
      assertThat(chunk.path("model").asText()).isEqualTo(MODEL);
      assertThat(chunk.path("object").asText()).isEqualTo("chat.completion.chunk");
      assertThat(chunk.path("choices").isArray()).isTrue();
      heads.add(chunk.path("id") + " " + chunk.path("created"));
    }
    assertThat(heads).hasSize(1);
  }

  private static void checkUsage(JsonNode last) {
    JsonNode usage = last.path("usage");
    if (last.path("object").asText().endsWith("chunk")) {
      assertThat(last.path("choices").isArray() && last.path("choices").isEmpty()).isTrue();
    }
    assertThat(usage.path("prompt_tokens").isIntegralNumber()).isTrue();
    assertThat(usage.path("completion_tokens").isIntegralNumber()).isTrue();
    assertThat(usage.path("total_tokens").asInt())
        .isEqualTo(usage.path("prompt_tokens").asInt() + usage.path("completion_tokens").asInt());
  }

  private static void checkChoices(List<JsonNode> chunks, boolean tools) {
    Map<Integer, List<JsonNode>> choices = new TreeMap<>();
    for (JsonNode chunk : chunks) {
      for (JsonNode choice : chunk.path("choices")) {
        assertThat(choice.path("index").isInt()).isTrue();
        choices
            .computeIfAbsent(choice.path("index").asInt(), index -> new ArrayList<>())
            .add(choice);
      }
    }
    choices.values().forEach(parts -> checkChoice(parts, tools));
  }

  private static void checkChoice(List<JsonNode> parts, boolean tools) {
    JsonNode first = parts.getFirst().path("delta");
    assertThat(first.path("role").asText()).isEqualTo("assistant");
    assertThat(first.has("content")).isTrue();
    assertThat(parts.subList(0, parts.size() - 1))
        .allMatch(part -> part.has("finish_reason") && part.path("finish_reason").isNull());
    String finish = parts.getLast().path("finish_reason").asText();
    assertThat(FINISH_REASONS).contains(finish);
    Map<Integer, String> arguments = new TreeMap<>();
    for (JsonNode part : parts) {
      for (JsonNode call : part.at("/delta/tool_calls")) {
        assertThat(call.path("index").isInt()).isTrue();
        assertThat(call.at("/function/arguments").isTextual()).isTrue();
        boolean begun = arguments.containsKey(call.path("index").asInt());
        assertThat(call.hasNonNull("id")).isNotEqualTo(begun);
        assertThat(call.path("type").asText("").equals("function")).isNotEqualTo(begun);
        assertThat(call.path("function").hasNonNull("name")).isNotEqualTo(begun);
        arguments.merge(
            call.path("index").asInt(), call.at("/function/arguments").textValue(), String::concat);
      }
    }
    assertThat(arguments.isEmpty()).isNotEqualTo(tools);
    assertThat(finish.equals("tool_calls")).isEqualTo(tools);
    int number = 0;
    for (Map.Entry<Integer, String> call : arguments.entrySet()) {
      assertThat(call.getKey()).isEqualTo(number++);
      assertThat(parsed(call.getValue()).isObject()).isTrue();
    }
  }

  /** Uses the gateway with short timeouts when the provider falls silent. */
  private static HttpResponse<String> ask(String message, boolean stream, boolean usage) {
    ObjectNode body = Json.object().put("model", MODEL).put("stream", stream);
    body.putArray("messages").addObject().put("role", "user").put("content", message);
    if (usage) {
      body.putObject("stream_options").put("include_usage", true);
    }
    return message.contains("silent=")
        ? impatient.post(keyOfImpatient, Json.text(body))
        : gateway.post(key, Json.text(body));
  }

  /** All events; each has one line of data. Comments are left out. */
  private static List<Event> events(String raw) {
    List<Event> events = new ArrayList<>();
    String name = null;
    for (String line : raw.lines().toList()) {
      if (line.startsWith("event: ")) {
        name = line.substring(7);
      } else if (line.startsWith("data: ")) {
        events.add(new Event(name, line.substring(6)));
        name = null;
      }
    }
    return events;
  }

  private static JsonNode parsed(String json) {
    try {
      return Json.parse(json);
    } catch (IOException e) {
      throw new IllegalStateException("Not JSON: " + json, e);
    }
  }
}
