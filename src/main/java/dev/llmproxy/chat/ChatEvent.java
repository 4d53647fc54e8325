package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.tool.ToolCall;
import dev.llmproxy.tool.ToolResult;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * An event that the internal chat endpoint emits, from a provider or a tool to a sink. The last
 * event of a chat is complete or error.
 */
public sealed interface ChatEvent {

  /** The event's name in the stream of {@code POST /chat}. */
  String name();

  /** A piece of the answer. Its chunk is built as a tree only when it is asked for. */
  final class Delta implements ChatEvent {
    private final TextFrame frame;
    private final List<String> literals;
    private final int characters;
    private ObjectNode chunk;

    /**
     * @param chunk an OpenAI {@code chat.completion.chunk} with every field that the wire contract
     *     requires, without usage; unknown fields of the provider are included
     */
    public Delta(ObjectNode chunk) {
      this.chunk = chunk;
      frame = null;
      literals = List.of();
      characters = 0;
    }

    /** A chunk that differs from an earlier one only in its text; see {@link TextFrame#delta}. */
    Delta(TextFrame frame, List<String> literals, int characters) {
      this.frame = frame;
      this.literals = literals;
      this.characters = characters;
    }

    @Override
    public String name() {
      return "delta";
    }

    /** The chunk; changes of it are part of the event. */
    public ObjectNode chunk() {
      if (chunk == null) {
        chunk = frame.chunk(literals);
      }
      return chunk;
    }

    /** The chunk as JSON in UTF-8. */
    public byte[] json() {
      return chunk == null ? frame.json(literals) : Json.bytes(chunk);
    }

    /** Whether the chunk is text in the frame of an earlier chunk, and has not been changed. */
    boolean isText() {
      return chunk == null;
    }

    /** Whether it has text, a tool call, a finish reason or the like, and not only the role. */
    public boolean hasContent() {
      return isText() || !isEmptyExceptFor(null);
    }

    /**
     * Whether every choice has an empty delta, apart from its role.
     *
     * @param finishReason the only finish reason that is allowed; null for none
     */
    public boolean isEmptyExceptFor(String finishReason) {
      if (isText()) {
        return false;
      }
      for (JsonNode choice : chunk.path("choices")) {
        JsonNode reason = choice.path("finish_reason");
        if (reason.isTextual() && !reason.textValue().equals(finishReason)) {
          return false;
        }
        for (Map.Entry<String, JsonNode> field : choice.path("delta").properties()) {
          JsonNode value = field.getValue();
          boolean empty =
              value.isNull()
                  || (value.isTextual() && value.textValue().isEmpty())
                  || (value.isContainerNode() && value.isEmpty());
          if (!field.getKey().equals("role") && !empty) {
            return false;
          }
        }
      }
      return true;
    }

    /** The index of the text's choice. */
    int index() {
      return frame.index();
    }

    /** The text; only when {@link #isText}. */
    String text() {
      return JsonText.decoded(literals.getFirst());
    }

    /** The estimated number of the text's tokens; only when {@link #isText}. */
    public int tokens() {
      return Accumulator.pieces(characters);
    }

    @Override
    public String toString() {
      return "Delta[" + new String(json(), StandardCharsets.UTF_8) + "]";
    }
  }

  /**
   * A piece of a call of a server's tool, for clients that ask to see these calls. It is not part
   * of the answer.
   *
   * @param chunk a chunk as in {@link Delta}
   */
  record ServerToolDelta(ObjectNode chunk) implements ChatEvent {
    @Override
    public String name() {
      return "server_tool_delta";
    }
  }

  /**
   * An event of the provider in the client's own format, for a request that goes through without
   * translation. What it says follows as other events, for the accumulator, the usage and the log.
   *
   * @param event the event's name; null for a whole answer
   * @param json the event's data, or the whole answer, as the provider has sent it
   */
  record Passed(String event, String json) implements ChatEvent {
    @Override
    public String name() {
      return "passed";
    }
  }

  /** The model has called a tool of the server, and the tool is about to run. */
  record ToolCallStart(ToolCall call) implements ChatEvent {
    @Override
    public String name() {
      return "tool_call_start";
    }
  }

  /** A tool of the server has ended, with a result or with a failure. */
  record ToolCallResult(ToolCall call, ToolResult result) implements ChatEvent {
    @Override
    public String name() {
      return "tool_call_result";
    }
  }

  /**
   * The answer is complete.
   *
   * @param usage OpenAI's usage object with at least prompt_tokens, completion_tokens and
   *     total_tokens
   */
  record Complete(ObjectNode usage) implements ChatEvent {
    @Override
    public String name() {
      return "complete";
    }
  }

  /** The answer failed, before its first event or later. */
  record Failed(ApiError error) implements ChatEvent {
    @Override
    public String name() {
      return "error";
    }
  }
}
