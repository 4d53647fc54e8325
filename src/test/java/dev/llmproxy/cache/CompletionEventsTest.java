package dev.llmproxy.cache;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.Wire;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.Accumulator;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.OpenAiSchema;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every completion that a stream has made becomes a stream again. */
class CompletionEventsTest {
  private static final OpenAiSchema CHUNK = new OpenAiSchema("CreateChatCompletionStreamResponse");
  private static final ObjectNode HEAD =
      Json.object()
          .put("id", "chatcmpl-new")
          .put("object", "chat.completion.chunk")
          .put("created", 1_800_000_000)
          .put("model", "alias");

  /** The completions of the golden streams of all formats. */
  static Stream<Arguments> completions() {
    return Stream.of("", "anthropic/", "gemini/")
        .flatMap(format -> {
          String ending = format.isEmpty() ? ".openai.events.json" : ".events.json";
          return Fixtures.cases(format + "streams", ending).stream()
              .map(name -> format + "streams/" + name + ending);
        })
        .map(file -> Arguments.of(file, collected(file)))
        .filter(found -> ((Accumulator) found.get()[1]).complete())
        .map(found -> Arguments.of(found.get()[0], ((Accumulator) found.get()[1]).completion()));
  }

  private static Accumulator collected(String file) {
    Accumulator accumulator = new Accumulator();
    for (JsonNode event : Fixtures.json(file)) {
      if (event.has("chunk")) {
        accumulator.add(new ChatEvent.Delta((ObjectNode) event.get("chunk")));
      } else if (event.has("usage")) {
        accumulator.add(new ChatEvent.Complete((ObjectNode) event.get("usage")));
      }
    }
    return accumulator;
  }

  @Wire("8.replay")
  @ParameterizedTest(name = "{0}")
  @MethodSource("completions")
  void eventsMakeTheSameCompletion(String file, ObjectNode completion) {
    Accumulator again = new Accumulator();
    CompletionEvents.of(completion, HEAD).forEach(again::add);

    ObjectNode expected = completion.deepCopy();
    expected.setAll(HEAD.deepCopy().retain("id", "created", "model"));
    assertThat(again.completion()).isEqualTo(expected);
    assertThat(again.usage()).isEqualTo(completion.get("usage"));
  }

  @Wire({"5.1", "5.2", "5.3", "5.3b", "5.4", "5.order"})
  @ParameterizedTest(name = "{0}")
  @MethodSource("completions")
  void chunksKeepTheContract(String file, ObjectNode completion) {
    List<JsonNode> chunks = chunks(completion);
    Set<Integer> begun = new HashSet<>();
    Set<Integer> ended = new HashSet<>();
    Set<String> calls = new HashSet<>();
    for (JsonNode chunk : chunks) {
      assertThat(CHUNK.problems(chunk)).isEmpty();
      assertThat(chunk.path("id").asText()).isEqualTo("chatcmpl-new");
      assertThat(chunk.path("model").asText()).isEqualTo("alias");
      assertThat(chunk.path("choices")).hasSize(1);
      JsonNode choice = chunk.path("choices").get(0);
      int index = choice.path("index").asInt(-1);
      JsonNode delta = choice.path("delta");
      if (begun.add(index)) {
        assertThat(delta.path("role").asText()).isEqualTo("assistant");
        assertThat(delta.has("content")).isTrue();
      }
      for (JsonNode call : delta.path("tool_calls")) {
        boolean first = calls.add(index + " " + call.path("index").asInt(-1));
        assertThat(call.has("id")).isEqualTo(first);
      }
      if (choice.path("finish_reason").isTextual()) {
        assertThat(ended.add(index)).isTrue();
      } else {
        assertThat(ended).isEmpty();
      }
    }
    assertThat(ended).isNotEmpty().isEqualTo(begun);
  }

  @Test
  void longTextsAndArgumentsComeInPiecesWithoutCutCharacters() {
    String text = "é𝄞 ".repeat(1000);
    String arguments = Json.text(Json.object().put("text", text));
    ObjectNode completion = HEAD.deepCopy().put("object", "chat.completion");
    ObjectNode choice = completion.putArray("choices").addObject().put("index", 0);
    ObjectNode message = choice.putObject("message").put("role", "assistant").put("content", text);
    message.putNull("refusal").put("reasoning_content", text);
    ObjectNode call = message.putArray("tool_calls").addObject().put("id", "call_1");
    call.put("type", "function").putObject("function").put("name", "f").put("arguments", arguments);
    choice.putNull("logprobs").put("finish_reason", "tool_calls");
    completion.putObject("usage").put("prompt_tokens", 1);

    List<JsonNode> chunks = chunks(completion);

    assertThat(chunks)
        .allSatisfy(chunk -> {
          String json = Json.text(chunk);
          assertThat(json.length()).isLessThan(1000);
          assertThat(json.chars().filter(c -> Character.isSurrogate((char) c)).count())
              .isEqualTo(2 * json.codePoints().filter(Character::isSupplementaryCodePoint).count());
        });
    Accumulator again = new Accumulator();
    CompletionEvents.of(completion, HEAD).forEach(again::add);
    assertThat(again.completion()).isEqualTo(completion);
  }

  private static List<JsonNode> chunks(ObjectNode completion) {
    List<JsonNode> chunks = new ArrayList<>();
    List<ChatEvent> events = CompletionEvents.of(completion, HEAD);
    assertThat(events.getLast()).isInstanceOf(ChatEvent.Complete.class);
    for (ChatEvent event : events.subList(0, events.size() - 1)) {
      chunks.add(((ChatEvent.Delta) event).chunk());
    }
    return chunks;
  }
}
