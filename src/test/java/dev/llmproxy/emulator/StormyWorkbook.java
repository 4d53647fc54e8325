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
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPInputStream;

/**
 * A workbook server that passes calls on to another server, with random failures. It outlives its
 * clients: a sent commit is applied even if the client has died.
 */
public final class StormyWorkbook implements AutoCloseable {
  private static final int LONGEST_SLOW_MILLIS = 1500;
  private static final int LEAST_LATE_MILLIS = 2200;
  private static final int LONGEST_LATE_MILLIS = 4000;

  /** A flush tries again 2 to 3.5 s after its first failure. */
  private static final int AFTER_NEXT_TRY_MILLIS = 4500;

  private static final Duration GIVES_UP = Duration.ofSeconds(5);

  /** The longest time between sending and applying a commit, including all delays. */
  public static final Duration COMMIT_WAIT = GIVES_UP.plusSeconds(2);

  private static final List<String> FORWARDED = List.of("Content-Type", "Content-Encoding");
  private static final int ONE_READING_IN = 12;
  private static final int ONE_COMMIT_IN = 2;

  /** The fate of a call. */
  public enum Fault {
    RATE_LIMITED,
    UNAVAILABLE,
    DROPPED_BEFORE,
    SLOW,
    DROPPED_AFTER_COMMIT,
    APPLIED_WITH_503,
    LATE_COMMIT,
    DOWN;

    private static final List<Fault> OF_READINGS =
        List.of(RATE_LIMITED, UNAVAILABLE, DROPPED_BEFORE, SLOW);
    private static final List<Fault> OF_COMMITS =
        List.of(
            RATE_LIMITED,
            UNAVAILABLE,
            DROPPED_BEFORE,
            SLOW,
            DROPPED_AFTER_COMMIT,
            DROPPED_AFTER_COMMIT,
            APPLIED_WITH_503,
            LATE_COMMIT,
            LATE_COMMIT);
  }

  /** Observes commits, and may delay them. */
  public interface Watcher {
    /**
     * A commit has arrived completely and is not yet applied.
     *
     * @return whether to apply it late, because its sender is dead
     */
    boolean commitArrived();

    /** A commit is applied and not yet answered. */
    void commitApplied();
  }

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final String target;
  private final Watcher watcher;
  private final Random random;
  private final List<Fault> readingFaults = new ArrayList<>();
  private final List<Fault> commitFaults = new ArrayList<>();
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Map<Fault, AtomicInteger> injected = new EnumMap<>(Fault.class);
  private final AtomicInteger busy = new AtomicInteger();
  private volatile boolean stormy;
  private volatile boolean down;
  private final AtomicInteger lateRows = new AtomicInteger();

  private StormyWorkbook(HttpServer server, String target, long seed, Watcher watcher) {
    this.server = server;
    this.target = target;
    this.random = new Random(seed);
    this.watcher = watcher;
    for (Fault fault : Fault.values()) {
      injected.put(fault, new AtomicInteger());
    }
  }

  /** Passes calls on to the workbook at this root URL, at first without failures. */
  public static StormyWorkbook before(String rootUrl, long seed, Watcher watcher) {
    try {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      StormyWorkbook stormy = new StormyWorkbook(server, rootUrl, seed, watcher);
      server.setExecutor(stormy.threads);
      server.createContext("/", stormy::handle);
      server.start();
      return stormy;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String rootUrl() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/";
  }

  /** Sets whether calls fail at random. */
  public void setStormy(boolean stormy) {
    this.stormy = stormy;
  }

  /** Sets whether every call is dropped. */
  public void setDown(boolean down) {
    this.down = down;
  }

  /** Applies the next commits that append rows only after their sender may have tried again. */
  public void applyRowsLate(int commits) {
    lateRows.set(commits);
  }

  /** The number of commits that {@link #applyRowsLate} has asked for and that have not come yet. */
  public int lateRowsLeft() {
    return lateRows.get();
  }

  /** Whether no call is running, so that no earlier commit can still be applied. */
  public boolean idle() {
    return busy.get() == 0;
  }

  /** The number of faults of each kind. */
  public Map<Fault, Integer> injected() {
    Map<Fault, Integer> counts = new EnumMap<>(Fault.class);
    injected.forEach((fault, count) -> counts.put(fault, count.get()));
    return counts;
  }

  /** The number of commits that were or will be applied, but failed for their senders. */
  public int ambiguous() {
    return injected.get(Fault.DROPPED_AFTER_COMMIT).get()
        + injected.get(Fault.APPLIED_WITH_503).get()
        + injected.get(Fault.LATE_COMMIT).get();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.close();
  }

  private void handle(HttpExchange exchange) throws IOException {
    long arrived = System.nanoTime();
    busy.incrementAndGet();
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      boolean commit = exchange.getRequestURI().getPath().endsWith(":batchUpdate");
      if (commit && appendsRows(exchange, body) && takeLateRows()) {
        injected.get(Fault.LATE_COMMIT).incrementAndGet();
        exchange.close();
        pause(AFTER_NEXT_TRY_MILLIS, AFTER_NEXT_TRY_MILLIS + 1);
        apply(exchange, body, true, arrived);
        return;
      }
      Fault fault = fault(commit);
      if (fault != null) {
        injected.get(fault).incrementAndGet();
      }
      if (commit && fault != Fault.DOWN && watcher.commitArrived()) {
        pause(0, LONGEST_LATE_MILLIS);
      }
      suffer(fault, exchange, body, commit, arrived);
    } finally {
      busy.decrementAndGet();
    }
  }

  private static boolean appendsRows(HttpExchange exchange, byte[] body) throws IOException {
    boolean packed = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
    try (InputStream in = new ByteArrayInputStream(body);
        InputStream text = packed ? new GZIPInputStream(in) : in) {
      return new String(text.readAllBytes(), StandardCharsets.UTF_8).contains("appendCells");
    }
  }

  private boolean takeLateRows() {
    return lateRows.getAndUpdate(left -> Math.max(0, left - 1)) > 0;
  }

  private synchronized Fault fault(boolean commit) {
    if (down) {
      return Fault.DOWN;
    }
    if (!stormy || random.nextInt(commit ? ONE_COMMIT_IN : ONE_READING_IN) != 0) {
      return null;
    }
    return commit ? dealt(commitFaults, Fault.OF_COMMITS) : dealt(readingFaults, Fault.OF_READINGS);
  }

  /** All fates in turn, shuffled, so that each occurs. */
  private Fault dealt(List<Fault> deck, List<Fault> all) {
    if (deck.isEmpty()) {
      deck.addAll(all);
      Collections.shuffle(deck, random);
    }
    return deck.removeLast();
  }

  private void suffer(Fault fault, HttpExchange exchange, byte[] body, boolean commit, long arrived)
      throws IOException {
    switch (fault) {
      case RATE_LIMITED -> refuse(exchange, 429, "RESOURCE_EXHAUSTED");
      case UNAVAILABLE -> refuse(exchange, 503, "UNAVAILABLE");
      case DROPPED_BEFORE, DOWN -> exchange.close();
      case DROPPED_AFTER_COMMIT -> apply(exchange, body, commit, arrived);
      case APPLIED_WITH_503 -> {
        apply(exchange, body, commit, arrived);
        refuse(exchange, 503, "UNAVAILABLE");
      }
      case LATE_COMMIT -> {
        exchange.close();
        pause(LEAST_LATE_MILLIS, LONGEST_LATE_MILLIS);
        apply(exchange, body, commit, arrived);
      }
      case SLOW -> {
        pause(0, LONGEST_SLOW_MILLIS);
        pass(exchange, apply(exchange, body, commit, arrived));
      }
      case null -> pass(exchange, apply(exchange, body, commit, arrived));
    }
  }

  /** Fails a commit that has waited too long, as Google does. */
  private HttpResponse<byte[]> apply(
      HttpExchange exchange, byte[] body, boolean commit, long arrived) throws IOException {
    if (commit && System.nanoTime() - arrived > GIVES_UP.toNanos()) {
      throw new IOException("This commit has waited for too long");
    }
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(target).resolve(exchange.getRequestURI()))
            .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
    for (String name : FORWARDED) {
      String value = exchange.getRequestHeaders().getFirst(name);
      if (value != null) {
        request.header(name, value);
      }
    }
    try {
      var answer = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      if (commit) {
        watcher.commitApplied();
      }
      return answer;
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private void pause(int leastMillis, int mostMillis) throws IOException {
    try {
      Thread.sleep(millis(leastMillis, mostMillis));
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private synchronized int millis(int least, int most) {
    return random.nextInt(least, most);
  }

  private static void pass(HttpExchange exchange, HttpResponse<byte[]> answer) throws IOException {
    answer
        .headers()
        .firstValue("content-type")
        .ifPresent(type -> exchange.getResponseHeaders().set("Content-Type", type));
    send(exchange, answer.statusCode(), answer.body());
  }

  private static void refuse(HttpExchange exchange, int code, String status) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    send(
        exchange,
        code,
        "{\"error\":{\"code\":%d,\"message\":\"Stormy\",\"status\":\"%s\"}}"
            .formatted(code, status)
            .getBytes(StandardCharsets.UTF_8));
  }

  private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
  }
}
