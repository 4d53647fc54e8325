package dev.llmproxy.mcp;

import io.modelcontextprotocol.common.McpTransportContext;
import io.modelcontextprotocol.json.TypeRef;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCMessage;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCRequest;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCResponse;
import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * A transport whose requests can be cancelled. The SDK's session cannot cancel requests, hides
 * their ids, and lets their HTTP exchanges run until the session ends.
 */
final class CancellableTransport implements McpClientTransport {
  private final McpClientTransport transport;
  // Time of the first request since the last answer; null when there was none.
  private final AtomicReference<Long> asked = new AtomicReference<>();
  private volatile Function<Mono<JSONRPCMessage>, Mono<JSONRPCMessage>> handler;

  /** A request that can be cancelled. */
  static final class Request {
    private static final String KEY = Request.class.getName();

    private final Disposable.Composite exchanges = Disposables.composite();
    private volatile Object id;

    /** Adds the request to a Reactor context, in the only part that {@link #hold} gets to see. */
    Context in(Context context) {
      return context.put(McpTransportContext.KEY, McpTransportContext.create(Map.of(KEY, this)));
    }

    private static Optional<Request> of(McpTransportContext context) {
      return Optional.ofNullable((Request) context.get(KEY));
    }

    /** The JSON-RPC id; null before the request is sent. */
    Object id() {
      return id;
    }
  }

  CancellableTransport(McpClientTransport transport) {
    this.transport = transport;
  }

  @Override
  public Mono<Void> connect(Function<Mono<JSONRPCMessage>, Mono<JSONRPCMessage>> incoming) {
    handler = incoming;
    return transport.connect(messages -> incoming.apply(messages.doOnNext(this::hear)));
  }

  private void hear(JSONRPCMessage message) {
    // Requests and notifications of the server do not show that it still answers.
    if (message instanceof JSONRPCResponse) {
      asked.set(null);
    }
  }

  /** Time since the first unanswered request; zero when the server has answered since. */
  Duration silence() {
    Long since = asked.get();
    return since == null ? Duration.ZERO : Duration.ofNanos(System.nanoTime() - since);
  }

  @Override
  public void setExceptionHandler(Consumer<Throwable> exceptionHandler) {
    transport.setExceptionHandler(exceptionHandler);
  }

  @Override
  public Mono<Void> sendMessage(JSONRPCMessage message) {
    return Mono.deferContextual(context -> {
      if (message instanceof JSONRPCRequest request) {
        asked.compareAndSet(null, System.nanoTime());
        context
            .<McpTransportContext>getOrEmpty(McpTransportContext.KEY)
            .flatMap(Request::of)
            .ifPresent(sent -> sent.id = request.id());
      }
      return transport.sendMessage(message);
    });
  }

  /**
   * Hook of the SDK's HTTP transport, called before each exchange. Registers the exchange with its
   * request, so that {@link #forget} can end it. The SDK does not give out the subscription of an
   * exchange; it is the last in the chain of subscribers.
   */
  static Publisher<HttpRequest.Builder> hold(
      HttpRequest.Builder exchange,
      String method,
      URI uri,
      String body,
      McpTransportContext context) {
    return subscriber -> {
      Request.of(context)
          .ifPresent(request ->
              Scannable.from(subscriber)
                  .actuals()
                  .reduce((nearer, last) -> last)
                  .filter(Disposable.class::isInstance)
                  .ifPresent(last -> request.exchanges.add((Disposable) last)));
      Mono.just(exchange).subscribe(subscriber);
    };
  }

  /** Ends the HTTP exchanges of a cancelled request and removes it from the session. */
  void forget(Request request) {
    request.exchanges.dispose();
    handler.apply(Mono.just(JSONRPCResponse.result(request.id(), Map.of()))).subscribe();
  }

  @Override
  public Mono<Void> closeGracefully() {
    return transport.closeGracefully();
  }

  @Override
  public <T> T unmarshalFrom(Object data, TypeRef<T> type) {
    return transport.unmarshalFrom(data, type);
  }

  @Override
  public List<String> protocolVersions() {
    return transport.protocolVersions();
  }
}
