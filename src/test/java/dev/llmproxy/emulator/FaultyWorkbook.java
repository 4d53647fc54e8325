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

/** A workbook server that fails as it is told, in front of one that works. */
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

  /** What happens to a commit. */
  public enum Fault {
    /** It is applied, but its answer never arrives. */
    ANSWER_LOST,
    /** It is lost on its way. */
    REQUEST_LOST,
    /** It is refused for now. */
    RATE_LIMITED,
    /** The server says that it failed, having applied it all the same. */
    APPLIED_WITH_503,
    /** It is applied after the client has lost the connection. */
    APPLIED_LATE,
    /** It takes its time. */
    SLOW
  }

  /** A call that reached the workbook behind, and what that answered. */
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

  /** Stands in front of the workbook at this root URL. */
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

  /** The next commit suffers this; several are suffered one after the other. */
  public void suffer(Fault fault) {
    faults.add(fault);
  }

  /** Somebody else sends the very same as the next commit, just before it. */
  public void overtakeNext() {
    overtaken.set(true);
  }

  /** How many faults are still to come. */
  public int pending() {
    return faults.size();
  }

  /** How many commits were sent so far. */
  public int commits() {
    return commits.get();
  }

  /** How many readings of a range were asked for so far. */
  public int readings() {
    return readings.get();
  }

  /** How many readings of several ranges were asked for so far. */
  public int batchReadings() {
    return batchReadings.get();
  }

  /** The calls so far that reached the workbook behind. */
  public List<Forwarded> forwarded() {
    return List.copyOf(forwarded);
  }

  /** From now on readings of ranges wait. */
  public void holdReadings() {
    held.set(new CountDownLatch(1));
  }

  /** Readings go on. */
  public void releaseReadings() {
    held.get().countDown();
  }

  /** From now on every call is answered with this HTTP status; 0 ends it. */
  public void refuse(int status) {
    refusal = status;
  }

  /** From now on a change with this text in it is answered with 400; null ends it. */
  public void poison(String text) {
    poison = text;
  }

  /** From now on connections are refused. */
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
    if (exchange.getRequestURI().getPath().contains("/values/")) {
      readings.incrementAndGet();
      awaitRelease();
    }
    if (exchange.getRequestURI().getPath().endsWith("/values:batchGet")) {
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
