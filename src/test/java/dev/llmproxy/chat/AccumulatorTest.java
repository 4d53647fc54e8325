package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.Wire;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.AnswerMemory;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Uses the golden chat events, which OpenAiStreamTranslatorTest checks. */
class AccumulatorTest {
  private static final OpenAiSchema COMPLETION = new OpenAiSchema("CreateChatCompletionResponse");
  private static final OpenAiSchema CHUNK = new OpenAiSchema("CreateChatCompletionStreamResponse");
  private static final OpenAiSchema ERROR = new OpenAiSchema("Error");

  static List<String> all() {
    return Fixtures.cases("streams", ".openai.events.json");
  }

  static List<String> whole() {
    return all().stream()
        .filter(name -> last(name).get("event").asText().equals("complete"))
        .toList();
  }

  static List<String> failed() {
    return all().stream().filter(name -> last(name).get("event").asText().equals("error")).toList();
  }

  @Wire("4.collate")
  @ParameterizedTest
  @MethodSource("whole")
  void streamBecomesItsCompletion(String name) {
    Accumulator accumulator = accumulate(name);
    assertThat(accumulator.complete()).isTrue();
    Fixtures.check("responses/" + name + ".openai.json", accumulator.completion());
  }

  @Wire("4.shape")
  @ParameterizedTest
  @MethodSource("whole")
  void completionsMatchOpenAisSchema(String name) {
    assertThat(COMPLETION.problems(accumulate(name).completion())).isEmpty();
  }

  @Wire("4.finish")
  @ParameterizedTest
  @MethodSource("failed")
  void incompleteAnswerHasNoCompletion(String name) {
    Accumulator accumulator = accumulate(name);
    assertThat(accumulator.complete()).isFalse();
    assertThat(accumulator.error()).isNotNull();
    assertThatIllegalStateException().isThrownBy(accumulator::completion);
  }

  @Wire({"5.1", "5.2", "5.3", "5.4"})
  @ParameterizedTest
  @MethodSource("all")
  void goldenEventsMatchOpenAisSchema(String name) {
    for (JsonNode event : events(name)) {
      switch (event.get("event").asText()) {
        case "delta" -> assertThat(CHUNK.problems(event.get("chunk"))).isEmpty();
        case "error" -> assertThat(ERROR.problems(event.get("error"))).isEmpty();
        default -> assertThat(event.get("usage").isObject()).isTrue();
      }
    }
  }

  @Test
  void schemaRejectsInvalidCompletions() {
    assertThat(COMPLETION.problems(Json.object())).isNotEmpty();
    assertThat(CHUNK.problems(Json.object().put("id", 7))).isNotEmpty();
    assertThat(ERROR.problems(Json.object())).isNotEmpty();
  }

  @Test
  void chunksAreNotChanged() {
    for (JsonNode event : events("unknown-fields")) {
      if (event.has("chunk")) {
        String before = Json.text(event.get("chunk"));
        Accumulator accumulator = new Accumulator();
        accumulator.add(event(event));
        accumulator.add(event(event));
        assertThat(Json.text(event.get("chunk"))).isEqualTo(before);
      }
    }
  }

  @Test
  void tokenEstimateCountsChunksWithContent() {
    assertThat(accumulate("plain").deltas()).isEqualTo(2);
    // Three pieces; "and two." is long enough for two tokens.
    assertThat(accumulate("reasoning").deltas()).isEqualTo(4);
    assertThat(accumulate("ends-without-finish").deltas()).isEqualTo(1);
    assertThat(accumulate("nothing-but-done").deltas()).isZero();
  }

  @Test
  void headIsKnownBeforeTheEnd() {
    Accumulator accumulator = new Accumulator();
    assertThat(accumulator.head()).isNull();
    accumulator.add(event(events("plain").get(0)));
    assertThat(accumulator.head().get("id").asText()).isEqualTo("chatcmpl-A1");
    assertThat(accumulator.head().get("model").asText()).isEqualTo("groq/llama-test");
    assertThat(accumulator.complete()).isFalse();
    assertThat(accumulator.usage()).isNull();
  }

  @Test
  void unstoredStreamStoresOnlyItsEnd() {
    String text = "a long piece of an answer ".repeat(1000);
    AnswerMemory.Share memory = new AnswerMemory(1 << 20).open();
    Accumulator nothing = new Accumulator(Accumulator.Kept.NOTHING, memory);
    Accumulator end = new Accumulator(Accumulator.Kept.END, memory);
    // Stored in full, this text would not fit into an array.
    int pieces = 100_000;
    for (int i = 0; i < pieces; i++) {
      ObjectNode chunk = Json.object().put("id", "x").put("x_" + i, text);
      ArrayNode choices = chunk.putArray("choices");
      choices.addObject().put("index", i).putObject("delta").put("content", text);
      choices.addObject().put("index", 0).putObject("delta").put("reasoning", text);
      nothing.add(new ChatEvent.Delta(chunk));
      end.add(new ChatEvent.Delta(chunk));
    }
    ObjectNode last = Json.object().put("id", "x");
    ObjectNode choice =
        last.putArray("choices").addObject().put("index", 0).put("finish_reason", "stop");
    choice.putObject("delta").putArray("annotations").addObject().put("type", "url_citation");
    nothing.add(new ChatEvent.Delta(last));
    end.add(new ChatEvent.Delta(last));

    assertThat(nothing.head().toString()).isEqualTo("{\"id\":\"x\"}");
    assertThat(nothing.choices()).isEmpty();
    assertThat(nothing.deltas()).isEqualTo(2L * pieces * (text.length() / 4));
    assertThat(nothing.content()).isEmpty();
    assertThat(end.choices()).hasSize(1);
    assertThat(end.choices().at("/0/finish_reason").asText()).isEqualTo("stop");
    assertThat(end.choices().at("/0/message/annotations/0/type").asText())
        .isEqualTo("url_citation");
    assertThat(end.choices().toString()).hasSizeLessThan(300);
    nothing.add(new ChatEvent.Complete(Json.object()));
    assertThatIllegalStateException().isThrownBy(nothing::completion);
  }

  private static Accumulator accumulate(String name) {
    Accumulator accumulator = new Accumulator();
    events(name).forEach(event -> accumulator.add(event(event)));
    return accumulator;
  }

  private static JsonNode events(String name) {
    return Fixtures.json("streams/" + name + ".openai.events.json");
  }

  private static JsonNode last(String name) {
    JsonNode events = events(name);
    return events.get(events.size() - 1);
  }

  private static ChatEvent event(JsonNode json) {
    return switch (json.get("event").asText()) {
      case "delta" -> new ChatEvent.Delta((ObjectNode) json.get("chunk"));
      case "complete" -> new ChatEvent.Complete((ObjectNode) json.get("usage"));
      default ->
          new ChatEvent.Failed(
              new ApiError(502, "server_error", "upstream_error", null, "It failed."));
    };
  }
}
