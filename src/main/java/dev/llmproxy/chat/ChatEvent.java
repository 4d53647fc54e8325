package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.tool.ToolCall;
import dev.llmproxy.tool.ToolResult;

/**
 * An event that the internal chat endpoint emits, from a provider or a tool to a sink. The last
 * event of a chat is complete or error.
 */
public sealed interface ChatEvent {

  /** The event's name in the stream of {@code POST /chat}. */
  String name();

  /**
   * A piece of the answer.
   *
   * @param chunk an OpenAI {@code chat.completion.chunk} with every field that the wire contract
   *     requires, without usage; unknown fields of the provider are included
   */
  record Delta(ObjectNode chunk) implements ChatEvent {
    @Override
    public String name() {
      return "delta";
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
