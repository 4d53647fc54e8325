package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.AnswerParts;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ReasoningSeal;
import dev.llmproxy.error.ApiError;
import java.time.Clock;
import java.util.HashSet;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * Turns the chat events of one answer into a response: its items, and the events of its stream. A
 * stream and a whole response go through the same steps, so that they have the same items. One per
 * request, and not thread-safe except for {@link #ping}.
 */
final class ResponseWriter implements AnswerParts.Writer {
  private static final long BYTES_OF_A_CHARACTER = 4;

  /** What a chat has between the texts of two turns; here they are two messages. */
  private static final String BETWEEN_TURNS = "\n\n";

  private final AskedResponse asked;
  private final ChatCall chat;
  private final ReasoningSeal seal;
  private final ResponseMemory memory;
  private final Clock clock;
  private final ResponseJson json;
  private final ResponseOutput output;
  private final AnswerParts parts;

  /**
   * Whether each piece is taken as it comes. Without a stream and without the server's tools the
   * answer may begin once more, and is taken at its end.
   */
  private final boolean takesPieces;

  private final ServerToolItems serverTools;
  private final Set<String> callIds = new HashSet<>();
  private OpenItem open;
  private int textLength;
  private boolean newTurn;
  private boolean ending;
  private ArrayNode logprobs;

  /**
   * @param events gets the type and the data of each event; null when the client gets no stream
   */
  ResponseWriter(
      AskedResponse asked,
      ChatCall chat,
      ReasoningSeal seal,
      ResponseMemory memory,
      Clock clock,
      BiConsumer<String, ObjectNode> events) {
    this.asked = asked;
    this.chat = chat;
    this.seal = seal;
    this.memory = memory;
    this.clock = clock;
    json = new ResponseJson(asked, chat.started());
    output = new ResponseOutput(asked.id(), events);
    parts = new AnswerParts(this, false, chat.memory());
    takesPieces = events != null || chat.turns().tools().any();
    serverTools = new ServerToolItems(output, asked.wantsSources());
    if (output.streams()) {
      tell("response.created", json.begun());
      tell("response.in_progress", json.begun());
    }
  }

  /** An event for a silent stream. */
  String ping() {
    ObjectNode ping = output.event("keepalive");
    return "event: keepalive\ndata: " + Json.text(ping) + "\n\n";
  }

  /**
   * Adds the next event of the answer.
   *
   * @return the response if the answer is complete; null before
   */
  ObjectNode add(ChatEvent event) {
    switch (event) {
      case ChatEvent.Delta delta -> {
        if (takesPieces) {
          add(delta);
        }
      }
      case ChatEvent.ServerToolDelta call -> {}
      case ChatEvent.Passed passed -> {}
      case ChatEvent.ToolCallStart start -> {
        parts.place();
        serverTools.started(start.call());
        newTurn = true;
      }
      case ChatEvent.ToolCallResult end -> serverTools.ended(end.call(), end.result());
      case ChatEvent.Complete complete -> {
        return complete(complete.usage());
      }
      case ChatEvent.Failed failed -> fail(failed.error());
    }
    return null;
  }

  private void add(ChatEvent.Delta delta) {
    if (asked.wantsLogprobs()
        && delta.chunk().at("/choices/0/logprobs/content") instanceof ArrayNode ofPiece) {
      logprobs = ofPiece;
    }
    parts.add(delta);
    logprobs = null;
  }

  private void addWhole(JsonNode choice) {
    if (asked.wantsLogprobs() && choice.at("/logprobs/content") instanceof ArrayNode ofText) {
      logprobs = ofText;
    }
    AnswerParts.whole(choice.path("message"), this, chat.memory());
  }

  private ObjectNode complete(ObjectNode usage) {
    ending = true;
    if (takesPieces) {
      parts.end();
    } else {
      addWhole(chat.accumulator().completion().path("choices").path(0));
    }
    String cut = cut();
    String status = cut == null ? ResponseOutput.COMPLETED : ResponseOutput.INCOMPLETE;
    ObjectNode response = ended(status, output.shown(), usage, cut);
    // Before the last event, because the client may go on at once.
    if (asked.keeps()) {
      memory.keep(
          chat.caller(),
          asked.previous(),
          asked.input(),
          ended(status, output.remembered(), usage, cut));
    }
    if (output.streams()) {
      tell("response." + status, response);
    }
    return response;
  }

  private ObjectNode ended(String status, JsonNode items, ObjectNode usage, String cut) {
    ObjectNode response = json.of(status, items, usage);
    if (cut == null) {
      response.put("completed_at", clock.instant().getEpochSecond());
    } else {
      response.putObject("incomplete_details").put("reason", cut);
    }
    return response;
  }

  /** Why the answer is incomplete; null when it is complete. */
  private String cut() {
    String reason = chat.accumulator().choices().path(0).path("finish_reason").asText("");
    return switch (reason) {
      case "length" -> "max_output_tokens";
      case "content_filter" -> reason;
      default -> null;
    };
  }

  /**
   * The last event of a stream that has failed. Several clients read the error only in the
   * response, and others only beside it.
   */
  private void fail(ApiError error) {
    if (output.streams()) {
      ObjectNode event = output.event("response.failed");
      event.set("response", json.failed(output.shown(), error));
      output.send(ResponseJson.addError(event, error));
    }
  }

  private void tell(String type, ObjectNode response) {
    output.send(output.event(type).set("response", response));
  }

  @Override
  public void begin(AnswerParts.Part part) {
    open =
        switch (part.kind()) {
          // Its first piece says whether it begins with a separator.
          case TEXT -> null;
          case REFUSAL -> new MessageItem(output, true, 0);
          case REASONING ->
              new ReasoningItem(
                  output, asked, text -> seal.seal(chat.caller(), asked.model(), text));
          case CALL ->
              new CallItem(output, asked.tools().named(part.name()), callId(part.callId()));
        };
  }

  @Override
  public void piece(AnswerParts.Part part, String piece) {
    String said = piece;
    if (open == null) {
      said = withoutSeparator(piece);
      open = new MessageItem(output, false, textLength);
    }
    chat.memory().keep(said.length() * BYTES_OF_A_CHARACTER);
    if (logprobs != null && part.kind() == AnswerParts.Kind.TEXT) {
      ((MessageItem) open).logprobs(logprobs);
    }
    if (!said.isEmpty()) {
      open.text(said);
    }
  }

  @Override
  public void annotations(ArrayNode annotations) {
    if (open instanceof MessageItem message) {
      message.annotate(annotations);
    }
  }

  @Override
  public void end(AnswerParts.Part part) {
    if (part.kind() == AnswerParts.Kind.TEXT) {
      textLength += ((MessageItem) open).length();
    }
    open.end(ending && cut() != null ? ResponseOutput.INCOMPLETE : ResponseOutput.COMPLETED);
    open = null;
  }

  private String withoutSeparator(String firstPiece) {
    boolean separated = newTurn && textLength > 0 && firstPiece.startsWith(BETWEEN_TURNS);
    newTurn = false;
    if (!separated) {
      return firstPiece;
    }
    textLength += BETWEEN_TURNS.length();
    return firstPiece.substring(BETWEEN_TURNS.length());
  }

  /** The provider's id of a call, or another if it is empty or not unique in the answer. */
  private String callId(String ofProvider) {
    String id =
        ofProvider.isEmpty() || callIds.contains(ofProvider) ? chat.newToolCallId() : ofProvider;
    callIds.add(id);
    return id;
  }
}
