package dev.llmproxy.emulator;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.net.Socket;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * A provider on loopback that speaks OpenAI's format or another one. The message of a request
 * controls its answer: {@code [[script chunks=20 gap=20 cut=5]]}. {@link Directive} lists the
 * directives, and {@link Script#PRESETS} the models with directives of their own.
 */
public final class ScriptedProvider implements AutoCloseable {
  private static final int RECORDED_REQUESTS = 10_000;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The wire formats. */
  public enum Format {
    OPENAI("/v1"),
    ANTHROPIC("/v1"),
    GEMINI("/v1beta");

    private final String path;

    Format(String path) {
      this.path = path;
    }
  }

  private final Format format;
  private final LoopbackServer server;
  private final ConcurrentLinkedDeque<RecordedRequest> requests = new ConcurrentLinkedDeque<>();
  private final AtomicInteger received = new AtomicInteger();
  private final AtomicInteger ids = new AtomicInteger();
  private final Map<Script, Integer> played = new ConcurrentHashMap<>();
  private final AtomicInteger cancelled = new AtomicInteger();
  private final AtomicLong written = new AtomicLong();
  private final Semaphore releases = new Semaphore(0);
  private volatile Consumer<RecordedRequest> listener = request -> {};

  private ScriptedProvider(int port, Format format) {
    this.format = format;
    server = LoopbackServer.start(port, this::serve);
  }

  /** Starts on a free port. */
  public static ScriptedProvider start() {
    return start(0);
  }

  /** Starts on a free port, with another format than OpenAI's. */
  public static ScriptedProvider start(Format format) {
    return new ScriptedProvider(0, format);
  }

  public static ScriptedProvider start(int port) {
    return new ScriptedProvider(port, Format.OPENAI);
  }

  public String baseUrl() {
    return "http://127.0.0.1:" + server.port() + format.path;
  }

  /** The requests to the API so far, oldest first. */
  public List<RecordedRequest> requests() {
    return List.copyOf(requests);
  }

  public RecordedRequest lastRequest() {
    return requests.getLast();
  }

  /** Calls the listener with each request to the API before its answer. */
  public void onRequest(Consumer<RecordedRequest> listener) {
    this.listener = listener;
  }

  /** Releases one held answer; if there is none, the next one. */
  public void release() {
    releases.release();
  }

  /** The number of answers that the peer aborted. */
  public int cancelled() {
    return cancelled.get();
  }

  /** The number of connections opened so far. */
  public int accepted() {
    return server.accepted();
  }

  /** The number of bytes of streams written so far. */
  public long written() {
    return written.get();
  }

  @Override
  public void close() {
    server.close();
  }

  private void serve(Socket socket) throws IOException {
    HttpConnection connection = new HttpConnection(socket, written);
    while (!socket.isClosed() && answerNext(connection)) {
      // waits for the next request on the connection
    }
  }

  /** Returns whether the connection stays open for another request. */
  private boolean answerNext(HttpConnection connection) throws IOException {
    var head = connection.readHead().orElse(null);
    if (head == null) {
      return false;
    }
    byte[] body = connection.readBody(head.headers());
    try {
      String type = head.headers().getOrDefault("content-type", "");
      JsonNode json =
          body.length == 0
              ? MissingNode.getInstance()
              : type.startsWith("multipart/") ? FormBody.of(type, body) : Json.parse(body);
      answer(new RecordedRequest(head.method(), head.path(), head.headers(), json), connection);
    } catch (JsonProcessingException | IllegalArgumentException e) {
      connection.respond(Reply.error(400, "invalid_value", e.getMessage()));
    }
    return !head.headers().getOrDefault("connection", "").equalsIgnoreCase("close");
  }

  private void answer(RecordedRequest request, HttpConnection connection) throws IOException {
    if (request.path().equals("/stats")) {
      connection.respond(Reply.json(stats()));
      return;
    }
    if (request.path().equals("/release")) {
      release();
      connection.respond(Reply.json(stats()));
      return;
    }
    record(request);
    if (format == Format.ANTHROPIC) {
      play(new MessagesEndpoint(request, releases)::answer, connection);
      return;
    }
    if (format == Format.GEMINI) {
      play(new GenerateEndpoint(request, releases)::answer, connection);
      return;
    }
    if (!request.header("authorization").matches("(?i)Bearer \\S+")) {
      connection.respond(Reply.error(401, null, "You didn't provide an API key"));
      return;
    }
    switch (request.method() + " " + request.path()) {
      case "GET /v1/models" -> connection.respond(Reply.json(models()));
      case "POST /v1/chat/completions" -> chat(request, connection);
      case "POST /v1/completions" -> text(request, connection);
      case "POST /v1/audio/transcriptions",
          "POST /v1/audio/translations",
          "POST /v1/audio/speech",
          "POST /v1/images/generations",
          "POST /v1/images/edits",
          "POST /v1/moderations",
          "POST /v1/rerank" ->
          play(new MediaAnswers(request, releases)::answer, connection);
      case "POST /v1/embeddings" -> play(new EmbeddingsEndpoint(request)::answer, connection);
      default ->
          connection.respond(Reply.error(404, "unknown_url", "Unknown URL: " + request.path()));
    }
  }

  private void record(RecordedRequest request) {
    received.incrementAndGet();
    requests.addLast(request);
    listener.accept(request);
    if (requests.size() > RECORDED_REQUESTS) {
      requests.pollFirst();
    }
  }

  private ObjectNode stats() {
    return JSON.createObjectNode()
        .put("requests", received.get())
        .put("cancelled", cancelled.get())
        .put("connections", server.open());
  }

  private static ObjectNode models() {
    ObjectNode list = JSON.createObjectNode().put("object", "list");
    ArrayNode models = list.putArray("data");
    for (String name : Script.PRESETS.keySet().stream().sorted().toList()) {
      if (name.startsWith("scripted")) {
        ObjectNode model = models.addObject().put("id", name).put("object", "model");
        model.put("created", 1_750_000_000).put("owned_by", "scripted");
      }
    }
    return list;
  }

  private void chat(RecordedRequest request, HttpConnection connection) throws IOException {
    Script script = Script.of(request.model(), request.lastMessageOf("user"));
    var head =
        new Answer.Head(
            "chatcmpl-scripted-" + ids.incrementAndGet(),
            Instant.now().getEpochSecond(),
            request.model());
    play(new ChatEndpoint(request, healed(script), head, releases)::answer, connection);
  }

  private Script healed(Script script) {
    boolean over =
        script.has(Directive.FAILS)
            && played.merge(script, 1, Integer::sum) > script.number(Directive.FAILS, 0);
    return over ? script.withoutMishaps() : script;
  }

  private void text(RecordedRequest request, HttpConnection connection) throws IOException {
    RecordedRequest chat = TextForm.asChat(request);
    Script script = Script.of(chat.model(), chat.lastMessageOf("user"));
    var head =
        new Answer.Head(
            "cmpl-scripted-" + ids.incrementAndGet(), Instant.now().getEpochSecond(), chat.model());
    play(new ChatEndpoint(chat, script, head, releases, TextForm::of)::answer, connection);
  }

  private interface Endpoint {
    void answer(HttpConnection connection) throws IOException;
  }

  private void play(Endpoint endpoint, HttpConnection connection) throws IOException {
    try {
      endpoint.answer(connection);
    } catch (IOException left) {
      if (!server.closed()) {
        cancelled.incrementAndGet();
      }
      throw left;
    }
  }

  /** Prints the base URL on the first line and runs until the process ends. */
  public static void main(String[] args) throws InterruptedException {
    List<String> arguments = List.of(args);
    int port = arguments.indexOf("--port");
    if (arguments.contains("--help")) {
      System.out.println(help());
      return;
    }
    try (ScriptedProvider provider =
        new ScriptedProvider(
            port < 0 ? 0 : Integer.parseInt(arguments.get(port + 1)), format(arguments))) {
      System.out.println(provider.baseUrl());
      System.out.flush();
      Thread.currentThread().join();
    }
  }

  private static Format format(List<String> arguments) {
    int format = arguments.indexOf("--format");
    return format < 0
        ? Format.OPENAI
        : Format.valueOf(arguments.get(format + 1).toUpperCase(java.util.Locale.ROOT));
  }

  private static String help() {
    StringBuilder help =
        new StringBuilder(
            "ScriptedProvider [--port N] [--format openai|anthropic|gemini]\n\n[[script key=value …]] in a message:\n");
    for (Directive directive : Directive.values()) {
      help.append("  %-12s %s%n".formatted(directive.key(), directive.description()));
    }
    help.append("\nModels with directives of their own:\n");
    new TreeMap<>(Script.PRESETS)
        .forEach((model, script) -> help.append("  %-18s %s%n".formatted(model, script)));
    return help.toString();
  }
}
