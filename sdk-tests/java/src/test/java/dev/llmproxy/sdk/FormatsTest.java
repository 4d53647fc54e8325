package dev.llmproxy.sdk;

import static dev.llmproxy.sdk.Gateway.CLIENT;
import static dev.llmproxy.sdk.Gateway.ask;
import static dev.llmproxy.sdk.Gateway.stream;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.errors.OpenAIServiceException;
import com.openai.errors.RateLimitException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.ReasoningEffort;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionContentPart;
import com.openai.models.chat.completions.ChatCompletionContentPartImage;
import com.openai.models.chat.completions.ChatCompletionContentPartText;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.completions.CompletionUsage;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The scenes that depend on the provider's format, with models behind other formats than OpenAI's.
 * Their emulators refuse what the real providers refuse.
 */
class FormatsTest {
  private static final String POINT =
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  private static final String KEY = Gateway.required("LLMPROXY_KEY");

  static List<String> models() {
    return Gateway.otherModels();
  }

  static Stream<Arguments> modelsAndMishaps() {
    return models().stream()
        .flatMap(model ->
            Stream.of("error=2", "cut=2", "end=2").map(mishap -> Arguments.of(model, mishap)));
  }

  @ParameterizedTest
  @MethodSource("models")
  void answers(String model) {
    ChatCompletion completion =
        CLIENT.chat().completions().create(ask("hello there").model(model).build()).validate();

    assertThat(completion.model()).isEqualTo(model);
    assertThat(completion.choices().getFirst().message().content())
        .hasValue("You said: hello there");
    CompletionUsage usage = completion.usage().orElseThrow();
    assertThat(usage.completionTokens()).isEqualTo(4);
    assertThat(usage.promptTokensDetails().orElseThrow().cachedTokens()).hasValue(7L);
    assertThat(usage.totalTokens()).isEqualTo(usage.promptTokens() + 4);
  }

  @ParameterizedTest
  @MethodSource("models")
  void streamsWithUsage(String model) {
    ChatCompletion completion =
        accumulated(
            ask("hello there")
                .model(model)
                .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build());

    assertThat(completion.choices().getFirst().message().content())
        .hasValue("You said: hello there");
    assertThat(completion.usage().orElseThrow().completionTokens()).isEqualTo(4);
  }

  @ParameterizedTest
  @MethodSource("models")
  void toolCallsAfterThoughtsMakeARoundTrip(String model) {
    ChatCompletionCreateParams.Builder conversation =
        ask("What is the weather? [[script tools=2 reasoning=1]]")
            .model(model)
            .reasoningEffort(ReasoningEffort.LOW)
            .addFunctionTool(ToolsTest.WEATHER);
    ChatCompletion.Choice choice = accumulated(conversation.build()).choices().getFirst();

    assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.TOOL_CALLS);
    conversation.addMessage(choice.message());
    choice
        .message()
        .toolCalls()
        .orElseThrow()
        .forEach(call ->
            conversation.addMessage(
                ChatCompletionToolMessageParam.builder()
                    .toolCallId(call.asFunction().id())
                    .content("sunny")
                    .build()));
    ChatCompletion answer = CLIENT.chat().completions().create(conversation.build()).validate();

    assertThat(answer.choices().getFirst().message().content()).hasValue("The tool said: sunny");
  }

  @ParameterizedTest
  @MethodSource("models")
  void answersInAJsonSchema(String model) {
    var params =
        ask("[[script json=1]]").model(model).responseFormat(JsonSchemaTest.City.class).build();

    JsonSchemaTest.City city =
        CLIENT
            .chat()
            .completions()
            .create(params)
            .choices()
            .getFirst()
            .message()
            .content()
            .orElseThrow();
    assertThat(city.city).isEqualTo("Paris");
    assertThat(city.people).isEqualTo(42);
  }

  @ParameterizedTest
  @MethodSource("models")
  void looksAtPictures(String model) {
    var url =
        ChatCompletionContentPartImage.ImageUrl.builder().url("data:image/png;base64," + POINT);
    var parts =
        List.of(
            ChatCompletionContentPart.ofText(
                ChatCompletionContentPartText.builder().text("What?").build()),
            ChatCompletionContentPart.ofImageUrl(
                ChatCompletionContentPartImage.builder().imageUrl(url.build()).build()));
    var params =
        ChatCompletionCreateParams.builder()
            .model(model)
            .addUserMessageOfArrayOfContentParts(parts)
            .build();

    assertThat(CLIENT.chat().completions().create(params).choices().getFirst().message().content())
        .hasValue("You said: What?");
  }

  @ParameterizedTest
  @MethodSource("models")
  void busyProviderIsThrown(String model) {
    var params = ask("[[script status=429 retry_after=7]]").model(model).build();

    assertThatThrownBy(() -> CLIENT.chat().completions().create(params))
        .isInstanceOfSatisfying(
            RateLimitException.class,
            limited -> assertThat(limited.headers().values("retry-after")).containsExactly("7"));
  }

  @ParameterizedTest
  @MethodSource("modelsAndMishaps")
  void failureInTheMiddleIsThrown(String model, String mishap) {
    var params = ask("[[script chunks=5 " + mishap + "]]").model(model).build();
    StringBuilder text = new StringBuilder();

    assertThatThrownBy(
            () -> {
              try (var response = CLIENT.chat().completions().createStreaming(params)) {
                response.stream()
                    .map(ChatCompletionChunk::validate)
                    .forEach(
                        chunk -> text.append(chunk.choices().get(0).delta().content().orElse("")));
              }
            })
        .isInstanceOf(OpenAIServiceException.class);
    assertThat(text.toString()).isEqualTo("word1 word2");
  }

  @ParameterizedTest
  @MethodSource("models")
  void langChain4jChatsAndStreams(String model) {
    ChatRequest request = ChatRequest.builder().messages(UserMessage.from("hello there")).build();

    ChatResponse whole = LangChain4jTest.chat(KEY, model, request);
    ChatResponse streamed = new LangChain4jTest.Stream(false).of(KEY, model, request).whole.join();

    for (ChatResponse response : List.of(whole, streamed)) {
      assertThat(response.aiMessage().text()).isEqualTo("You said: hello there");
      assertThat(response.tokenUsage().outputTokenCount()).isEqualTo(4);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void langChain4jToolCallsGoRoundTrip(String model) {
    var parameters = JsonObjectSchema.builder().addStringProperty("location").build();
    var weather = ToolSpecification.builder().name("get_weather").parameters(parameters).build();
    ChatRequest.Builder request =
        ChatRequest.builder()
            .messages(UserMessage.from("What is the weather? [[script tools=2 reasoning=1]]"))
            .toolSpecifications(weather);
    List<ChatMessage> messages = new ArrayList<>(request.build().messages());

    AiMessage calls =
        new LangChain4jTest.Stream(false).of(KEY, model, request.build()).whole.join().aiMessage();
    assertThat(calls.toolExecutionRequests())
        .extracting(ToolExecutionRequest::name)
        .containsExactly("get_weather", "get_weather");
    messages.add(calls);
    calls
        .toolExecutionRequests()
        .forEach(call -> messages.add(ToolExecutionResultMessage.from(call, "sunny")));

    ChatResponse answer = LangChain4jTest.chat(KEY, model, request.messages(messages).build());
    assertThat(answer.aiMessage().text()).isEqualTo("The tool said: sunny");
  }

  @ParameterizedTest
  @MethodSource("models")
  void langChain4jAnswersInAJsonSchemaAndLooksAtPictures(String model) {
    var city =
        JsonObjectSchema.builder().addStringProperty("city").addIntegerProperty("people").build();
    var format =
        ResponseFormat.builder()
            .type(ResponseFormatType.JSON)
            .jsonSchema(JsonSchema.builder().name("city").rootElement(city).build())
            .build();
    ChatRequest asked =
        ChatRequest.builder()
            .messages(UserMessage.from("[[script json=1]]"))
            .responseFormat(format)
            .build();
    ChatRequest shown =
        ChatRequest.builder()
            .messages(
                UserMessage.from(TextContent.from("What?"), ImageContent.from(POINT, "image/png")))
            .build();

    assertThat(LangChain4jTest.chat(KEY, model, asked).aiMessage().text().replace(" ", ""))
        .isEqualTo("{\"city\":\"Paris\",\"people\":42}");
    assertThat(LangChain4jTest.chat(KEY, model, shown).aiMessage().text())
        .isEqualTo("You said: What?");
  }

  @ParameterizedTest
  @MethodSource("modelsAndMishaps")
  void langChain4jReportsAFailureInTheMiddle(String model, String mishap) {
    ChatRequest request =
        ChatRequest.builder()
            .messages(UserMessage.from("[[script chunks=5 " + mishap + "]]"))
            .build();

    var stream = new LangChain4jTest.Stream(false).of(KEY, model, request);

    assertThat(stream.whole).failsWithin(30, TimeUnit.SECONDS);
    assertThat(stream.pieces).containsExactly("word1", " word2");
  }

  private static ChatCompletion accumulated(ChatCompletionCreateParams params) {
    ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
    stream(params).forEach(accumulator::accumulate);
    return accumulator.chatCompletion();
  }
}
