package dev.llmproxy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.ToolChats.Event;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;

/** The page Live as the server sees it: reads the events of {@code /admin/api/live}. */
final class LiveStream implements AutoCloseable {
  private final HttpClient client = HttpClient.newHttpClient();
  private final List<Event> events = new CopyOnWriteArrayList<>();
  private final List<String> lines = new CopyOnWriteArrayList<>();
  private volatile boolean over;

  /** Connects and waits for the snapshot. */
  LiveStream(AdminBrowser browser, String query) {
    try {
      HttpResponse<InputStream> answer =
          client.send(
              browser.request("/admin/api/live" + query).build(), BodyHandlers.ofInputStream());
      if (answer.statusCode() != 200) {
        throw new IllegalStateException("The status is " + answer.statusCode());
      }
      Thread.ofVirtual().start(() -> read(answer.body()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    await("snapshot", "");
  }

  private void read(InputStream body) {
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8))) {
      String name = "";
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        lines.add(line);
        if (line.startsWith("event: ")) {
          name = line.substring("event: ".length());
        } else if (line.startsWith("data: ")) {
          events.add(new Event(name, line.substring("data: ".length())));
        }
      }
    } catch (IOException e) {
      // The stream was closed.
    }
    over = true;
  }

  /** The events so far. */
  List<Event> events() {
    return List.copyOf(events);
  }

  /** All that was received. */
  String text() {
    return String.join("\n", lines);
  }

  boolean over() {
    return over;
  }

  /** The data of the events of this name so far. */
  List<JsonNode> of(String name) {
    return events().stream().filter(event -> event.name().equals(name)).map(Event::json).toList();
  }

  /** Waits for an event of this name whose data contains a text; returns its data. */
  JsonNode await(String name, String part) {
    return Awaitility.await()
        .until(
            () ->
                events().stream()
                    .filter(event -> event.name().equals(name) && event.data().contains(part))
                    .findFirst(),
            Optional::isPresent)
        .orElseThrow()
        .json();
  }

  /** Leaves, as a browser does. */
  @Override
  public void close() {
    client.shutdownNow();
  }
}
