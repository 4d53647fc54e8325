package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.Json;
import dev.llmproxy.Wire;
import dev.llmproxy.api.ApiError;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Works on the golden chat events, whose making OpenAiStreamTranslatorTest checks. */
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
  void collatesAStreamIntoItsCompletion(String name) {
    Accumulator accumulator = accumulate(name);
    assertThat(accumulator.complete()).isTrue();
    assertThat(Fixtures.comparable(accumulator.completion()))
        .isEqualTo(Fixtures.comparable(Fixtures.json("responses/" + name + ".openai.json")));
  }

  @Wire("4.shape")
  @ParameterizedTest
  @MethodSource("whole")
  void makesCompletionsThatOpenAisSchemaAccepts(String name) {
    assertThat(COMPLETION.problems(accumulate(name).completion())).isEmpty();
  }

  @Wire("4.finish")
  @ParameterizedTest
  @MethodSource("failed")
  void makesNoCompletionOfAnAnswerThatIsNotWhole(String name) {
    Accumulator accumulator = accumulate(name);
    assertThat(accumulator.complete()).isFalse();
    assertThat(accumulator.error()).isNotNull();
    assertThatIllegalStateException().isThrownBy(accumulator::completion);
  }

  @Wire({"5.1", "5.2", "5.3", "5.4"})
  @ParameterizedTest
  @MethodSource("all")
  void isFedWithEventsThatOpenAisSchemaAccepts(String name) {
    for (JsonNode event : events(name)) {
      switch (event.get("event").asText()) {
        case "delta" -> assertThat(CHUNK.problems(event.get("chunk"))).isEmpty();
        case "error" -> assertThat(ERROR.problems(event.get("error"))).isEmpty();
        default -> assertThat(event.get("usage").isObject()).isTrue();
      }
    }
  }

  @Test
  void theSchemaRefusesWhatOpenAiWouldNotSend() {
    assertThat(COMPLETION.problems(Json.object())).isNotEmpty();
    assertThat(CHUNK.problems(Json.object().put("id", 7))).isNotEmpty();
    assertThat(ERROR.problems(Json.object())).isNotEmpty();
  }

  @Test
  void leavesTheChunksAsTheyAre() {
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
  void estimatesTheTokensOfTheChunksThatBroughtSomething() {
    assertThat(accumulate("plain").deltas()).isEqualTo(2);
    // Three pieces, of which "and two." is long enough for two tokens.
    assertThat(accumulate("reasoning").deltas()).isEqualTo(4);
    assertThat(accumulate("ends-without-finish").deltas()).isEqualTo(1);
    assertThat(accumulate("nothing-but-done").deltas()).isZero();
  }

  @Test
  void knowsTheHeadOfAnAnswerUnderWay() {
    Accumulator accumulator = new Accumulator();
    assertThat(accumulator.head()).isNull();
    accumulator.add(event(events("plain").get(0)));
    assertThat(accumulator.head().get("id").asText()).isEqualTo("chatcmpl-A1");
    assertThat(accumulator.head().get("model").asText()).isEqualTo("groq/llama-test");
    assertThat(accumulator.complete()).isFalse();
    assertThat(accumulator.usage()).isNull();
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
