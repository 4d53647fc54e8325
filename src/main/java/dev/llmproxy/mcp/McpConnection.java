package dev.llmproxy.mcp;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.llmproxy.base.Causes;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Version;
import io.modelcontextprotocol.client.McpAsyncClient;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.json.McpJsonMapper;
import io.modelcontextprotocol.json.TypeRef;
import io.modelcontextprotocol.json.jackson2.JacksonMcpJsonMapper;
import io.modelcontextprotocol.spec.McpClientSession;
import io.modelcontextprotocol.spec.McpClientSession.NotificationHandler;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpError;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * A session with an MCP server. It uses the SDK's session and not the SDK's client, because the
 * client refuses a whole list of tools when one schema is invalid.
 */
final class McpConnection implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(McpConnection.class);
  private static final TypeRef<JsonNode> ANSWER = new TypeRef<>() {};
  private static final Duration MOST_PATIENCE = Duration.ofDays(1);
  private static final int MOST_PAGES = 100;
  private static final McpJsonMapper JSON =
      new JacksonMcpJsonMapper(
          JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build());

  private final String server;
  private final McpTimes times;
  private final CancellableTransport transport;
  private final McpClientSession session;
  private final AtomicInteger calls = new AtomicInteger();
  private String protocol;
  private boolean hasTools;

  /** The server did not answer in time. */
  static final class SilentException extends IOException {
    private SilentException(String message) {
      super(message);
    }
  }

  /** The server answered with an error; the message is the server's. */
  static final class RefusedException extends IOException {
    private RefusedException(String message) {
      super(message);
    }
  }

  /**
   * Starts the program or connects to the URL, and initializes the session.
   *
   * @param onChange called when the tools may have changed or the server may have gone
   * @throws IOException when this fails, with a message for the operator
   */
  McpConnection(McpServerEntry entry, McpTimes times, Runnable onChange)
      throws IOException, InterruptedException {
    server = entry.name();
    this.times = times;
    transport = new CancellableTransport(transport(entry, times, onChange));
    transport.setExceptionHandler(failure -> onChange.run());
    NotificationHandler changed = params -> Mono.fromRunnable(onChange);
    NotificationHandler said =
        params ->
            Mono.fromRunnable(
                () -> StdioTransport.SAID.debug("The MCP server {} reports: {}", server, params));
    session =
        new McpClientSession(
            MOST_PATIENCE,
            transport,
            Map.of("ping", params -> Mono.just(Map.of())),
            Map.of(
                "notifications/tools/list_changed", changed,
                "notifications/message", said,
                "notifications/progress", said,
                "notifications/cancelled", said,
                "notifications/resources/updated", said,
                "notifications/resources/list_changed", said,
                "notifications/prompts/list_changed", said),
            connecting -> connecting);
    try {
      introduce();
    } catch (IOException | InterruptedException | RuntimeException e) {
      close();
      throw e;
    }
  }

  private static McpClientTransport transport(McpServerEntry entry, McpTimes times, Runnable onEnd)
      throws IOException {
    return switch (entry) {
      case McpServerEntry.Command command ->
          new StdioTransport(command, JSON, times.grace(), onEnd);
      case McpServerEntry.Address address -> {
        HttpRequest.Builder request = HttpRequest.newBuilder();
        address.headers().forEach(request::header);
        yield HttpClientStreamableHttpTransport.builder(address.url().toString())
            .endpoint(address.url().toString())
            .jsonMapper(JSON)
            .requestBuilder(request)
            .addAsyncHttpRequestCustomizer(CancellableTransport::hold)
            // Headers with secrets must not go to another host.
            .customizeClient(client -> client.followRedirects(HttpClient.Redirect.NEVER))
            .build();
      }
    };
  }

  private void introduce() throws IOException, InterruptedException {
    List<String> versions = transport.protocolVersions();
    JsonNode answer =
        ask(
            "initialize",
            Map.of(
                "protocolVersion", versions.getLast(),
                "capabilities", Map.of(),
                "clientInfo", Map.of("name", "llmproxy", "version", Version.current())),
            times.start());
    protocol = answer.path("protocolVersion").asText();
    if (!versions.contains(protocol)) {
      throw new IOException("it speaks only version \"%s\" of MCP".formatted(protocol));
    }
    hasTools = answer.at("/capabilities/tools").isObject();
    await("notifications/initialized", send("notifications/initialized", Map.of()), times.answer());
  }

  private Mono<Void> send(String notification, Map<String, Object> params) {
    return session
        .sendNotification(notification, params)
        .contextWrite(context -> context.put(McpAsyncClient.NEGOTIATED_PROTOCOL_VERSION, protocol));
  }

  /**
   * The tools as the server lists them. Also shows whether the server still answers.
   *
   * @throws SilentException when the server does not answer
   * @throws IOException when the server is gone or refuses
   */
  List<JsonNode> tools() throws IOException, InterruptedException {
    List<JsonNode> tools = new ArrayList<>();
    if (!hasTools) {
      ask("ping", Map.of(), times.answer());
      return tools;
    }
    String cursor = "";
    for (int page = 0; page < MOST_PAGES; page++) {
      Map<String, Object> params = cursor.isEmpty() ? Map.of() : Map.of("cursor", cursor);
      JsonNode answer = ask("tools/list", params, times.answer());
      answer.path("tools").forEach(tools::add);
      cursor = answer.path("nextCursor").asText("");
      if (cursor.isEmpty()) {
        return tools;
      }
    }
    throw new IOException("its list of tools does not end");
  }

  /**
   * Whether a running call may be the reason that the server does not answer. False when the server
   * has been silent for longer than a call may take.
   */
  boolean busy() {
    return calls.get() > 0 && transport.silence().compareTo(times.call().plus(times.answer())) < 0;
  }

  /**
   * Calls a tool. Waits without a time limit; an interrupt of the thread cancels the call.
   *
   * @param tool the server's name for the tool
   * @return the result, which may report a failure
   * @throws RefusedException when the server answers with an error
   * @throws IOException when the server is gone
   */
  JsonNode call(String tool, Map<String, Object> arguments)
      throws IOException, InterruptedException {
    calls.incrementAndGet();
    try {
      return ask("tools/call", Map.of("name", tool, "arguments", arguments), MOST_PATIENCE);
    } finally {
      calls.decrementAndGet();
    }
  }

  private JsonNode ask(String method, Map<String, Object> params, Duration patience)
      throws IOException, InterruptedException {
    CancellableTransport.Request request = new CancellableTransport.Request();
    Mono<JsonNode> answer =
        session
            .sendRequest(method, params, ANSWER)
            .contextWrite(request::in)
            .contextWrite(context ->
                protocol == null
                    ? context
                    : context.put(McpAsyncClient.NEGOTIATED_PROTOCOL_VERSION, protocol));
    try {
      JsonNode result = await(method, answer, patience);
      return result == null ? Json.object() : result;
    } catch (SilentException | InterruptedException e) {
      cancel(request);
      throw e;
    }
  }

  private void cancel(CancellableTransport.Request request) {
    if (request.id() == null || protocol == null) {
      return;
    }
    Map<String, Object> params = Map.of("requestId", request.id(), "reason", "cancelled");
    send("notifications/cancelled", params)
        .subscribe(sent -> {}, failure -> LOG.debug("A cancellation was not sent", failure));
    transport.forget(request);
  }

  private static <T> T await(String what, Mono<T> answer, Duration patience)
      throws IOException, InterruptedException {
    CompletableFuture<T> future = answer.toFuture();
    try {
      return future.get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new SilentException(
          "it did not answer %s within %d seconds".formatted(what, patience.toSeconds()));
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof McpError error) {
        throw new RefusedException(error.getMessage());
      }
      throw new IOException(said(cause), cause);
    } finally {
      future.cancel(true);
    }
  }

  private static String said(Throwable failure) {
    return Causes.of(failure).stream()
        .map(Throwable::getMessage)
        .filter(Objects::nonNull)
        .findFirst()
        .orElseGet(() -> Causes.root(failure).getClass().getSimpleName());
  }

  /** Ends the session, and the program if this class started it. Running calls fail. */
  @Override
  public void close() {
    session.close();
    try {
      await("the session's end", transport.closeGracefully(), times.grace().multipliedBy(3));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      LOG.debug("The session with the MCP server {} did not end cleanly", server, e);
    }
  }
}
