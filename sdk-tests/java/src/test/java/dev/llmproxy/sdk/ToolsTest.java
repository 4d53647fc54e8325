package dev.llmproxy.sdk;

import static dev.llmproxy.sdk.Gateway.CLIENT;
import static dev.llmproxy.sdk.Gateway.ask;
import static dev.llmproxy.sdk.Gateway.stream;
import static org.assertj.core.api.Assertions.assertThat;

import com.openai.core.JsonValue;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionMessageToolCall;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ToolsTest {
  static final FunctionDefinition WEATHER =
      FunctionDefinition.builder()
          .name("get_weather")
          .description("The weather of a city")
          .parameters(
              FunctionParameters.builder()
                  .putAdditionalProperty("type", JsonValue.from("object"))
                  .putAdditionalProperty(
                      "properties", JsonValue.from(Map.of("location", Map.of("type", "string"))))
                  .build())
          .build();

  @Test
  void streamedToolCallsMakeARoundTrip() {
    ChatCompletionCreateParams.Builder conversation =
        ask("What is the weather? [[script tools=2]]").addFunctionTool(WEATHER);
    ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
    stream(conversation.build()).forEach(accumulator::accumulate);
    ChatCompletion.Choice choice = accumulator.chatCompletion().choices().getFirst();

    assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.TOOL_CALLS);
    List<ChatCompletionMessageFunctionToolCall> calls =
        choice.message().toolCalls().orElseThrow().stream()
            .map(ChatCompletionMessageToolCall::asFunction)
            .toList();
    assertThat(calls)
        .extracting(call -> call.function().arguments())
        .containsExactly("{\"location\": \"Paris\"}", "{\"location\": \"Rome\"}");

    conversation.addMessage(choice.message());
    for (ChatCompletionMessageFunctionToolCall call : calls) {
      conversation.addMessage(
          ChatCompletionToolMessageParam.builder().toolCallId(call.id()).content("sunny").build());
    }
    ChatCompletion answer = CLIENT.chat().completions().create(conversation.build()).validate();

    assertThat(answer.choices().getFirst().message().content()).hasValue("The tool said: sunny");
  }
}
