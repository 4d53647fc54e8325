package dev.llmproxy.format.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.LiveRequests;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ChatTurns;
import dev.llmproxy.chat.EventSchemas;
import dev.llmproxy.chat.EventSchemas.Event;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.KeepAlive;
import dev.llmproxy.http.Reply;
import dev.llmproxy.tool.SearchResult;
import dev.llmproxy.tool.ToolCall;
import dev.llmproxy.tool.ToolResult;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Server-sent events for chat events that the emulated provider does not send; over HTTP without
 * routes.
 */
class EventSinkTest {
  private static final ToolCall SEARCH =
      new ToolCall("call_1", "web_search", "{\"query\":\"the cup\"}");
  private static final ObjectNode USAGE =
      Json.object().put("prompt_tokens", 1).put("completion_tokens", 2).put("total_tokens", 3);

  private final ChatCall chat =
      Fixtures.chat(
          "{\"model\":\"groq/m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
              .getBytes(StandardCharsets.UTF_8));
  private final HttpClient client = HttpClient.newHttpClient();
  private final Vertx vertx = Vertx.vertx();
  private final EventSink sink = new EventSink(new KeepAlive(vertx, Duration.ofSeconds(1)));
  private HttpServer server;
  private RequestContext context;
  private Consumer<Exchange> answer;

  @BeforeEach
  void listen() {
    new ChatTurns(
            null,
            null,
            new LiveRequests(Clock.systemUTC()),
            1,
            Duration.ofSeconds(1),
            Optional.empty())
        .begin(Fixtures.context(chat));
    server =
        vertx
            .createHttpServer()
            .requestHandler(request -> Thread.ofVirtual().start(() -> serve(request)))
            .listen(0, "127.0.0.1")
            .toCompletionStage()
            .toCompletableFuture()
            .join();
  }

  @AfterEach
  void close() {
    client.close();
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  @Test
  void toolCallsHaveAStartAndAResultEvent() throws Exception {
    ToolCall broken = new ToolCall("call_2", "calculator", "{\"expression\":");
    List<Event> events =
        events(
            delta(Json.object().put("content", "Let me look.")),
            new ChatEvent.ToolCallStart(SEARCH),
            new ChatEvent.ToolCallStart(broken),
            new ChatEvent.ToolCallResult(broken, failed(broken)),
            new ChatEvent.ToolCallResult(SEARCH, found()),
            delta(Json.object().put("content", "Here it is.")),
            end(),
            new ChatEvent.Complete(USAGE));

    assertThat(events)
        .extracting(Event::name)
        .containsExactly(
            "delta",
            "tool_call_start",
            "tool_call_start",
            "tool_call_result",
            "tool_call_result",
            "delta",
            "complete");
    assertThat(events.get(1).data())
        .isEqualTo(
            Json.parse(
                """
                {"call_id":"call_1","tool":"web_search","arguments":{"query":"the cup"}}\
                """));
    assertThat(events.get(2).data().path("arguments").textValue()).isEqualTo(broken.arguments());
    assertThat(events.get(3).data())
        .isEqualTo(
            Json.parse(
                """
                {"call_id":"call_2","tool":"calculator","status":"failed","summary":"no JSON","duration_ms":7}\
                """));
    assertThat(events.get(4).data().path("results"))
        .isEqualTo(
            Json.parse(
                """
                [{"title":"The cup","url":"https://example.com/cup","snippet":"A cup.\\n\\nevent: complete"}]\
                """));
  }

  @Test
  void thinkingIsWrittenOnceFromEitherField() throws Exception {
    List<Event> events =
        events(
            delta(Json.object().put("reasoning", "a").put("content", "")),
            delta(Json.object().put("reasoning", "b").put("reasoning_content", "b")),
            delta(Json.object().put("reasoning_content", "c").put("content", "d")),
            end(),
            new ChatEvent.Complete(USAGE));

    assertThat(events)
        .extracting(event -> event.name() + " " + event.data().path("content").asText())
        .containsExactly("thinking a", "thinking b", "thinking c", "delta d", "complete ");
  }

  @Test
  void refusalsAreTextAndAnnotationsComeAtTheEnd() throws Exception {
    ObjectNode last = Json.object();
    last.putArray("annotations").addObject().put("type", "url_citation");
    List<Event> events =
        events(
            delta(Json.object().putNull("content").put("refusal", "I would rather not.")),
            delta(last),
            end(),
            new ChatEvent.Complete(USAGE));

    assertThat(events).extracting(Event::name).containsExactly("delta", "complete");
    assertThat(events.getFirst().data().path("content").asText()).isEqualTo("I would rather not.");
    assertThat(events.getLast().data().at("/annotations/0/type").asText())
        .isEqualTo("url_citation");
  }

  @Test
  void anEmptyAnswerIsComplete() throws Exception {
    assertThat(
            events(delta(Json.object().put("content", "")), end(), new ChatEvent.Complete(USAGE)))
        .extracting(Event::name)
        .containsExactly("complete");
  }

  @Test
  void aFailureBeforeTheFirstEventIsAnHttpStatus() throws Exception {
    answer =
        exchange -> {
          write(exchange, delta(Json.object().put("role", "assistant").put("content", "")));
          write(exchange, new ChatEvent.Failed(OpenAiErrors.upstream("It broke.")));
        };

    HttpResponse<String> response = get(HttpResponse.BodyHandlers.ofString());

    assertThat(response.statusCode()).isEqualTo(502);
    assertThat(response.body()).startsWith("{\"error\":{\"message\":\"It broke.\"");
  }

  @Test
  void silentStreamsGetComments() throws Exception {
    CountDownLatch pinged = new CountDownLatch(1);
    answer =
        exchange -> {
          write(exchange, new ChatEvent.ToolCallStart(SEARCH));
          try {
            pinged.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          write(exchange, new ChatEvent.Failed(OpenAiErrors.internal()));
        };

    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                get(HttpResponse.BodyHandlers.ofInputStream()).body(), StandardCharsets.UTF_8))) {
      assertThat(lines.lines().takeWhile(line -> !line.equals(": ping")))
          .contains("event: tool_call_start");
      pinged.countDown();
      assertThat(lines.lines()).contains("event: error");
    }
  }

  private List<Event> events(ChatEvent... events) throws Exception {
    answer = exchange -> List.of(events).forEach(event -> write(exchange, event));
    HttpResponse<String> response = get(HttpResponse.BodyHandlers.ofString());
    assertThat(response.statusCode()).isEqualTo(200);
    return EventSchemas.events(response.body());
  }

  private void serve(HttpServerRequest request) {
    Exchange exchange = new DefaultExchange(new DefaultCamelContext());
    exchange.setMessage(new HttpMessage(exchange, request, request.response()));
    context = Fixtures.context(chat, new Reply(request, request.response()));
    answer.accept(exchange);
  }

  private void write(Exchange exchange, ChatEvent event) {
    chat.accumulator().add(event);
    sink.write(List.of(event), context, exchange);
  }

  private <T> HttpResponse<T> get(HttpResponse.BodyHandler<T> handler)
      throws IOException, InterruptedException {
    URI address = URI.create("http://127.0.0.1:" + server.actualPort());
    return client.send(
        HttpRequest.newBuilder(address).timeout(Duration.ofSeconds(60)).build(), handler);
  }

  private static ChatEvent delta(ObjectNode delta) {
    return chunk(delta, null);
  }

  private static ChatEvent end() {
    return chunk(Json.object(), "stop");
  }

  /** A chunk with a second choice, which no event shows. */
  private static ChatEvent chunk(ObjectNode delta, String finishReason) {
    ObjectNode chunk = Json.object().put("id", "chatcmpl-1").put("model", "groq/m");
    var choices = chunk.putArray("choices");
    choices.addObject().put("index", 0).put("finish_reason", finishReason).set("delta", delta);
    choices.addObject().put("index", 1).putObject("delta").put("content", "another answer");
    return new ChatEvent.Delta(chunk);
  }

  private static ToolResult found() {
    return new ToolResult(
        SEARCH.id(),
        SEARCH.name(),
        ToolResult.Status.COMPLETED,
        "1 result",
        "for the model",
        List.of(
            new SearchResult("The cup", "https://example.com/cup", "A cup.\n\nevent: complete")),
        Duration.ofMillis(5));
  }

  private static ToolResult failed(ToolCall call) {
    return new ToolResult(
        call.id(),
        call.name(),
        ToolResult.Status.FAILED,
        "no JSON",
        "for the model",
        List.of(),
        Duration.ofMillis(7));
  }
}
