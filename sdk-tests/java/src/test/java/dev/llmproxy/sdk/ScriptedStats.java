package dev.llmproxy.sdk;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.regex.Pattern;

/**
 * The counters of the scripted provider. A test that reads them is skipped when they are not
 * available.
 */
final class ScriptedStats {
  private ScriptedStats() {}

  /** The number of requests to the API so far. */
  static int requests() throws IOException, InterruptedException {
    return count("requests");
  }

  /** The number of answers that the peer aborted so far. */
  static int cancelled() throws IOException, InterruptedException {
    return count("cancelled");
  }

  /**
   * Waits some seconds. Without a cancellation the answers would continue for a minute or for ever.
   */
  static void awaitMoreCancelledThan(int before) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (cancelled() == before) {
      assertThat(System.nanoTime()).as("cancelled in time").isLessThan(deadline);
      Thread.sleep(20);
    }
  }

  private static int count(String name) throws IOException, InterruptedException {
    URI stats = URI.create(Gateway.optional("LLMPROXY_SCRIPTED_STATS"));
    try (HttpClient client = HttpClient.newHttpClient()) {
      String body =
          client.send(HttpRequest.newBuilder(stats).build(), BodyHandlers.ofString()).body();
      var number = Pattern.compile("\"" + name + "\":(\\d+)").matcher(body);
      assertThat(number.find()).isTrue();
      return Integer.parseInt(number.group(1));
    }
  }
}
