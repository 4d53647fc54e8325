package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An OpenAI-compatible provider on loopback that does as its caller's message says: {@code [[script
 * chunks=20 gap=20 cut=5]]}. {@link Directive} lists what it knows, {@link Script#PRESETS} the
 * models with a behaviour of their own.
 */
public final class ScriptedProvider implements AutoCloseable {
  private static final int RECORDED_REQUESTS = 10_000;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ServerSocket server;
  private final Set<HttpConnection> connections = ConcurrentHashMap.newKeySet();
  private final ConcurrentLinkedDeque<RecordedRequest> requests = new ConcurrentLinkedDeque<>();
  private final AtomicInteger received = new AtomicInteger();
  private final AtomicInteger cancelled = new AtomicInteger();

  private ScriptedProvider(ServerSocket server) {
    this.server = server;
  }

  /** Starts on a free port. */
  public static ScriptedProvider start() {
    return start(0);
  }

  public static ScriptedProvider start(int port) {
    try {
      ServerSocket server = new ServerSocket();
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1024);
      ScriptedProvider provider = new ScriptedProvider(server);
      Thread.ofVirtual().name("scripted-provider").start(provider::accept);
      return provider;
    } catch (IOException e) {
      throw new UncheckedIOException("The scripted provider cannot listen on port " + port, e);
    }
  }

  public String baseUrl() {
    return "http://127.0.0.1:" + server.getLocalPort() + "/v1";
  }

  /** The requests to the API so far, the oldest first. */
  public List<RecordedRequest> requests() {
    return List.copyOf(requests);
  }

  public RecordedRequest lastRequest() {
    return requests.getLast();
  }

  /** How many answers the peer did not wait for. */
  public int cancelled() {
    return cancelled.get();
  }

  @Override
  public void close() {
    try {
      server.close();
      for (HttpConnection connection : connections) {
        connection.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException closed) {
        return;
      }
    }
  }

  private void serve(Socket socket) {
    try (HttpConnection connection = new HttpConnection(socket)) {
      connections.add(connection);
      try {
        while (!socket.isClosed() && answerNext(connection)) {
          // the next request of a connection that is kept alive
        }
      } finally {
        connections.remove(connection);
      }
    } catch (IOException peerGone) {
      // Counted where an answer was under way; between two answers it is the normal end.
    }
  }

  private boolean answerNext(HttpConnection connection) throws IOException {
    var head = connection.readHead().orElse(null);
    if (head == null) {
      return false;
    }
    byte[] body = connection.readBody(head.headers());
    JsonNode json = body.length == 0 ? MissingNode.getInstance() : JSON.readTree(body);
    var request = new RecordedRequest(head.method(), head.path(), head.headers(), json);
    switch (request.method() + " " + request.path()) {
      case "GET /stats" -> respond(connection, stats());
      case "GET /v1/models" -> whenAuthorized(request, connection, () -> models(connection));
      case "POST /v1/chat/completions" ->
          whenAuthorized(request, connection, () -> chat(request, connection));
      default -> fail(connection, 404, "unknown_url", "Unknown URL: " + request.path(), Map.of());
    }
    return true;
  }

  private interface Endpoint {
    void answer() throws IOException;
  }

  private void whenAuthorized(RecordedRequest request, HttpConnection connection, Endpoint endpoint)
      throws IOException {
    record(request);
    if (request.header("authorization").matches("(?i)Bearer \\S+")) {
      endpoint.answer();
    } else {
      fail(connection, 401, "invalid_api_key", "You didn't provide an API key", Map.of());
    }
  }

  private void record(RecordedRequest request) {
    received.incrementAndGet();
    requests.addLast(request);
    if (requests.size() > RECORDED_REQUESTS) {
      requests.pollFirst();
    }
  }

  private ObjectNode stats() {
    return JSON.createObjectNode()
        .put("requests", received.get())
        .put("cancelled", cancelled.get())
        .put("connections", connections.size());
  }

  private static void models(HttpConnection connection) throws IOException {
    ObjectNode list = JSON.createObjectNode().put("object", "list");
    var data = list.putArray("data");
    Script.PRESETS.keySet().stream()
        .filter(model -> model.startsWith("scripted"))
        .sorted()
        .forEach(model ->
            data.addObject()
                .put("id", model)
                .put("object", "model")
                .put("created", 1_750_000_000)
                .put("owned_by", "scripted"));
    respond(connection, list);
  }

  private void chat(RecordedRequest request, HttpConnection connection) throws IOException {
    Script script;
    try {
      script = Script.of(request.model(), request.lastMessageOf("user"));
    } catch (IllegalArgumentException e) {
      fail(connection, 400, "invalid_value", e.getMessage(), Map.of());
      return;
    }
    try {
      connection.pause(Duration.ofMillis(script.number(Directive.TTFT, 0)));
      answer(request, script, connection);
    } catch (IOException left) {
      if (!server.isClosed()) {
        cancelled.incrementAndGet();
      }
      throw left;
    }
  }

  private void answer(RecordedRequest request, Script script, HttpConnection connection)
      throws IOException {
    if (script.has(Directive.HANGUP)) {
      connection.reset();
    } else if (script.has(Directive.STATUS) || script.has(Directive.BODY)) {
      refuse(connection, script);
    } else if (request.wantsStream()) {
      stream(request, script, connection);
    } else {
      Answer answer = Answer.to(request, script, nextHead(request));
      ObjectNode completion = answer.completion();
      restyle(script, answer, List.of(completion));
      respond(connection, completion);
    }
  }

  private void stream(RecordedRequest request, Script script, HttpConnection connection)
      throws IOException {
    Answer answer = Answer.to(request, script, nextHead(request));
    List<ObjectNode> chunks = answer.chunks(request.wantsUsage());
    restyle(script, answer, chunks);
    EventWriter events = new EventWriter(connection, script);
    events.start();
    for (int sent = 0; sent < chunks.size(); sent++) {
      for (Mishap mishap : mishapsDue(script, sent - answer.choices())) {
        if (!mishap.strike(events)) {
          return;
        }
      }
      if (sent > 0) {
        events.pause(Duration.ofMillis(script.number(Directive.GAP, 0)));
      }
      events.send(JSON.writeValueAsString(chunks.get(sent)));
    }
    events.send("[DONE]");
    events.end();
  }

  private static List<Mishap> mishapsDue(Script script, int chunksSent) {
    return Arrays.stream(Mishap.values())
        .filter(mishap -> script.number(mishap.directive, Integer.MAX_VALUE) == chunksSent)
        .toList();
  }

  private static void restyle(Script script, Answer answer, List<ObjectNode> objects) {
    for (Dialect dialect : Dialect.values()) {
      if (script.has(dialect.directive)) {
        dialect.restyle(objects, answer.usage());
      }
    }
  }

  private Answer.Head nextHead(RecordedRequest request) {
    return new Answer.Head(
        "chatcmpl-scripted-" + received.get(), Instant.now().getEpochSecond(), request.model());
  }

  private static void refuse(HttpConnection connection, Script script) throws IOException {
    int status = script.number(Directive.STATUS, 200);
    Map<String, String> retryAfter =
        script.text(Directive.RETRY_AFTER).map(s -> Map.of("retry-after", s)).orElse(Map.of());
    if (script.has(Directive.HTML)) {
      String page = "<html><body><h1>" + status + " from a proxy in between</h1></body></html>";
      respond(connection, status, "text/html", page, retryAfter);
    } else if (script.has(Directive.BODY)) {
      String body = script.text(Directive.BODY).orElseThrow();
      respond(connection, status, "application/json", body, retryAfter);
    } else {
      ErrorKind kind = ErrorKind.of(status);
      String code = script.text(Directive.CODE).orElse(kind.code());
      fail(connection, status, code, "Scripted failure with status " + status, retryAfter);
    }
  }

  private record ErrorKind(String type, String code) {
    static ErrorKind of(int status) {
      return switch (status) {
        case 401 -> new ErrorKind("invalid_request_error", "invalid_api_key");
        case 404 -> new ErrorKind("invalid_request_error", "model_not_found");
        case 429 -> new ErrorKind("requests", "rate_limit_exceeded");
        default -> new ErrorKind(status < 500 ? "invalid_request_error" : "server_error", null);
      };
    }
  }

  private static void fail(
      HttpConnection connection,
      int status,
      String code,
      String message,
      Map<String, String> headers)
      throws IOException {
    ObjectNode body = JSON.createObjectNode();
    ObjectNode error = body.putObject("error").put("message", message);
    error.put("type", ErrorKind.of(status).type()).putNull("param").put("code", code);
    respond(connection, status, "application/json", JSON.writeValueAsString(body), headers);
  }

  private static void respond(HttpConnection connection, ObjectNode body) throws IOException {
    respond(connection, 200, "application/json", JSON.writeValueAsString(body), Map.of());
  }

  private static void respond(
      HttpConnection connection, int status, String type, String body, Map<String, String> headers)
      throws IOException {
    Map<String, String> all = new LinkedHashMap<>(Map.of("content-type", type));
    all.putAll(headers);
    connection.respond(status, all, body.getBytes(StandardCharsets.UTF_8));
  }

  /** Prints its base URL on the first line and runs until it is stopped. */
  public static void main(String[] args) throws InterruptedException {
    List<String> arguments = List.of(args);
    int port = arguments.indexOf("--port");
    if (arguments.contains("--help")) {
      System.out.println(help());
      return;
    }
    try (ScriptedProvider provider =
        start(port < 0 ? 0 : Integer.parseInt(arguments.get(port + 1)))) {
      System.out.println(provider.baseUrl());
      System.out.flush();
      Thread.currentThread().join();
    }
  }

  private static String help() {
    StringBuilder help =
        new StringBuilder("ScriptedProvider [--port N]\n\n[[script key=value …]] in a message:\n");
    for (Directive directive : Directive.values()) {
      help.append("  %-12s %s%n".formatted(directive.key(), directive.description()));
    }
    help.append("\nModels with a script of their own:\n");
    Script.PRESETS.forEach((model, script) -> help.append("  %-18s %s%n".formatted(model, script)));
    return help.toString();
  }
}
