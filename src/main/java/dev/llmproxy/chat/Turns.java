package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.tool.ToolCall;
import dev.llmproxy.tool.ToolResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How far one chat has come: what the provider is asked next, which of the server's tools it has
 * asked for, and what its turns have used. Written by the request's thread; what has been used and
 * counted may be read by any.
 */
public final class Turns {
  /** What is to be done next. */
  enum Step {
    ASK_THE_PROVIDER,
    RUN_TOOLS,
    NOTHING
  }

  /**
   * What has been used.
   *
   * @param ended OpenAI's usage object of the turns that have ended, or null when none has
   * @param running whether a turn is under way
   * @param promptCharacters of the turn under way
   * @param piecesBefore pieces of the answer that came before it
   * @param reported what the provider has said of it so far, or null
   */
  public record Used(
      ObjectNode ended,
      boolean running,
      long promptCharacters,
      long piecesBefore,
      ObjectNode reported) {}

  private final ServerTools tools;
  private final ArrayNode added = Json.array();
  private volatile ObjectNode body;
  private volatile Used used;
  private final AtomicLong hidden = new AtomicLong();
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicInteger toolCalls = new AtomicInteger();
  private boolean heard;
  private boolean spoken;
  private int places;
  private int ownCalls;
  private Step next = Step.ASK_THE_PROVIDER;
  private List<ToolCall> asked = List.of();
  private ObjectNode assistant;
  private ObjectNode finish;
  private ObjectNode head;
  private ChatEvents events;

  Turns(ServerTools tools) {
    this.tools = tools;
    body = tools.body();
    used = new Used(null, true, characters(body), 0, null);
  }

  /** What the provider is asked in this turn: an OpenAI chat request; not to be changed. */
  public ObjectNode body() {
    return body;
  }

  /** The events of the turn under way, or of the tools that run; null before the first turn. */
  ChatEvents events() {
    return events;
  }

  void events(ChatEvents underWay) {
    events = underWay;
  }

  /** Gives up what is under way. */
  void close() {
    if (events != null) {
      events.close();
    }
  }

  /** How often the provider has been asked. */
  public int count() {
    return count.get();
  }

  /** How many tools the server has begun to run. */
  public int toolCalls() {
    return toolCalls.get();
  }

  /** What has been used so far. */
  public Used used() {
    return used;
  }

  /** Pieces of answers that no client gets to see: calls of the server's tools. */
  public long hidden() {
    return hidden.get();
  }

  /** Takes what the provider says in the middle of its answer that it has cost so far. */
  public void report(ObjectNode usageSoFar) {
    Used now = used;
    used = new Used(now.ended, now.running, now.promptCharacters, now.piecesBefore, usageSoFar);
  }

  /** Whether the provider has begun to answer in this turn. */
  boolean heard() {
    return heard;
  }

  ServerTools tools() {
    return tools;
  }

  Step next() {
    return next;
  }

  /** The calls that are to be run now. */
  List<ToolCall> asked() {
    return asked;
  }

  /** They are being run. */
  void toolsBegin() {
    toolCalls.addAndGet(asked.size());
  }

  /** What the server has added to the client's messages so far. */
  ArrayNode added() {
    return added;
  }

  /** The messages have become others than the client sent. */
  void recall(ArrayNode messages) {
    body = Json.object().<ObjectNode>setAll(body).set("messages", messages);
  }

  /** The model, which cannot call tools, is to be asked with what this call has found. */
  void searchFirst(ToolCall search) {
    asked = List.of(search);
    next = Step.RUN_TOOLS;
  }

  /** Another turn begins. */
  void begin(long pieces) {
    count.incrementAndGet();
    heard = false;
    next = Step.NOTHING;
    used = new Used(used.ended, true, characters(body), pieces + hidden.get(), null);
  }

  /** The turn under way has ended. */
  void end(ObjectNode usage) {
    ObjectNode ended = used.ended == null ? usage : Usage.sum(used.ended, usage);
    used = new Used(ended, false, 0, 0, null);
  }

  /**
   * The model has asked for tools of the server's.
   *
   * @param message the assistant message in which it did
   * @param clients the chunk that ends the answer because it asked for the client's own functions
   *     as well; null when it did not
   */
  void ask(List<ToolCall> calls, ObjectNode message, ObjectNode clients) {
    asked = calls;
    assistant = message;
    finish = clients;
    next = Step.RUN_TOOLS;
  }

  /** The chunk that ends the answer once the tools have run, or null when another turn follows. */
  ObjectNode finish() {
    return finish;
  }

  /** What has come of the tools that were asked for. */
  void answer(Map<ToolCall, ToolResult> results) {
    ArrayNode messages = (ArrayNode) body.path("messages");
    ObjectNode nextBody = Json.object().setAll(body);
    if (assistant == null) {
      ToolResult search = results.get(asked.getFirst());
      nextBody.set("messages", PromptText.withSearch(messages, search, tools.search().results()));
    } else {
      ArrayNode more = Json.array().add(assistant);
      for (ToolCall call : asked) {
        more.addObject()
            .put("role", "tool")
            .put("tool_call_id", call.id())
            .put("content", results.get(call).content());
      }
      added.addAll(more);
      nextBody.set("messages", Json.array().addAll(messages).addAll(more));
      freeChoice(nextBody);
    }
    body = nextBody;
    asked = List.of();
    next = finish == null ? Step.ASK_THE_PROVIDER : Step.NOTHING;
  }

  /** No other turn follows. */
  void stop() {
    next = Step.NOTHING;
  }

  /** A model that must call a tool again would never answer. */
  private static void freeChoice(ObjectNode request) {
    JsonNode choice = request.path("tool_choice");
    if (choice.path("type").asText("").equals("allowed_tools")) {
      ObjectNode allowed = choice.deepCopy();
      allowed.withObject("/allowed_tools").put("mode", "auto");
      request.set("tool_choice", allowed);
    } else if (choice.isObject() || choice.asText("").equals("required")) {
      request.put("tool_choice", "auto");
    }
  }

  /** Takes the id and time of the first chunk for all turns. */
  void adopt(ObjectNode chunk, ChatCall chat) {
    heard = true;
    if (head == null) {
      head = Json.object().<ObjectNode>setAll(chunk).retain("id", "object", "created", "model");
    } else {
      chunk.setAll(head(chat));
    }
  }

  /** {@code id}, {@code object}, {@code created} and {@code model} of every chunk. */
  ObjectNode head(ChatCall chat) {
    if (head == null) {
      head =
          Json.object()
              .put("id", "chatcmpl-" + chat.requestId())
              .put("object", "chat.completion.chunk")
              .put("created", chat.started().getEpochSecond())
              .put("model", chat.target().modelId());
    }
    return head;
  }

  /** Whether the chunk that asks is the first that the client gets, and is to say the role. */
  public boolean firstWord() {
    boolean first = !spoken;
    spoken = true;
    return first;
  }

  /** The index of the next tool call that the client gets to see. */
  int nextPlace() {
    return places++;
  }

  /** The number of the next call that the server has to make up an id for, in whatever turn. */
  public int nextOwnCall() {
    return ownCalls++;
  }

  /** Pieces of an answer came that the client does not get to see. */
  void hide(int pieces) {
    hidden.addAndGet(pieces);
  }

  /** A chunk of the answer with one choice, which says this. */
  public ObjectNode chunk(ChatCall chat, ObjectNode delta, String finishReason) {
    ObjectNode chunk = head(chat).deepCopy();
    ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
    choice.set("delta", delta);
    choice.putNull("logprobs").put("finish_reason", finishReason);
    return chunk;
  }

  /** The events that end the answer: what it cites, its last chunk, and the usage of all turns. */
  List<ChatEvent> last(ChatCall chat, ObjectNode finishChunk) {
    List<ChatEvent> events = new ArrayList<>();
    ArrayNode citations =
        Citations.in(chat.accumulator().content(), chat.accumulator().searchResults());
    if (!citations.isEmpty()) {
      events.add(
          new ChatEvent.Delta(chunk(chat, Json.object().set("annotations", citations), null)));
    }
    events.add(new ChatEvent.Delta(finishChunk));
    events.add(new ChatEvent.Complete(used.ended));
    stop();
    return events;
  }

  /** Images and sounds do not count: what they cost is not in their characters. */
  private static long characters(ObjectNode body) {
    long characters = 0;
    for (JsonNode message : body.path("messages")) {
      JsonNode content = message.path("content");
      characters += content.asText("").length();
      for (JsonNode part : content) {
        characters += part.path("text").asText("").length();
      }
    }
    return characters;
  }
}
