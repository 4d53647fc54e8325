package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.tool.ToolCall;
import dev.llmproxy.tool.ToolResult;

/**
 * What the internal chat endpoint emits between a provider, or a tool, and a sink; the last one of
 * a chat is complete or error.
 */
public sealed interface ChatEvent {

  /** The event's name in the stream of {@code POST /chat}, where it is shown. */
  String name();

  /**
   * A piece of the answer.
   *
   * @param chunk an OpenAI {@code chat.completion.chunk} with every field this contract asks for
   *     and without usage; fields nobody here knows are still in it
   */
  record Delta(ObjectNode chunk) implements ChatEvent {
    @Override
    public String name() {
      return "delta";
    }
  }

  /**
   * A piece of a call of one of the server's tools, for clients that want to see these as well; it
   * is not part of the answer.
   *
   * @param chunk as that of {@link Delta}
   */
  record ServerToolDelta(ObjectNode chunk) implements ChatEvent {
    @Override
    public String name() {
      return "server_tool_delta";
    }
  }

  /** A tool that the server runs itself has been asked for and is about to run. */
  record ToolCallStart(ToolCall call) implements ChatEvent {
    @Override
    public String name() {
      return "tool_call_start";
    }
  }

  /** A tool that the server ran has ended, well or not. */
  record ToolCallResult(ToolCall call, ToolResult result) implements ChatEvent {
    @Override
    public String name() {
      return "tool_call_result";
    }
  }

  /**
   * The answer is whole.
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

  /** The answer ended early or never began. */
  record Failed(ApiError error) implements ChatEvent {
    @Override
    public String name() {
      return "error";
    }
  }
}
