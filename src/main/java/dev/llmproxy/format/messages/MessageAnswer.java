package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.AnswerParts;
import dev.llmproxy.chat.AnswerParts.Part;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ReasoningSeal;
import dev.llmproxy.chat.ToolOffer;
import dev.llmproxy.tool.SearchResult;
import dev.llmproxy.tool.ToolCall;
import dev.llmproxy.tool.ToolResult;
import java.util.regex.Pattern;

/**
 * Turns the chat events of an answer into content blocks that follow one another. A stream and a
 * whole answer have the same blocks. One per answer; not thread-safe.
 */
final class MessageAnswer implements AnswerParts.Writer {
  /** Writes the blocks. */
  interface Output {
    /** A block begins. */
    void start(int index, ObjectNode block);

    /** A piece of the block that has begun last. */
    void add(int index, BlockDelta kind, String piece);

    /** The block is whole. */
    void stop(int index);
  }

  private static final Pattern NOT_OF_IDS = Pattern.compile("[^A-Za-z0-9_]");
  private static final long BYTES_OF_A_CHARACTER = 2;
  private static final String TYPE = "type";
  private static final String RESULT = "web_search_tool_result";

  private final MessagesFormat format;
  private final ChatCall chat;
  private final ReasoningSeal seal;
  private final Output output;
  private final AnswerParts parts;
  private final StringBuilder thought = new StringBuilder();
  private int next;
  private int searches;
  private boolean refused;
  private ChatEvent.Delta last;

  MessageAnswer(MessagesFormat format, ChatCall chat, ReasoningSeal seal, Output output) {
    this.format = format;
    this.chat = chat;
    this.seal = seal;
    this.output = output;
    parts = new AnswerParts(this, false, chat.memory());
  }

  /** Adds the next piece of the answer. */
  void add(ChatEvent.Delta delta) {
    last = delta;
    parts.add(delta);
  }

  /** Adds the answer that the chat has collected. */
  void addWhole() {
    JsonNode message = chat.accumulator().choices().path(0).path("message");
    AnswerParts.whole(message, this, chat.memory());
  }

  /** Shows that a tool of the server starts, if it is the web search. */
  void add(ChatEvent.ToolCallStart start) {
    if (isSearch(start.call())) {
      parts.place();
      ObjectNode block = Json.object().put(TYPE, "server_tool_use").put("id", id(start.call()));
      block.put("name", ToolOffer.WEB_SEARCH).putObject("input");
      output.start(next, block);
      output.add(next, BlockDelta.INPUT, start.call().object());
      output.stop(next++);
      searches++;
    }
  }

  /** Shows what a tool of the server has found, if it is the web search. */
  void add(ChatEvent.ToolCallResult end) {
    if (isSearch(end.call())) {
      parts.place();
      ObjectNode block = Json.object().put(TYPE, RESULT).put("tool_use_id", id(end.call()));
      block.set("content", found(end.result()));
      output.start(next, block);
      output.stop(next++);
    }
  }

  /** Ends the last block. */
  void end() {
    parts.end();
  }

  /** The message before its first block, with the usage that is known or estimated so far. */
  ObjectNode head() {
    ObjectNode message =
        Json.object()
            .put("id", "msg_" + chat.requestId().replace("req_", ""))
            .put(TYPE, "message")
            .put("role", "assistant")
            .put("model", format.model());
    message.putArray("content");
    message.putNull("stop_reason").putNull("stop_sequence");
    message.set("usage", MessageUsage.before(chat));
    return message;
  }

  /** {@code stop_reason} and {@code stop_sequence} of the complete answer. */
  ObjectNode stop() {
    JsonNode choice = chat.accumulator().choices().path(0);
    String text = stopText(choice);
    String reason =
        switch (choice.path("finish_reason").asText("stop")) {
          case "length" -> "max_tokens";
          case "tool_calls", "function_call" -> "tool_use";
          case "content_filter" -> "refusal";
          default -> refused ? "refusal" : text.isEmpty() ? "end_turn" : "stop_sequence";
        };
    ObjectNode stop = Json.object().put("stop_reason", reason);
    return stop.put("stop_sequence", reason.equals("stop_sequence") ? text : null);
  }

  /** The usage of the complete answer. */
  ObjectNode usage(ObjectNode reported) {
    return MessageUsage.of(reported, searches);
  }

  /**
   * The client's stop sequence at which the model stopped; empty when the provider does not say.
   */
  private String stopText(JsonNode choice) {
    // vLLM and servers like it say so in this field. The choice of a stream is collected without
    // it.
    JsonNode said = choice.path("stop_reason");
    if (said.isMissingNode() && last != null) {
      said = last.chunk().path("choices").path(0).path("stop_reason");
    }
    String text = said.asText("");
    return format.stopsAt(text) ? text : "";
  }

  @Override
  public void begin(Part part) {
    switch (part.kind()) {
      case REASONING -> {
        if (format.showsThinking()) {
          ObjectNode block = Json.object().put(TYPE, "thinking").put("thinking", "");
          output.start(next, block.put("signature", ""));
        }
      }
      case TEXT -> startText();
      case REFUSAL -> {
        refused = true;
        startText();
      }
      case CALL -> {
        String id = part.callId().isEmpty() ? chat.newToolCallId() : part.callId();
        ObjectNode block = Json.object().put(TYPE, "tool_use").put("id", id);
        block.put("name", part.name()).putObject("input");
        output.start(next, block);
      }
    }
  }

  private void startText() {
    output.start(next, Json.object().put(TYPE, "text").put("text", ""));
  }

  @Override
  public void piece(Part part, String piece) {
    switch (part.kind()) {
      case REASONING -> {
        if (format.showsThinking()) {
          chat.memory().keep(piece.length() * BYTES_OF_A_CHARACTER);
          thought.append(piece);
          if (!format.omitsThinking()) {
            output.add(next, BlockDelta.THINKING, piece);
          }
        }
      }
      case TEXT, REFUSAL -> output.add(next, BlockDelta.TEXT, piece);
      case CALL -> output.add(next, BlockDelta.INPUT, piece);
    }
  }

  @Override
  public void annotations(ArrayNode annotations) {
    // The results of the search are blocks of their own.
  }

  @Override
  public void end(Part part) {
    switch (part.kind()) {
      case REASONING -> {
        if (!format.showsThinking()) {
          return;
        }
        String sealed = seal.seal(chat.caller(), chat.request().model(), thought.toString());
        output.add(next, BlockDelta.SIGNATURE, sealed);
        thought.setLength(0);
      }
      case TEXT, REFUSAL -> {}
      case CALL -> {
        if (part.text().isEmpty()) {
          output.add(next, BlockDelta.INPUT, "{}");
        }
      }
    }
    output.stop(next++);
  }

  private static boolean isSearch(ToolCall call) {
    return call.name().equals(ToolOffer.WEB_SEARCH);
  }

  /** Clients expect this beginning of the ids of tools that a server runs. */
  private static String id(ToolCall call) {
    return "srvtoolu_" + NOT_OF_IDS.matcher(call.id()).replaceAll("_");
  }

  private static JsonNode found(ToolResult result) {
    if (result.failed()) {
      boolean tooOften = result.status() == ToolResult.Status.TOO_OFTEN;
      return Json.object()
          .put(TYPE, RESULT + "_error")
          .put("error_code", tooOften ? "max_uses_exceeded" : "unavailable");
    }
    ArrayNode found = Json.array();
    for (SearchResult each : result.sources()) {
      found
          .addObject()
          .put(TYPE, "web_search_result")
          .put("url", each.url())
          .put("title", each.title())
          // Anthropic's own are unreadable; here it is the excerpt.
          .put("encrypted_content", each.snippet())
          .putNull("page_age");
    }
    return found;
  }
}
