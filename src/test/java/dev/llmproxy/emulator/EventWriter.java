package dev.llmproxy.emulator;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;

/** Writes server-sent events to one connection, whole or in the pieces of the script. */
final class EventWriter {
  private static final Duration BETWEEN_PIECES = Duration.ofMillis(2);

  private final HttpConnection connection;
  private final Script script;
  private final String lineEnd;

  EventWriter(HttpConnection connection, Script script) {
    this(connection, script, script.has(Directive.CRLF) ? "\r\n" : "\n");
  }

  EventWriter(HttpConnection connection, Script script, String lineEnd) {
    this.connection = connection;
    this.script = script;
    this.lineEnd = lineEnd;
  }

  void start() throws IOException {
    connection.startStream(
        Map.of("content-type", "text/event-stream", "cache-control", "no-cache"));
  }

  /** Sends an event without a name. */
  void send(String data) throws IOException {
    write("data: " + data + lineEnd + lineEnd);
  }

  /** Sends an event with a name. */
  void send(String name, String data) throws IOException {
    write("event: " + name + lineEnd + "data: " + data + lineEnd + lineEnd);
  }

  /** Sends a text that is no event. */
  void raw(String text) throws IOException {
    write(text);
  }

  private void write(String text) throws IOException {
    byte[] event = text.getBytes(UTF_8);
    int cut = script.has(Directive.UTF8) ? insideFirstMultiByteCharacter(event) : 0;
    if (script.has(Directive.SPLIT)) {
      for (int i = 0; i < event.length; i++) {
        connection.write(event, i, i + 1);
      }
    } else if (cut > 0) {
      connection.write(event, 0, cut);
      connection.pause(BETWEEN_PIECES);
      connection.write(event, cut, event.length);
    } else {
      connection.write(event, 0, event.length);
    }
  }

  void pause(Duration duration) throws IOException {
    connection.pause(duration);
  }

  void end() throws IOException {
    connection.endStream();
  }

  void reset() throws IOException {
    connection.reset();
  }

  private static int insideFirstMultiByteCharacter(byte[] event) {
    for (int i = 0; i < event.length; i++) {
      if (event[i] < 0) {
        return i + 1;
      }
    }
    return 0;
  }
}
