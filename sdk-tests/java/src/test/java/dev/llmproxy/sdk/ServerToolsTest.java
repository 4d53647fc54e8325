package dev.llmproxy.sdk;

import static dev.llmproxy.sdk.Gateway.CLIENT;
import static dev.llmproxy.sdk.Gateway.stream;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.openai.core.JsonValue;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessage;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tools that the server runs. The client gets notifications in the form that it chooses, and never
 * a call to run. The SDK has no type for {@code {"type": "web_search"}}.
 */
class ServerToolsTest {
  private static final FunctionDefinition WEB_SEARCH =
      FunctionDefinition.builder().name("web_search").build();

  @ParameterizedTest
  @ValueSource(strings = {"hybrid", "comment", "off"})
  void streamsAsInTheReadme(String mode) {
    List<ChatCompletionChunk> chunks =
        stream(searching(mode, Search.PROMPT).addFunctionTool(WEB_SEARCH).build());

    StringBuilder text = new StringBuilder();
    for (ChatCompletionChunk chunk : chunks) {
      text.append(chunk.choices().get(0).delta().content().orElse(""));
    }
    assertThat(text.toString()).isEqualTo(Search.ANSWER);
    assertThat(chunks)
        .allSatisfy(chunk -> assertThat(chunk.choices().getFirst().delta().toolCalls()).isEmpty());
    assertThat(chunks.stream().flatMap(chunk -> chunk.choices().getFirst().finishReason().stream()))
        .containsExactly(ChatCompletionChunk.Choice.FinishReason.STOP);
    assertThat(chunks)
        .filteredOn(chunk ->
            chunk
                .choices()
                .getFirst()
                .delta()
                ._additionalProperties()
                .toString()
                .contains(Search.URL))
        .hasSize(1);
    List<Map<String, JsonValue>> shown =
        chunks.stream()
            .map(ChatCompletionChunk::_additionalProperties)
            .filter(fields -> fields.containsKey("tool"))
            .toList();
    if (mode.equals("hybrid")) {
      assertOneSearchIsShown(shown);
    } else {
      assertThat(shown).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"hybrid", "comment", "off"})
  void streamIsAccumulated(String mode) {
    ChatCompletion completion =
        accumulated(searching(mode, Search.PROMPT).webSearchOptions(anySearch()).build());

    assertIsTheAnswer(completion);
  }

  @ParameterizedTest
  @ValueSource(strings = {"hybrid", "comment", "off"})
  void answersWithoutStreaming(String mode) {
    ChatCompletion completion =
        whole(searching(mode, Search.PROMPT).addFunctionTool(WEB_SEARCH).build());

    assertIsTheAnswer(completion);
    var citation =
        completion
            .choices()
            .getFirst()
            .message()
            .annotations()
            .orElseThrow()
            .getFirst()
            .urlCitation();
    assertThat(citation.title()).isEqualTo("searxng on camels");
    assertThat(Search.ANSWER.substring((int) citation.startIndex(), (int) citation.endIndex()))
        .isEqualTo(citation.url())
        .isEqualTo(Search.URL);
    JsonValue shown = completion._additionalProperties().get("tool_notifications");
    if (mode.equals("hybrid")) {
      assertOneSearchIsShown(shown.convert(new TypeReference<List<Map<String, JsonValue>>>() {}));
    } else {
      assertThat(shown).isNull();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "hybrid, true",
    "comment, true",
    "off, true",
    "hybrid, false",
    "comment, false",
    "off, false"
  })
  void clientsFunctionIsCalledAfterTheServerTool(String mode, boolean stream) {
    ChatCompletionCreateParams.Builder conversation =
        searching(mode, Search.PROMPT_WITH_WEATHER)
            .addFunctionTool(WEB_SEARCH)
            .addFunctionTool(ToolsTest.WEATHER);
    ChatCompletion.Choice choice = answer(conversation, stream).choices().getFirst();

    assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.TOOL_CALLS);
    assertThat(choice.message().toolCalls().orElseThrow()).hasSize(1);
    ChatCompletionMessageFunctionToolCall call =
        choice.message().toolCalls().orElseThrow().getFirst().asFunction();
    assertThat(call.function().name()).isEqualTo("get_weather");
    assertThat(call.function().arguments()).isEqualTo("{\"location\": \"Paris\"}");

    conversation.addMessage(choice.message());
    conversation.addMessage(
        ChatCompletionToolMessageParam.builder().toolCallId(call.id()).content("sunny").build());
    ChatCompletion.Choice answer = answer(conversation, stream).choices().getFirst();

    assertThat(answer.message().content()).hasValue("The tool said: sunny");
    assertThat(answer.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.STOP);
  }

  private static ChatCompletion answer(ChatCompletionCreateParams.Builder request, boolean stream) {
    return stream ? accumulated(request.build()) : whole(request.build());
  }

  private static void assertIsTheAnswer(ChatCompletion completion) {
    ChatCompletionMessage message = completion.choices().getFirst().message();
    assertThat(message.content()).hasValue(Search.ANSWER);
    assertThat(message.toolCalls().orElse(List.of())).isEmpty();
    assertThat(completion.choices().getFirst().finishReason())
        .isEqualTo(ChatCompletion.Choice.FinishReason.STOP);
    assertThat(completion.usage().orElseThrow().totalTokens()).isEqualTo(Search.TOTAL_TOKENS);
  }

  private static void assertOneSearchIsShown(List<Map<String, JsonValue>> shown) {
    assertThat(shown).hasSize(2);
    Map<String, JsonValue> begun = shown.getFirst();
    Map<String, JsonValue> ended = shown.getLast();
    assertThat(begun)
        .containsOnlyKeys("tool", "status", "query", "call_id")
        .containsEntry("tool", JsonValue.from("web_search"))
        .containsEntry("status", JsonValue.from("started"))
        .containsEntry("query", JsonValue.from("camels"));
    assertThat(ended)
        .containsOnlyKeys("tool", "status", "query", "call_id", "result", "duration_ms", "results")
        .containsEntry("tool", JsonValue.from("web_search"))
        .containsEntry("status", JsonValue.from("completed"))
        .containsEntry("query", JsonValue.from("camels"))
        .containsEntry("call_id", begun.get("call_id"))
        .containsEntry("result", JsonValue.from("1 result from searxng"));
    assertThat(ended.get("duration_ms").asNumber()).isPresent();
  }

  private static ChatCompletionCreateParams.Builder searching(String mode, String prompt) {
    return Gateway.ask(prompt).putAdditionalHeader(Search.TOLD, mode);
  }

  private static ChatCompletionCreateParams.WebSearchOptions anySearch() {
    return ChatCompletionCreateParams.WebSearchOptions.builder().build();
  }

  private static ChatCompletion whole(ChatCompletionCreateParams params) {
    return CLIENT.chat().completions().create(params).validate();
  }

  private static ChatCompletion accumulated(ChatCompletionCreateParams params) {
    var options = ChatCompletionStreamOptions.builder().includeUsage(true).build();
    ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
    stream(params.toBuilder().streamOptions(options).build()).forEach(accumulator::accumulate);
    return accumulator.chatCompletion();
  }
}
