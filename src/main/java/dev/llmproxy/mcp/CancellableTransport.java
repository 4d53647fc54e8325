package dev.llmproxy.mcp;

import io.modelcontextprotocol.json.TypeRef;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCMessage;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCRequest;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCResponse;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/**
 * A transport on which requests can be given up: the SDK's session has no way to, and keeps the ids
 * of its requests to itself.
 */
final class CancellableTransport implements McpClientTransport {
  private final McpClientTransport transport;
  private volatile Function<Mono<JSONRPCMessage>, Mono<JSONRPCMessage>> handler;

  /** One request; who sends it puts this into the context, under this class. */
  static final class Request {
    private volatile Object id;

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
    return transport.connect(incoming);
  }

  @Override
  public void setExceptionHandler(Consumer<Throwable> exceptionHandler) {
    transport.setExceptionHandler(exceptionHandler);
  }

  @Override
  public Mono<Void> sendMessage(JSONRPCMessage message) {
    return Mono.deferContextual(context -> {
      if (message instanceof JSONRPCRequest request) {
        context.<Request>getOrEmpty(Request.class).ifPresent(sent -> sent.id = request.id());
      }
      return transport.sendMessage(message);
    });
  }

  /** Makes the session forget a request that nobody waits for any more. */
  void forget(Request request) {
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
