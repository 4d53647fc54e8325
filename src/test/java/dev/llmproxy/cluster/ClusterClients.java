package dev.llmproxy.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Clients that send chats without a pause, each to a server of its choice. Like a load balancer,
 * they send a request to the next server when one refuses the connection, or answers that it stops.
 */
final class ClusterClients {
  private static final int MOST_TRIES = 60;
  private static final int OK = 200;
  private static final int UNAVAILABLE = 503;
  private static final String ANSWERED_WHOLE = "[DONE]";

  private final List<Integer> ports;
  private final List<String> keys;
  private final AtomicBoolean ended = new AtomicBoolean();
  private final AtomicInteger number = new AtomicInteger();
  private final Queue<String> answered = new ConcurrentLinkedQueue<>();
  private final Queue<String> failures = new ConcurrentLinkedQueue<>();
  private final List<Thread> threads = new ArrayList<>();

  static {
    // The connection would silently send a POST again.
    System.setProperty("sun.net.http.retryPost", "false");
  }

  ClusterClients(List<Integer> ports, List<String> keys) {
    this.ports = ports;
    this.keys = keys;
  }

  void start(int clients) {
    for (int i = 0; i < clients; i++) {
      Random random = new Random(i);
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                while (!ended.get()) {
                  chat(random);
                }
              }));
    }
  }

  void end() throws InterruptedException {
    ended.set(true);
    for (Thread thread : threads) {
      thread.join();
    }
  }

  /** The ids of the requests whose whole answer has arrived. */
  List<String> answered() {
    return List.copyOf(answered);
  }

  /** What else has happened. */
  List<String> failures() {
    return List.copyOf(failures);
  }

  private void chat(Random random) {
    int first = random.nextInt(ports.size());
    boolean stream = random.nextBoolean();
    String body =
        "{\"model\":\"openai/cluster-%d\",\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"hi [[script chunks=%d gap=%d]]\"}]}"
            .formatted(
                number.incrementAndGet(), stream, 1 + random.nextInt(20), random.nextInt(30));
    String key = keys.get(random.nextInt(keys.size()));
    String last = "";
    for (int i = 0; i < MOST_TRIES; i++) {
      int port = ports.get((first + i) % ports.size());
      try {
        HttpURLConnection connection = open(port, key);
        last = send(connection, body, stream);
        if (last.isEmpty()) {
          return;
        }
        if (connection.getResponseCode() != UNAVAILABLE) {
          break;
        }
      } catch (ConnectException refused) {
        last = refused.toString();
      } catch (IOException e) {
        last = e.toString();
        break;
      }
    }
    failures.add(last);
  }

  private static HttpURLConnection open(int port, String key) throws IOException {
    HttpURLConnection connection =
        (HttpURLConnection)
            URI.create("http://127.0.0.1:" + port + "/v1/chat/completions")
                .toURL()
                .openConnection();
    connection.setRequestProperty("Authorization", "Bearer " + key);
    connection.setRequestProperty("Content-Type", "application/json");
    connection.setRequestProperty("Connection", "close");
    connection.setConnectTimeout(10_000);
    connection.setReadTimeout(60_000);
    connection.setDoOutput(true);
    return connection;
  }

  /** Returns what went wrong, or an empty text. */
  private String send(HttpURLConnection connection, String body, boolean stream)
      throws IOException {
    try (var out = connection.getOutputStream()) {
      out.write(body.getBytes(StandardCharsets.UTF_8));
    }
    int status = connection.getResponseCode();
    if (status != OK) {
      try (InputStream error = connection.getErrorStream()) {
        return status + " " + (error == null ? "" : text(error));
      }
    }
    try (InputStream in = connection.getInputStream()) {
      String answer = text(in);
      if (stream && !answer.contains(ANSWERED_WHOLE)) {
        return "cut off: " + answer.substring(Math.max(0, answer.length() - 200));
      }
    }
    answered.add(connection.getHeaderField("x-request-id"));
    return "";
  }

  private static String text(InputStream in) throws IOException {
    return new String(in.readAllBytes(), StandardCharsets.UTF_8);
  }
}
