package dev.llmproxy.sdk;

import static dev.llmproxy.sdk.Gateway.CLIENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.core.JsonValue;
import com.openai.errors.BadRequestException;
import com.openai.errors.SseException;
import com.openai.helpers.ResponseAccumulator;
import com.openai.models.Reasoning;
import com.openai.models.responses.FunctionTool;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseFunctionToolCall;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseOutputItem;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import com.openai.models.responses.WebSearchTool;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The Responses API, with openai-java's strict {@code validate()} on each reply and event. */
class ResponsesTest {
  private static final FunctionTool WEATHER =
      FunctionTool.builder()
          .name("get_weather")
          .parameters(
              FunctionTool.Parameters.builder()
                  .putAdditionalProperty("type", JsonValue.from("object"))
                  .putAdditionalProperty(
                      "properties", JsonValue.from(Map.of("location", Map.of("type", "string"))))
                  .build())
          .strict(false)
          .build();

  private static ResponseCreateParams.Builder ask(String input) {
    return ResponseCreateParams.builder().model(Gateway.MODEL).input(input);
  }

  private static Response answer(ResponseCreateParams params, boolean stream) {
    if (!stream) {
      return CLIENT.responses().create(params).validate();
    }
    ResponseAccumulator accumulator = ResponseAccumulator.create();
    try (var events = CLIENT.responses().createStreaming(params)) {
      events.stream().map(ResponseStreamEvent::validate).forEach(accumulator::accumulate);
    }
    return accumulator.response().validate();
  }

  private static String text(Response response) {
    return response.output().stream()
        .flatMap(item -> item.message().stream())
        .flatMap(message -> message.content().stream())
        .map(content -> content.asOutputText().text())
        .collect(Collectors.joining());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void answersHaveTextAndUsage(boolean stream) {
    Response response = answer(ask("hello there").build(), stream);

    assertThat(text(response)).isEqualTo("You said: hello there");
    assertThat(response.status()).hasValue(ResponseStatus.COMPLETED);
    assertThat(response.usage().orElseThrow().totalTokens()).isEqualTo(6);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void callsAndTheirResultsMakeARound(boolean stream) {
    Response first =
        answer(ask("What is the weather? [[script tools=2]]").addTool(WEATHER).build(), stream);
    List<ResponseFunctionToolCall> calls =
        first.output().stream().flatMap(item -> item.functionCall().stream()).toList();
    List<ResponseInputItem> results = new ArrayList<>();
    for (ResponseFunctionToolCall call : calls) {
      results.add(
          ResponseInputItem.ofFunctionCallOutput(
              ResponseInputItem.FunctionCallOutput.builder()
                  .callId(call.callId())
                  .output("sunny")
                  .build()));
    }
    Response second =
        answer(
            ResponseCreateParams.builder()
                .model(Gateway.MODEL)
                .previousResponseId(first.id())
                .inputOfResponse(results)
                .addTool(WEATHER)
                .build(),
            stream);

    assertThat(calls)
        .extracting(ResponseFunctionToolCall::name)
        .hasSize(2)
        .containsOnly("get_weather");
    assertThat(text(second)).isEqualTo("The tool said: sunny");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void thoughtsAndSearchesAreItems(boolean stream) {
    Response thinking =
        answer(
            ask("hi [[script reasoning=1]]")
                .reasoning(Reasoning.builder().summary(Reasoning.Summary.AUTO).build())
                .build(),
            stream);
    Response searching =
        answer(
            ask("[[script calls='web_search {\"query\": \"camels\"}']]")
                .addTool(WebSearchTool.builder().type(WebSearchTool.Type.WEB_SEARCH).build())
                .build(),
            stream);

    assertThat(thinking.output().getFirst().asReasoning().summary().getFirst().text())
        .isEqualTo("Let me think.");
    assertThat(searching.output()).anyMatch(ResponseOutputItem::isWebSearchCall);
  }

  @Test
  void aFailureBeforeTheStreamIsThrown() {
    assertThatThrownBy(() -> answer(ask("[[script status=400 code=bad_thing]]").build(), true))
        .isInstanceOf(BadRequestException.class);
  }

  @Test
  void aFailureInTheMiddleIsThrown() {
    assertThatThrownBy(() -> answer(ask("[[script chunks=5 cut=2]]").build(), true))
        .isInstanceOf(SseException.class)
        .hasMessageContaining("provider");
  }
}
