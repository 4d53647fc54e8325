package dev.llmproxy.emulator;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

/** Model lists of providers on loopback: the test sets the answer of each path. */
public final class ScriptedLists implements AutoCloseable {
  private static final int NOT_FOUND = 404;

  private final HttpServer server;
  private final Map<String, Answer> answers = new ConcurrentHashMap<>();
  private final List<String> asked = new CopyOnWriteArrayList<>();
  private final CountDownLatch closed = new CountDownLatch(1);

  /**
   * @param body null for an answer that never comes
   */
  private record Answer(int status, String body) {}

  private ScriptedLists() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::serve);
    server.start();
  }

  public static ScriptedLists start() {
    try {
      return new ScriptedLists();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The address, with the path. */
  public String url(String path) {
    return "http://127.0.0.1:" + server.getAddress().getPort() + path;
  }

  /**
   * @param path with the query
   */
  public void answer(String path, String json) {
    answers.put(path, new Answer(200, json));
  }

  public void fail(String path, int status) {
    answers.put(path, new Answer(status, "{}"));
  }

  public void hang(String path) {
    answers.put(path, new Answer(0, null));
  }

  /** The paths that were asked for, with the query and the key: {@code /v1/models Bearer k}. */
  public List<String> asked() {
    return asked;
  }

  private void serve(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().toString();
      String key = exchange.getRequestHeaders().getFirst("Authorization");
      asked.add(key == null ? path : path + " " + key);
      Answer answer = answers.getOrDefault(path, new Answer(NOT_FOUND, "{}"));
      if (answer.body() == null) {
        closed.await();
        return;
      }
      byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(answer.status(), body.length);
      exchange.getResponseBody().write(body);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
  }
}
