package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.provider.SseEvent;
import dev.llmproxy.provider.SseReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads a streamed answer: prints its text and tool notifications as they arrive, and checks its
 * form. One object per answer.
 */
final class StreamedAnswer {
  private static final int MAX_EVENT_BYTES = 16 << 20;
  private static final String NOTIFICATION = "tool_notification";

  private final PrintWriter out;
  private final ToolSteps tools = new ToolSteps();
  private final List<String> problems = new ArrayList<>();
  private String id;
  private int chunks;
  private int customEvents;
  private boolean done;
  private boolean midLine;
  private boolean toolCalls;
  private String finishReason;
  private JsonNode usage = Json.object();
  private JsonNode error;

  private StreamedAnswer(PrintWriter out) {
    this.out = out;
  }

  /**
   * Reads an answer to its end.
   *
   * @throws IOException when the answer cannot be read, or an event is not JSON
   */
  static StreamedAnswer read(InputStream body, PrintWriter out) throws IOException {
    StreamedAnswer answer = new StreamedAnswer(out);
    try (body) {
      SseReader reader = new SseReader(body, MAX_EVENT_BYTES);
      for (SseEvent event = reader.next(); event != null; event = reader.next()) {
        answer.take(event);
      }
    }
    answer.endLine();
    answer.checkEnd();
    return answer;
  }

  /** The problems of the answer, one sentence each; empty when it is complete and valid. */
  List<String> problems() {
    return problems;
  }

  int chunks() {
    return chunks;
  }

  /** The number of events with a name. */
  int customEvents() {
    return customEvents;
  }

  /** Whether the model asked the client to call a function. */
  boolean toolCalls() {
    return toolCalls;
  }

  /** The notifications of tools that the server ran. */
  ToolSteps tools() {
    return tools;
  }

  /** The last finish reason; null when the stream had none. */
  String finishReason() {
    return finishReason;
  }

  /** OpenAI's usage object; empty when the stream had none. */
  JsonNode usage() {
    return usage;
  }

  private void take(SseEvent event) throws IOException {
    if (event.data().equals("[DONE]")) {
      done = true;
      return;
    }
    JsonNode chunk = Json.parse(event.data());
    if (chunk.has("error")) {
      error = chunk.get("error");
      return;
    }
    if (event.name() != null) {
      customEvents++;
      endLine();
      if (event.name().equals(NOTIFICATION)) {
        notification(chunk);
      } else {
        out.println("[" + event.name() + "] " + event.data());
      }
    }
    chunk(chunk);
  }

  private void notification(JsonNode event) {
    out.println(ToolSteps.inWords(event));
    if (finishReason != null) {
      problems.add("a tool_notification came after the finish chunk");
    }
    boolean empty = event.at("/choices/0/delta/content").asText("").isEmpty();
    if (event.path("choices").size() != 1 || !empty) {
      problems.add("a tool_notification is not the empty chunk that SDKs need: " + event);
    }
    tools.add(event);
  }

  private void chunk(JsonNode chunk) {
    chunks++;
    if (id == null) {
      id = chunk.path("id").asText("");
    }
    if (!chunk.path("object").asText("").equals("chat.completion.chunk")
        || id.isEmpty()
        || !chunk.path("id").asText("").equals(id)) {
      problems.add("not a chunk with the stream's id " + id + ": " + chunk);
    }
    JsonNode choice = chunk.path("choices").path(0);
    String text = choice.path("delta").path("content").asText("");
    if (!text.isEmpty()) {
      out.print(text);
      out.flush();
      midLine = !text.endsWith("\n");
    }
    toolCalls |= choice.path("delta").has("tool_calls");
    if (choice.path("finish_reason").isTextual()) {
      finishReason = choice.get("finish_reason").textValue();
    }
    if (chunk.path("usage").isObject()) {
      usage = chunk.get("usage");
    }
  }

  private void endLine() {
    if (midLine) {
      out.println();
      midLine = false;
    }
  }

  private void checkEnd() {
    if (error != null) {
      problems.addFirst("the stream ended with an error: " + error);
    } else if (!done) {
      problems.addFirst("the stream ended without [DONE]");
    } else if (finishReason == null) {
      problems.addFirst("the stream had no finish_reason");
    }
  }
}
