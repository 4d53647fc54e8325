package dev.llmproxy.emulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.HttpConnection.Head;
import java.io.IOException;
import java.net.Socket;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An MCP server over streamable HTTP whose only tool {@code t} never answers and ignores
 * cancellations. It uses plain sockets to see when the client closes the connection of a call.
 */
public final class HangingMcp implements AutoCloseable {
  private final LoopbackServer server;
  private final boolean streams;
  private final AtomicInteger sessions = new AtomicInteger();
  private final AtomicInteger hanging = new AtomicInteger();
  private final AtomicInteger left = new AtomicInteger();

  private HangingMcp(boolean streams) {
    this.streams = streams;
    server = LoopbackServer.start(this::serve);
  }

  /**
   * @param streams whether a call is answered with the beginning of an event stream; otherwise with
   *     nothing
   */
  public static HangingMcp start(boolean streams) {
    return new HangingMcp(streams);
  }

  public String url() {
    return "http://127.0.0.1:" + server.port() + "/mcp";
  }

  /** Number of initialized clients. */
  public int sessions() {
    return sessions.get();
  }

  /** Number of connections with a hanging call. */
  public int hanging() {
    return hanging.get();
  }

  /** Number of those connections that the client has closed. */
  public int left() {
    return left.get();
  }

  @Override
  public void close() {
    server.close();
  }

  private void serve(Socket socket) throws IOException {
    HttpConnection connection = new HttpConnection(socket, new AtomicLong());
    for (Optional<Head> head = connection.readHead();
        head.isPresent();
        head = connection.readHead()) {
      String body = new String(connection.readBody(head.get().headers()), UTF_8);
      answer(connection, body.isEmpty() ? Json.object() : Json.parse(body));
    }
  }

  private void answer(HttpConnection connection, JsonNode message) throws IOException {
    switch (message.path("method").asText()) {
      case "" -> connection.respond(new Reply(405, Map.of(), ""));
      case "initialize" -> {
        sessions.incrementAndGet();
        respond(
            connection,
            message,
            "{'protocolVersion': '2025-11-25', 'capabilities': {'tools': {}}, 'serverInfo': {'name': 's', 'version': '1'}}");
      }
      case "tools/list" ->
          respond(
              connection, message, "{'tools': [{'name': 't', 'inputSchema': {'type': 'object'}}]}");
      case "tools/call" -> call(connection);
      default -> connection.respond(new Reply(202, Map.of(), ""));
    }
  }

  private void call(HttpConnection connection) throws IOException {
    if (streams) {
      connection.startStream(Map.of("content-type", "text/event-stream"));
      byte[] event = "id: 1\ndata:\n\n".getBytes(UTF_8);
      connection.write(event, 0, event.length);
    }
    hanging.incrementAndGet();
    try {
      connection.readHead();
    } finally {
      left.incrementAndGet();
    }
  }

  private static void respond(HttpConnection connection, JsonNode request, String result)
      throws IOException {
    ObjectNode answer = Json.object().put("jsonrpc", "2.0");
    answer.set("id", request.path("id"));
    answer.set("result", Json.parse(result.replace('\'', '"')));
    connection.respond(
        new Reply(200, Map.of("content-type", "application/json"), Json.text(answer)));
  }
}
