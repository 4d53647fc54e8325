package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.provider.SseEvent;
import dev.llmproxy.provider.SseReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.util.List;

/**
 * Reads a streamed answer in the Responses or the Messages format: prints its text as it arrives,
 * and checks that it is whole. One object per answer.
 */
final class FormatStream {
  private static final int MAX_EVENT_BYTES = 16 << 20;

  private final PrintWriter out;
  private final String first;
  private final List<String> last;
  private String begin;
  private String end = "";
  private int events;
  private long tokens;

  private FormatStream(PrintWriter out, String first, List<String> last) {
    this.out = out;
    this.first = first;
    this.last = last;
  }

  /**
   * Reads the events of a response.
   *
   * @return a summary
   * @throws IOException when the answer is not whole
   */
  static String responses(InputStream body, PrintWriter out) throws IOException {
    return new FormatStream(
            out, "response.created", List.of("response.completed", "response.incomplete"))
        .read(body);
  }

  /** Reads the events of a message; as {@link #responses}. */
  static String messages(InputStream body, PrintWriter out) throws IOException {
    return new FormatStream(out, "message_start", List.of("message_stop")).read(body);
  }

  private String read(InputStream body) throws IOException {
    try (body) {
      SseReader reader = new SseReader(body, MAX_EVENT_BYTES);
      for (SseEvent event = reader.next(); event != null; event = reader.next()) {
        take(event);
      }
    }
    out.println();
    if (!first.equals(begin) || !last.contains(end)) {
      throw new IOException(
          "the stream begins with %s and ends with %s; it must begin with %s and end with %s"
              .formatted(begin, end, first, String.join(" or ", last)));
    }
    if (tokens == 0) {
      throw new IOException("there is no usage");
    }
    return events + " events, " + tokens + " tokens";
  }

  private void take(SseEvent event) throws IOException {
    JsonNode data = Json.parse(event.data());
    String type = data.path("type").asText();
    if (!type.equals(event.name())) {
      throw new IOException("an event is named " + event.name() + " and has the type " + type);
    }
    if (type.equals("error") || type.equals("response.failed")) {
      throw new IOException("the answer failed: " + data.path("error").path("message").asText());
    }
    begin = begin == null ? type : begin;
    end = type;
    events++;
    JsonNode delta = data.path("delta");
    out.print(
        type.equals("response.output_text.delta") ? delta.asText() : delta.path("text").asText(""));
    out.flush();
    JsonNode usage = data.path(data.has("response") ? "response" : "message").path("usage");
    usage = data.has("usage") ? data.path("usage") : usage;
    long counted = usage.path("input_tokens").asLong() + usage.path("output_tokens").asLong();
    tokens = counted > 0 ? counted : tokens;
  }
}
