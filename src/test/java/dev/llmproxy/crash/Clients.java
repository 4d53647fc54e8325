package dev.llmproxy.crash;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Clients that send one request after the other, whatever the outcome, and record what they saw.
 */
final class Clients {
  private static final String DATA = "data: ";
  private static final int LONGEST_THOUGHT_MILLIS = 150;
  private static final int PAUSE_WHILE_DEAD_MILLIS = 50;

  private final URI uri;
  private final List<Attempt.User> users;
  private final Tripwire tripwire;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(10))
          .build();
  private final Queue<Attempt> attempts = new ConcurrentLinkedQueue<>();
  private final AtomicInteger numbers = new AtomicInteger();
  private final List<Thread> threads = new ArrayList<>();
  private volatile int life;
  private volatile boolean ended;

  Clients(URI uri, List<Attempt.User> users, Tripwire tripwire) {
    this.uri = uri;
    this.users = users;
    this.tripwire = tripwire;
  }

  /** Starts this many clients. */
  void start(int count, long seed) {
    for (int i = 0; i < count; i++) {
      Random random = new Random(seed + i);
      threads.add(Thread.ofVirtual().name("client-" + i).start(() -> ask(random)));
    }
  }

  /** Sets the number of the gateway's life that attempts record from now on. */
  void setLife(int life) {
    this.life = life;
  }

  /** Waits for the running requests. */
  void end() throws InterruptedException {
    ended = true;
    for (Thread thread : threads) {
      thread.join();
    }
  }

  /** The requests that reached a gateway. */
  List<Attempt> attempts() {
    return List.copyOf(attempts);
  }

  private void ask(Random random) {
    try {
      while (!ended) {
        Attempt attempt =
            new Attempt(
                numbers.incrementAndGet(), life, users.get(random.nextInt(users.size())), random);
        try {
          send(attempt);
          Thread.sleep(random.nextInt(LONGEST_THOUGHT_MILLIS));
        } catch (ConnectException dead) {
          Thread.sleep(PAUSE_WHILE_DEAD_MILLIS);
          continue;
        } catch (IOException brokenOff) {
          attempt.failure = String.valueOf(brokenOff.getMessage());
        }
        attempts.add(attempt);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void send(Attempt attempt) throws IOException, InterruptedException {
    tripwire.trip(Moment.BEFORE_A_FIRST_BYTE);
    var answer = http.send(request(attempt), HttpResponse.BodyHandlers.ofInputStream());
    try (InputStream body = answer.body()) {
      attempt.status = answer.statusCode();
      attempt.requestId = answer.headers().firstValue("x-request-id").orElse(null);
      if (attempt.kind.streams() && attempt.status == 200) {
        readStream(attempt, body);
      } else {
        JsonNode json = Json.parse(new String(body.readAllBytes(), StandardCharsets.UTF_8));
        attempt.whole = json.isObject();
      }
    }
    if (attempt.whole) {
      tripwire.trip(Moment.AFTER_AN_END);
    }
  }

  private void readStream(Attempt attempt, InputStream body) throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8), 512);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (!line.startsWith(DATA)) {
        continue;
      }
      String data = line.substring(DATA.length());
      if (attempt.format.ends(data)) {
        attempt.whole = true;
      } else if (!attempt.format.text(Json.parse(data)).isEmpty()) {
        attempt.chunksSeen.add(System.nanoTime());
        tripwire.trip(Moment.WITHIN_A_STREAM);
      }
      if (attempt.kind == Attempt.Kind.CLIENT_LEAVES
          && attempt.chunksSeen.size() > attempt.chunks / 3) {
        attempt.failure = "left";
        return;
      }
    }
  }

  private HttpRequest request(Attempt attempt) {
    var body = attempt.format.request(attempt.model(), attempt.kind.streams(), attempt.message);
    return HttpRequest.newBuilder(uri.resolve(attempt.format.path()))
        .timeout(Duration.ofMinutes(2))
        .header("Authorization", "Bearer " + attempt.user.key())
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(Json.text(body)))
        .build();
  }
}
