package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import dev.llmproxy.base.Json;
import dev.llmproxy.provider.SseEvent;
import dev.llmproxy.provider.SseReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The JSON schemas of the events of POST /chat, in docs/chat-events/. */
public final class EventSchemas {
  private static final Path FOLDER = Path.of("docs/chat-events");
  private static final String ENDING = ".schema.json";
  private static final JsonSchemaFactory SCHEMAS =
      JsonSchemaFactory.getInstance(VersionFlag.V202012);

  private EventSchemas() {}

  /** An event of a stream. */
  public record Event(String name, JsonNode data) {}

  /** The names of the events that have a schema. */
  static Set<String> names() {
    try (Stream<Path> files = Files.list(FOLDER)) {
      Set<String> names = new TreeSet<>();
      files.forEach(file -> names.add(file.getFileName().toString().replace(ENDING, "")));
      return names;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static JsonNode schema(String name) throws IOException {
    return Json.parse(Files.readString(FOLDER.resolve(name + ENDING)));
  }

  /** The schema violations of an event; empty when it is valid. */
  static List<String> problems(Event event) {
    try {
      return SCHEMAS
          .getSchema(schema(event.name()))
          .validate(Json.text(event.data()), InputFormat.JSON)
          .stream()
          .map(ValidationMessage::getMessage)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Parses the events of a stream. Each must have a name and match its schema. */
  public static List<Event> events(String stream) {
    try {
      SseReader reader =
          new SseReader(new ByteArrayInputStream(stream.getBytes(StandardCharsets.UTF_8)), 1 << 20);
      List<Event> events = new ArrayList<>();
      for (SseEvent sent = reader.next(); sent != null; sent = reader.next()) {
        assertThat(sent.name()).as(stream).isIn(names());
        Event event = new Event(sent.name(), Json.parse(sent.data()));
        assertThat(problems(event)).as("%s", event).isEmpty();
        events.add(event);
      }
      return events;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
