package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.tool.ToolCall;
import dev.llmproxy.tool.ToolResult;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * The progress of one chat: the next request to the provider, the calls of the server's tools, and
 * the usage of the turns. Only the request's thread writes. Any thread may read the usage and the
 * counts.
 */
public final class Turns {
  /** The next step of the chat. */
  enum Step {
    ASK_THE_PROVIDER,
    RUN_TOOLS,
    NOTHING
  }

  /**
   * The usage so far.
   *
   * @param ended OpenAI's usage object, the sum over the turns that have ended; null when none has
   * @param turns the tokens of each turn that has ended
   * @param running whether a turn is running
   * @param promptCharacters the characters of the current turn's messages
   * @param piecesBefore the pieces of the answer before the current turn
   * @param reported the usage that the provider has reported for the current turn so far, or null
   */
  public record Used(
      ObjectNode ended,
      List<TokenCount> turns,
      boolean running,
      long promptCharacters,
      long piecesBefore,
      ObjectNode reported) {}

  private final ServerTools tools;
  private final ArrayNode added = Json.array();
  private volatile ObjectNode body;
  private volatile Used used;
  private final Set<String> failed = new HashSet<>();
  private final Map<String, Integer> uses = new HashMap<>();
  private final AtomicLong hidden = new AtomicLong();
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicInteger toolCalls = new AtomicInteger();
  private volatile boolean fromCache;
  private boolean heard;
  private boolean spoken;
  private int places;
  private int ownCalls;
  private int thoughts;
  private Step next = Step.ASK_THE_PROVIDER;
  private List<ToolCall> asked = List.of();
  private ObjectNode assistant;
  private ObjectNode finish;
  private ObjectNode head;
  private ChatEvents events;
  private UnaryOperator<ChatEvents> filter = UnaryOperator.identity();
  private Supplier<String> heldText = () -> "";

  Turns(ServerTools tools) {
    this.tools = tools;
    body = tools.body();
    used = new Used(null, List.of(), true, characters(body), 0, null);
  }

  /** The OpenAI chat request of this turn. Do not change it. */
  public ObjectNode body() {
    return body;
  }

  /** The events of the current turn or of the running tools; null before the first turn. */
  ChatEvents events() {
    return events;
  }

  void events(ChatEvents underWay) {
    events = filter.apply(underWay);
  }

  /** Passes the events of every turn, and of the tools between turns, through a filter. */
  public void filter(UnaryOperator<ChatEvents> through) {
    filter = through;
  }

  /**
   * Ends the chat after a filter has refused a part of the answer: no turn follows.
   *
   * @param pieces the pieces of the answer that the client does not get
   * @param usage the usage of the current turn if it is known, else null
   */
  public void refuse(int pieces, ObjectNode usage) {
    heard = true;
    hide(pieces);
    if (usage != null && used.running) {
      report(usage);
    }
    stop();
  }

  /** Sets the text of the first choice that a filter has received and not passed on. */
  public void setHeldText(Supplier<String> text) {
    heldText = text;
  }

  /** Sets the events of a stored answer in place of turns. */
  void answerFromCache(List<ChatEvent> stored) {
    fromCache = true;
    stop();
    events(new StoredEvents(stored));
  }

  /** Whether the answer is a stored one. */
  boolean fromCache() {
    return fromCache;
  }

  /** Cancels the current turn or the running tools. */
  void close() {
    if (events != null) {
      events.close();
    }
  }

  /** The number of turns begun so far. */
  public int count() {
    return count.get();
  }

  /** The number of tool calls that the server has started. */
  public int toolCalls() {
    return toolCalls.get();
  }

  /** The usage so far. */
  public Used used() {
    return used;
  }

  /** The number of pieces that the client does not get: calls of the server's tools. */
  public long hidden() {
    return hidden.get();
  }

  /** Sets the usage that the provider reports in the middle of its answer. */
  public void report(ObjectNode usageSoFar) {
    Used now = used;
    used =
        new Used(
            now.ended, now.turns, now.running, now.promptCharacters, now.piecesBefore, usageSoFar);
  }

  /** The current turn begins once more. */
  void startAgain() {
    count.decrementAndGet();
    next = Step.ASK_THE_PROVIDER;
  }

  /** Forgets the usage of an attempt that has failed. */
  public void forgetReport() {
    if (used.reported != null) {
      report(null);
    }
  }

  /** Whether the provider has begun to answer in this turn. */
  boolean heard() {
    return heard;
  }

  /** The server's tools that the model may call. */
  public ServerTools tools() {
    return tools;
  }

  Step next() {
    return next;
  }

  /** The tool calls to run now. */
  List<ToolCall> asked() {
    return asked;
  }

  /** Counts the tool calls that now start. */
  void toolsBegin() {
    toolCalls.addAndGet(asked.size());
  }

  /** The messages that the server has added to the client's messages so far. */
  ArrayNode added() {
    return added;
  }

  /** Replaces the client's messages by those with the remembered tool calls. */
  void recall(ArrayNode messages) {
    body = Json.object().<ObjectNode>setAll(body).set("messages", messages);
  }

  /** Runs a search before the first turn, for a model that cannot call tools. */
  void searchFirst(ToolCall search) {
    asked = List.of(search);
    next = Step.RUN_TOOLS;
  }

  /**
   * Begins another turn.
   *
   * @param pieces the pieces of the answer so far
   */
  void begin(long pieces) {
    count.incrementAndGet();
    heard = false;
    next = Step.NOTHING;
    used = new Used(used.ended, used.turns, true, characters(body), pieces + hidden.get(), null);
  }

  /**
   * Ends the current turn.
   *
   * @param usage OpenAI's usage object of this turn
   */
  void end(ObjectNode usage) {
    ObjectNode ended = used.ended == null ? usage : Usage.sum(used.ended, usage);
    List<TokenCount> turns = new ArrayList<>(used.turns);
    turns.add(TokenCount.of(usage));
    used = new Used(ended, List.copyOf(turns), false, 0, 0, null);
  }

  /**
   * Sets the calls of the server's tools as the next step.
   *
   * @param message the assistant message with the calls
   * @param clients the chunk that ends the answer when the model also called the client's
   *     functions; null when it did not
   */
  void ask(List<ToolCall> calls, ObjectNode message, ObjectNode clients) {
    asked = calls;
    assistant = message;
    finish = clients;
    next = Step.RUN_TOOLS;
  }

  /** The chunk that ends the answer after the tools; null when another turn follows. */
  ObjectNode finish() {
    return finish;
  }

  /** Counts the calls of the server's tools, and returns those beyond what the client allows. */
  Set<ToolCall> tooOften() {
    Set<ToolCall> tooOften = new HashSet<>();
    for (ToolCall call : asked) {
      Integer most = tools.most().get(call.name());
      if (most != null && uses.merge(call.name(), 1, Integer::sum) > most) {
        tooOften.add(call);
      }
    }
    return tooOften;
  }

  /** Adds the results of the tool calls to the next request. */
  void answer(Map<ToolCall, ToolResult> results) {
    ArrayNode messages = (ArrayNode) body.path("messages");
    ObjectNode nextBody = Json.object().setAll(body);
    if (assistant == null) {
      ToolResult search = results.get(asked.getFirst());
      nextBody.set("messages", PromptText.withSearch(messages, search, tools.search().results()));
    } else {
      ArrayNode more = Json.array().add(assistant);
      for (ToolCall call : asked) {
        if (results.get(call).failed()) {
          failed.add(call.id());
        }
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

  /** Whether the server has run this call of a tool and the tool has failed. */
  public boolean failed(String callId) {
    return failed.contains(callId);
  }

  /** Ends the chat: no turn follows. */
  void stop() {
    next = Step.NOTHING;
  }

  /**
   * Makes the choice of tools free, because a model that must call a tool in every turn never
   * answers.
   */
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

  /** Gives the chunks of all turns the id and time of the first chunk. */
  void adopt(ObjectNode chunk, ChatCall chat) {
    heard = true;
    if (head == null) {
      head = Json.object().<ObjectNode>setAll(chunk).retain("id", "object", "created", "model");
    } else {
      chunk.setAll(head(chat));
    }
  }

  /** The fields {@code id}, {@code object}, {@code created} and {@code model} of every chunk. */
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

  /**
   * Whether this is the first call, and the client's first chunk, which contains the role. False
   * from the second call on.
   */
  public boolean firstWord() {
    boolean first = !spoken;
    spoken = true;
    return first;
  }

  /** The index of the next tool call in the client's stream. */
  int nextPlace() {
    return places++;
  }

  /**
   * The number of the next tool call for which the server generates an id, counted over all turns.
   */
  public int nextOwnCall() {
    return ownCalls++;
  }

  /**
   * The index of the next block of thoughts in the client's stream, counted over all turns.
   * openai-python joins lists by the index of their entries, and fails without one.
   */
  public int nextThought() {
    return thoughts++;
  }

  /** Counts pieces that the client does not get. */
  void hide(int pieces) {
    hidden.addAndGet(pieces);
  }

  /** A chunk of the answer with one choice. */
  public ObjectNode chunk(ChatCall chat, ObjectNode delta, String finishReason) {
    ObjectNode chunk = head(chat).deepCopy();
    ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
    choice.set("delta", delta);
    choice.putNull("logprobs").put("finish_reason", finishReason);
    return chunk;
  }

  /** The events that end the answer: its citations, its last chunk, and the usage of all turns. */
  List<ChatEvent> last(ChatCall chat, ObjectNode finishChunk) {
    List<ChatEvent> events = new ArrayList<>();
    ArrayNode citations =
        Citations.in(
            chat.accumulator().content() + heldText.get(), chat.accumulator().searchResults());
    if (!citations.isEmpty()) {
      events.add(
          new ChatEvent.Delta(chunk(chat, Json.object().set("annotations", citations), null)));
    }
    events.add(new ChatEvent.Delta(finishChunk));
    events.add(new ChatEvent.Complete(used.ended));
    stop();
    return events;
  }

  /**
   * The characters of all texts. Images and sounds are not counted, because their cost does not
   * depend on characters.
   */
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
