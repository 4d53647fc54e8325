package dev.llmproxy.sdk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.Embedding;
import com.openai.models.embeddings.EmbeddingCreateParams;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.exception.AuthenticationException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.http.client.sse.ServerSentEvent;
import dev.langchain4j.model.catalog.ModelDescription;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
import dev.langchain4j.model.openai.OpenAiModelCatalog;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel.OpenAiStreamingChatModelBuilder;
import dev.langchain4j.model.output.FinishReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** langchain4j cannot retrieve a single model. {@link LimitsTest} tests the rate limit. */
class LangChain4jTest {
  private static final String URL = Gateway.required("LLMPROXY_BASE_URL");
  private static final String KEY = Gateway.required("LLMPROXY_KEY");

  @Test
  void listsModels() {
    var catalogue = OpenAiModelCatalog.builder().baseUrl(URL).apiKey(KEY).build();

    assertThat(catalogue.listModels())
        .extracting(ModelDescription::name)
        .contains("openai/gpt-4o-mini");
  }

  @Test
  void chats() {
    ChatResponse response = chat(KEY, Gateway.MODEL, ask("hello there").build());

    assertThat(response.aiMessage().text()).isEqualTo("You said: hello there");
    assertThat(response.metadata().tokenUsage().totalTokenCount()).isEqualTo(6);
  }

  @Test
  void streamsWithUsage() {
    Stream stream = new Stream(false).of(ask("hello there").build());

    ChatResponse response = stream.whole.join();
    assertThat(stream.pieces).containsExactly("You", " said:", " hello", " there");
    assertThat(response.aiMessage().text()).isEqualTo("You said: hello there");
    assertThat(response.metadata().tokenUsage().totalTokenCount()).isEqualTo(6);
  }

  @Test
  void streamedToolCallsGoRoundTrip() {
    var parameters = JsonObjectSchema.builder().addStringProperty("location").build();
    var weather = ToolSpecification.builder().name("get_weather").parameters(parameters).build();
    ChatRequest.Builder request =
        ask("What is the weather? [[script tools=2]]").toolSpecifications(weather);
    List<ChatMessage> messages = new ArrayList<>(request.build().messages());

    var calls = new Stream(false).of(request.build()).whole.join().aiMessage();
    assertThat(calls.toolExecutionRequests())
        .extracting(ToolExecutionRequest::arguments)
        .containsExactly("{\"location\": \"Paris\"}", "{\"location\": \"Rome\"}");

    messages.add(calls);
    calls
        .toolExecutionRequests()
        .forEach(call -> messages.add(ToolExecutionResultMessage.from(call, "sunny")));
    assertThat(chat(KEY, Gateway.MODEL, request.messages(messages).build()).aiMessage().text())
        .isEqualTo("The tool said: sunny");
  }

  /** langchain4j shows the bytes of events that it does not read as chunks, and drops citations. */
  @ParameterizedTest
  @ValueSource(strings = {"hybrid", "comment", "off"})
  void serverToolIsNotCalledByTheClient(String mode) {
    Stream stream = new Stream(false).of(searching(mode), ask(Search.PROMPT).build());

    ChatResponse response = stream.whole.join();
    assertThat(String.join("", stream.pieces)).isEqualTo(Search.ANSWER);
    assertThat(response.aiMessage().text()).isEqualTo(Search.ANSWER);
    assertThat(response.aiMessage().hasToolExecutionRequests()).isFalse();
    assertThat(stream.calls).isEmpty();
    assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(response.tokenUsage().totalTokenCount()).isEqualTo(Search.TOTAL_TOKENS);
    List<String> shown =
        stream.unmapped.stream()
            .filter(event -> "tool_notification".equals(event.event()))
            .map(ServerSentEvent::data)
            .toList();
    if (mode.equals("hybrid")) {
      assertThat(shown).hasSize(2).allMatch(data -> data.contains("\"tool\":\"web_search\""));
      assertThat(shown.getFirst()).contains("\"status\":\"started\",\"query\":\"camels\"");
      assertThat(shown.getLast())
          .contains("\"status\":\"completed\"", "\"result\":\"1 result from searxng\"");
    } else {
      assertThat(shown).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"hybrid", "comment", "off"})
  void serverToolRunsBeforeTheClientsTool(String mode) {
    var parameters = JsonObjectSchema.builder().addStringProperty("location").build();
    var weather = ToolSpecification.builder().name("get_weather").parameters(parameters).build();
    ChatRequest.Builder request = ask(Search.PROMPT_WITH_WEATHER).toolSpecifications(weather);
    List<ChatMessage> messages = new ArrayList<>(request.build().messages());

    Stream stream = new Stream(false).of(searching(mode), request.build());
    var calls = stream.whole.join().aiMessage();
    assertThat(stream.calls).containsExactly("get_weather");
    assertThat(calls.toolExecutionRequests())
        .extracting(ToolExecutionRequest::name)
        .containsExactly("get_weather");

    messages.add(calls);
    messages.add(
        ToolExecutionResultMessage.from(calls.toolExecutionRequests().getFirst(), "sunny"));
    Stream answer = new Stream(false).of(searching(mode), request.messages(messages).build());
    assertThat(answer.whole.join().aiMessage().text()).isEqualTo("The tool said: sunny");
  }

  @Test
  void answersInAJsonSchema() {
    var city =
        JsonObjectSchema.builder().addStringProperty("city").addIntegerProperty("people").build();
    var format =
        ResponseFormat.builder()
            .type(ResponseFormatType.JSON)
            .jsonSchema(JsonSchema.builder().name("city").rootElement(city).build())
            .build();

    ChatRequest request = ask("[[script json=1]]").responseFormat(format).build();

    assertThat(chat(KEY, Gateway.MODEL, request).aiMessage().text())
        .isEqualTo("{\"city\": \"Paris\", \"people\": 42}");
  }

  @Test
  void embeds() {
    List<String> texts = List.of("one", "two");
    CreateEmbeddingResponse expected =
        Gateway.CLIENT
            .embeddings()
            .create(
                EmbeddingCreateParams.builder()
                    .model(Gateway.MODEL)
                    .inputOfArrayOfStrings(texts)
                    .build());

    var reply =
        OpenAiEmbeddingModel.builder()
            .baseUrl(URL)
            .apiKey(KEY)
            .modelName(Gateway.MODEL)
            .build()
            .embedAll(texts.stream().map(TextSegment::from).toList());

    assertThat(reply.content())
        .extracting(embedding -> embedding.vectorAsList())
        .containsExactlyElementsOf(expected.data().stream().map(Embedding::embedding).toList());
    assertThat(reply.tokenUsage().totalTokenCount()).isEqualTo(6);
  }

  @Test
  void badKeyIsRejected() {
    ChatRequest request = ask("hi").build();

    assertThatThrownBy(() -> chat("sk-nobody", Gateway.MODEL, request))
        .isInstanceOf(AuthenticationException.class)
        .hasMessageContaining("invalid_api_key")
        .hasMessageNotContaining("sk-nobody");
    assertThat(new Stream(false).of("sk-nobody", Gateway.MODEL, request).whole)
        .failsWithin(30, TimeUnit.SECONDS)
        .withThrowableThat()
        .withCauseInstanceOf(AuthenticationException.class);
  }

  @Test
  void unknownModelIsRejected() {
    ChatRequest request = ask("hi").build();

    assertThatThrownBy(() -> chat(KEY, "nowhere/at-all", request))
        .isInstanceOf(ModelNotFoundException.class)
        .hasMessageContaining("model_not_found");
    assertThat(new Stream(false).of(KEY, "nowhere/at-all", request).whole)
        .failsWithin(30, TimeUnit.SECONDS)
        .withThrowableThat()
        .withCauseInstanceOf(ModelNotFoundException.class);
  }

  /** The message of the exception is the whole body of the answer. */
  @Test
  void invalidBodyIsRejected() {
    ChatRequest request = ask("hi").temperature(9.0).build();

    assertThatThrownBy(() -> chat(KEY, Gateway.MODEL, request))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessageMatching("(?s).*\"param\":\\s*\"temperature\".*");
    assertThat(new Stream(false).of(request).whole)
        .failsWithin(30, TimeUnit.SECONDS)
        .withThrowableThat()
        .withCauseInstanceOf(InvalidRequestException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"error=2", "cut=2", "end=2"})
  void failureInTheMiddleIsAnError(String mishap) {
    Stream stream = new Stream(false).of(ask("[[script chunks=5 gap=5 " + mishap + "]]").build());

    assertThat(stream.whole).failsWithin(30, TimeUnit.SECONDS);
    assertThat(stream.pieces).containsExactly("word1", " word2");
  }

  /** wire 1.3 */
  @Test
  void silentProviderIsNotGivenUp() {
    Stream stream = new Stream(false).of(ask("[[script chunks=2 gap=6500]]").build());

    assertThat(stream.whole).succeedsWithin(60, TimeUnit.SECONDS);
    assertThat(stream.pieces).containsExactly("word1", " word2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"chunks=600 gap=100", "chunks=5 silent=1"})
  void leavingAStreamCancelsTheProvidersAnswer(String script) throws Exception {
    int before = ScriptedStats.cancelled();

    new Stream(true).of(ask("[[script " + script + "]]").build());

    ScriptedStats.awaitMoreCancelledThan(before);
  }

  /**
   * Uses web_search_options, because langchain4j sends a function without parameters with an empty
   * schema.
   */
  private static OpenAiStreamingChatModelBuilder searching(String mode) {
    return model(KEY, Gateway.MODEL)
        .customHeaders(Map.of(Search.TOLD, mode))
        .customParameters(Map.of("web_search_options", Map.of()));
  }

  private static OpenAiStreamingChatModelBuilder model(String key, String model) {
    return OpenAiStreamingChatModel.builder().baseUrl(URL).apiKey(key).modelName(model);
  }

  private static ChatRequest.Builder ask(String message) {
    return ChatRequest.builder().messages(UserMessage.from(message));
  }

  static ChatResponse chat(String key, String model, ChatRequest request) {
    return OpenAiChatModel.builder()
        .baseUrl(URL)
        .apiKey(key)
        .modelName(model)
        .maxRetries(0)
        .build()
        .chat(request);
  }

  /** The results of a stream. Can leave the stream after the first piece of text. */
  static final class Stream implements StreamingChatResponseHandler {
    final List<String> pieces = new ArrayList<>();
    final List<String> calls = new ArrayList<>();
    final List<ServerSentEvent> unmapped = new ArrayList<>();
    final CompletableFuture<ChatResponse> whole = new CompletableFuture<>();
    private final boolean leaving;

    Stream(boolean leaving) {
      this.leaving = leaving;
    }

    Stream of(ChatRequest request) {
      return of(KEY, Gateway.MODEL, request);
    }

    Stream of(String key, String model, ChatRequest request) {
      return of(model(key, model), request);
    }

    Stream of(OpenAiStreamingChatModelBuilder model, ChatRequest request) {
      model.build().chat(request, this);
      return this;
    }

    @Override
    public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
      pieces.add(piece.text());
      if (leaving) {
        context.streamingHandle().cancel();
      }
    }

    @Override
    public void onCompleteToolCall(CompleteToolCall call) {
      calls.add(call.toolExecutionRequest().name());
    }

    @Override
    public void onUnmappedRawEvent(Object event) {
      unmapped.add((ServerSentEvent) event);
    }

    @Override
    public void onCompleteResponse(ChatResponse response) {
      whole.complete(response);
    }

    @Override
    public void onError(Throwable error) {
      whole.completeExceptionally(error);
    }
  }
}
