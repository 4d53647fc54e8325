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
 * A transport on which requests can be given up: the SDK's session has no way to, keeps the ids of
 * its requests to itself, and lets their HTTP exchanges go on to its end.
 */
final class CancellableTransport implements McpClientTransport {
  private final McpClientTransport transport;
  // When the first request was sent that came after the last answer; null when none did.
  private final AtomicReference<Long> asked = new AtomicReference<>();
  private volatile Function<Mono<JSONRPCMessage>, Mono<JSONRPCMessage>> handler;

  /** One request. */
  static final class Request {
    private static final String KEY = Request.class.getName();

    private final Disposable.Composite exchanges = Disposables.composite();
    private volatile Object id;

    /** For who sends it. The SDK's HTTP transport shows {@link #hold} this part of it only. */
    Context in(Context context) {
      return context.put(McpTransportContext.KEY, McpTransportContext.create(Map.of(KEY, this)));
    }

    private static Optional<Request> of(McpTransportContext context) {
      return Optional.ofNullable((Request) context.get(KEY));
    }

    /** What the server knows it by; null when it was not sent. */
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
    // What it asks and tells by itself is no sign that it still does what it is asked.
    if (message instanceof JSONRPCResponse) {
      asked.set(null);
    }
  }

  /** For how long it has been asked and has answered nothing at all; zero when it has. */
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
   * For an HTTP transport, which asks this before each exchange: takes hold of those of requests.
   * The SDK keeps the subscription to an exchange to itself; it is the last of the subscribers that
   * what is asked here goes down to.
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

  /** Ends a request that nobody waits for any more, and makes the session forget it. */
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
