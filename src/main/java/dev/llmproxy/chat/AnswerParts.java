package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.http.AnswerMemory;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;

/**
 * Splits the first choice of an answer into parts that follow one another, for formats in which
 * only one part is open at a time. What arrives while a call is incomplete waits for its end. A
 * whole answer and the same answer as a stream have the same parts.
 */
public final class AnswerParts {
  /** The kind of a part. */
  public enum Kind {
    /** What the model thinks before it answers. */
    REASONING,
    TEXT,
    /** The model's words for that it does not answer. */
    REFUSAL,
    /** A call of a function of the client. */
    CALL
  }

  /** A part of an answer. */
  public static final class Part {
    private final Kind kind;
    private final int index;
    private final String callId;
    private final String name;
    private final StringBuilder text = new StringBuilder();

    private Part(Kind kind, int index, String callId, String name) {
      this.kind = kind;
      this.index = index;
      this.callId = callId;
      this.name = name;
    }

    public Kind kind() {
      return kind;
    }

    /** The place in the answer: 0, 1, 2 … */
    public int index() {
      return index;
    }

    /** The provider's id of a call, which may be empty; null for other kinds. */
    public String callId() {
      return callId;
    }

    /** The name of the function of a call, which may be empty; null for other kinds. */
    public String name() {
      return name;
    }

    /**
     * The text so far; for a call its arguments, which are usually a JSON object. Empty for other
     * kinds unless texts are kept.
     */
    public String text() {
      return text.toString();
    }
  }

  /** Writes the parts, in order. */
  public interface Writer {
    /** A part begins; the part before it has ended. */
    void begin(Part part);

    /**
     * A piece of the open part, which is not empty.
     *
     * @param piece plain text; for a call a piece of its arguments
     */
    void piece(Part part, String piece);

    /** Citations of the text so far, as OpenAI's {@code annotations}; the part may have ended. */
    void annotations(ArrayNode annotations);

    /** The part is whole. */
    void end(Part part);
  }

  /** A call of which no piece has been written, because another one is incomplete. */
  private static final class Waiting {
    private final StringBuilder id = new StringBuilder();
    private final StringBuilder name = new StringBuilder();
    private final StringBuilder arguments = new StringBuilder();
  }

  /** Text that waits for the end of a call. */
  private record Held(Kind kind, String text) {}

  private static final long BYTES_OF_A_CHARACTER = 2;

  private final Writer writer;
  private final boolean keepTexts;
  private final AnswerMemory.Share memory;
  private final Set<Integer> ended = new HashSet<>();
  private final Map<Integer, Waiting> waiting = new TreeMap<>();
  private final Queue<Held> held = new ArrayDeque<>();
  private Part open;
  private int openCall;
  private int parts;

  /**
   * @param keepTexts whether {@link Part#text} has the text of every part
   * @param memory the account that kept texts are charged to
   */
  public AnswerParts(Writer writer, boolean keepTexts, AnswerMemory.Share memory) {
    this.writer = writer;
    this.keepTexts = keepTexts;
    this.memory = memory;
  }

  /** Writes a whole answer: the message of the first choice of a {@code chat.completion}. */
  public static void whole(JsonNode message, Writer writer, AnswerMemory.Share memory) {
    AnswerParts parts = new AnswerParts(writer, true, memory);
    parts.addTexts(message);
    parts.addAnnotations(message);
    int index = 0;
    for (JsonNode call : message.path("tool_calls")) {
      parts.addCall(index++, call);
    }
    parts.end();
  }

  /** The number of parts so far. */
  public int count() {
    return parts;
  }

  /**
   * Takes the next place, for something that is no part of the model's answer. Ends the open part.
   */
  public int place() {
    close();
    return parts++;
  }

  /** Adds the next piece of the answer. */
  public void add(ChatEvent.Delta delta) {
    if (delta.isText()) {
      if (delta.index() == 0) {
        add(Kind.TEXT, delta.text());
      }
      return;
    }
    for (JsonNode choice : delta.chunk().path("choices")) {
      if (choice.path("index").asInt() == 0) {
        JsonNode piece = choice.path("delta");
        addTexts(piece);
        addAnnotations(piece);
        for (JsonNode call : piece.path("tool_calls")) {
          addCall(call.path("index").asInt(), call);
        }
      }
    }
  }

  /** Ends the answer: writes what waits, and ends the open part. */
  public void end() {
    close();
    waiting.forEach((index, call) -> {
      begin(new Part(Kind.CALL, parts, call.id.toString(), call.name.toString()), index);
      write(call.arguments.toString());
      close();
    });
    waiting.clear();
    writeHeld();
    close();
  }

  private void addTexts(JsonNode piece) {
    // Some providers send the same text in both fields.
    String reasoning = piece.path("reasoning_content").asText("");
    add(Kind.REASONING, reasoning.isEmpty() ? piece.path("reasoning").asText("") : reasoning);
    add(Kind.TEXT, piece.path("content").asText(""));
    add(Kind.REFUSAL, piece.path("refusal").asText(""));
  }

  private void addAnnotations(JsonNode piece) {
    if (piece.path("annotations") instanceof ArrayNode annotations && !annotations.isEmpty()) {
      writer.annotations(annotations);
    }
  }

  private void add(Kind kind, String text) {
    if (text.isEmpty()) {
      return;
    }
    if (open != null && open.kind == Kind.CALL && !whole(open)) {
      memory.keep(text.length() * BYTES_OF_A_CHARACTER);
      held.add(new Held(kind, text));
      return;
    }
    writeHeld();
    writeText(kind, text);
  }

  /** Writes the texts that waited for the end of the open call. */
  private void writeHeld() {
    for (Held text = held.poll(); text != null; text = held.poll()) {
      writeText(text.kind, text.text);
    }
  }

  private void writeText(Kind kind, String text) {
    if (open == null || open.kind != kind) {
      begin(new Part(kind, parts, null, null), -1);
    }
    write(text);
  }

  private void addCall(int index, JsonNode fragment) {
    JsonNode function = fragment.path("function");
    String arguments = function.path("arguments").asText("");
    String id = fragment.path("id").asText("");
    String name = function.path("name").asText("");
    if (isOpenCall(index) && !isAnother(id, name)) {
      write(arguments);
      return;
    }
    if (name.isEmpty() && ended.contains(index)) {
      // Its arguments were whole already.
      return;
    }
    Waiting call = waiting.computeIfAbsent(index, unknown -> new Waiting());
    if (call.id.isEmpty()) {
      call.id.append(id);
    }
    if (call.name.isEmpty()) {
      call.name.append(name);
    }
    call.arguments.append(arguments);
    memory.keep(arguments.length() * BYTES_OF_A_CHARACTER);
    if (open == null || open.kind != Kind.CALL || whole(open)) {
      beginWaiting();
    }
  }

  /** Begins the waiting calls in the order of their indexes, until one is incomplete. */
  private void beginWaiting() {
    Iterator<Map.Entry<Integer, Waiting>> calls = waiting.entrySet().iterator();
    boolean mayBegin = true;
    while (mayBegin && calls.hasNext()) {
      Map.Entry<Integer, Waiting> next = calls.next();
      Waiting call = next.getValue();
      if (!call.name.isEmpty()) {
        calls.remove();
        begin(new Part(Kind.CALL, parts, call.id.toString(), call.name.toString()), next.getKey());
        write(call.arguments.toString());
        mayBegin = whole(open);
      }
    }
  }

  private boolean isOpenCall(int index) {
    return open != null && open.kind == Kind.CALL && openCall == index;
  }

  /** Whether a fragment with the index of the open call begins another one. */
  private boolean isAnother(String id, String name) {
    return !name.isEmpty() && !id.isEmpty() && !id.equals(open.callId) && whole(open);
  }

  /** Whether a call has all its arguments: then a piece of something else shows its end. */
  private static boolean whole(Part call) {
    return !call.text.isEmpty() && Json.whole(call.text.toString());
  }

  private void begin(Part part, int call) {
    close();
    open = part;
    openCall = call;
    parts++;
    writer.begin(part);
  }

  private void write(String piece) {
    if (!piece.isEmpty()) {
      if (keepTexts || open.kind == Kind.CALL) {
        memory.keep(piece.length() * BYTES_OF_A_CHARACTER);
        open.text.append(piece);
      }
      writer.piece(open, piece);
    }
  }

  private void close() {
    if (open != null) {
      Part last = open;
      open = null;
      if (last.kind == Kind.CALL) {
        ended.add(openCall);
      }
      writer.end(last);
    }
  }
}
