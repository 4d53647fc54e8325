package dev.llmproxy.emulator;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.GZIPInputStream;

/** A workbook server that passes calls on to another server and fails as a test demands. */
public final class FaultyWorkbook implements AutoCloseable {
  private static final Set<String> NOT_FORWARDED =
      Set.of(
          "host",
          "connection",
          "content-length",
          "transfer-encoding",
          "expect",
          "upgrade",
          "http2-settings");

  /** The fate of a commit. */
  public enum Fault {
    /** The commit is applied, but its answer is lost. */
    ANSWER_LOST,
    /** The request is lost. */
    REQUEST_LOST,
    /** The commit is rejected with a temporary error. */
    RATE_LIMITED,
    /** The commit is applied, but the server answers with an error. */
    APPLIED_WITH_503,
    /** The commit is applied after the client has lost the connection. */
    APPLIED_LATE,
    /** The commit is slow. */
    SLOW
  }

  /** A call that reached the real workbook, and its answer. */
  public record Forwarded(String method, int status) {}

  private static final Duration LATE = Duration.ofMillis(600);

  private final HttpServer server;
  private final String rootUrl;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Queue<Fault> faults = new ConcurrentLinkedQueue<>();
  private final AtomicInteger commits = new AtomicInteger();
  private final AtomicInteger readings = new AtomicInteger();
  private final AtomicInteger batchReadings = new AtomicInteger();
  private final AtomicReference<CountDownLatch> held = new AtomicReference<>(new CountDownLatch(0));
  private final Queue<Forwarded> forwarded = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean overtaken = new AtomicBoolean();
  private volatile int refusal;
  private volatile String poison;

  private FaultyWorkbook(HttpServer server, String rootUrl) {
    this.server = server;
    this.rootUrl = rootUrl;
  }

  /** Passes calls on to the workbook at this root URL. */
  public static FaultyWorkbook before(String rootUrl) {
    try {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      FaultyWorkbook faulty = new FaultyWorkbook(server, rootUrl);
      server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
      server.createContext("/", faulty::handle);
      server.start();
      return faulty;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String rootUrl() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/";
  }

  /** Adds a fault for the next commit; several faults apply to one commit after the other. */
  public void suffer(Fault fault) {
    faults.add(fault);
  }

  /** Applies the same change as the next commit just before it, as another writer would. */
  public void overtakeNext() {
    overtaken.set(true);
  }

  /** The number of faults that have not happened yet. */
  public int pending() {
    return faults.size();
  }

  /** The number of commits so far. */
  public int commits() {
    return commits.get();
  }

  /** The number of reads of tiers and keys so far. */
  public int readings() {
    return readings.get();
  }

  /** The number of reads of several ranges so far. */
  public int batchReadings() {
    return batchReadings.get();
  }

  /** The calls so far that reached the real workbook. */
  public List<Forwarded> forwarded() {
    return List.copyOf(forwarded);
  }

  /** Makes all reads of ranges wait. */
  public void holdReadings() {
    held.set(new CountDownLatch(1));
  }

  /** Ends the wait of reads. */
  public void releaseReadings() {
    held.get().countDown();
  }

  /** Answers every call with this HTTP status; 0 ends this. */
  public void refuse(int status) {
    refusal = status;
  }

  /** Answers every change that contains this text with 400; null ends this. */
  public void poison(String text) {
    poison = text;
  }

  /** Refuses all connections. */
  public void goDown() {
    server.stop(0);
  }

  @Override
  public void close() {
    goDown();
  }

  private void handle(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    Fault fault = null;
    boolean batch = exchange.getRequestURI().getPath().endsWith("/values:batchGet");
    // The route keys-load reads the tiers first.
    if (batch && exchange.getRequestURI().getQuery().contains("ranges='Tiers'&ranges=")) {
      readings.incrementAndGet();
      awaitRelease();
    } else if (batch) {
      batchReadings.incrementAndGet();
      awaitRelease();
    }
    boolean commit = exchange.getRequestURI().getPath().endsWith(":batchUpdate");
    if (commit) {
      commits.incrementAndGet();
      fault = faults.poll();
    }
    if (refusal != 0) {
      error(exchange, refusal, "Refused by the test");
      return;
    }
    if (poison != null && text(exchange, body).contains(poison)) {
      error(exchange, 400, "Invalid requests[0]: poison");
      return;
    }
    if (fault == Fault.APPLIED_LATE) {
      exchange.close();
      pause();
      forward(exchange, body);
      return;
    }
    if (fault == Fault.SLOW) {
      pause();
    }
    if (fault == Fault.RATE_LIMITED) {
      answer(
          exchange,
          429,
          "{\"error\":{\"code\":429,\"message\":\"Quota exceeded\",\"status\":\"RESOURCE_EXHAUSTED\"}}");
      return;
    }
    if (fault == Fault.REQUEST_LOST) {
      exchange.close();
      return;
    }
    if (fault == null && commit && overtaken.getAndSet(false)) {
      forward(exchange, body);
    }
    HttpResponse<byte[]> answer = forward(exchange, body);
    if (fault == Fault.ANSWER_LOST) {
      exchange.close();
    } else if (fault == Fault.APPLIED_WITH_503) {
      answer(
          exchange,
          503,
          "{\"error\":{\"code\":503,\"message\":\"Backend error\",\"status\":\"UNAVAILABLE\"}}");
    } else {
      answer
          .headers()
          .firstValue("content-type")
          .ifPresent(type -> exchange.getResponseHeaders().set("Content-Type", type));
      exchange.sendResponseHeaders(
          answer.statusCode(), answer.body().length == 0 ? -1 : answer.body().length);
      exchange.getResponseBody().write(answer.body());
      exchange.close();
    }
  }

  private void awaitRelease() throws IOException {
    try {
      held.get().await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private HttpResponse<byte[]> forward(HttpExchange exchange, byte[] body) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(rootUrl).resolve(exchange.getRequestURI()))
            .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
    exchange
        .getRequestHeaders()
        .forEach((name, values) -> {
          if (!NOT_FORWARDED.contains(name.toLowerCase(java.util.Locale.ROOT))) {
            values.forEach(value -> request.header(name, value));
          }
        });
    try {
      HttpResponse<byte[]> answer =
          client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      forwarded.add(new Forwarded(exchange.getRequestMethod(), answer.statusCode()));
      return answer;
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static String text(HttpExchange exchange, byte[] body) throws IOException {
    InputStream in = new ByteArrayInputStream(body);
    boolean gzip =
        "gzip".equalsIgnoreCase(exchange.getRequestHeaders().getFirst("Content-Encoding"));
    return new String((gzip ? new GZIPInputStream(in) : in).readAllBytes(), StandardCharsets.UTF_8);
  }

  private static void pause() throws IOException {
    try {
      Thread.sleep(LATE);
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static void error(HttpExchange exchange, int status, String message) throws IOException {
    answer(
        exchange,
        status,
        "{\"error\":{\"code\":%d,\"message\":\"%s\"}}".formatted(status, message));
  }

  private static void answer(HttpExchange exchange, int status, String json) throws IOException {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }
}
