package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.AnswerMemory;
import dev.llmproxy.tool.SearchResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Collects one request's chat events into the whole completion: the text of each choice, the tool
 * calls by index, the last finish reason, the usage, and the calls of the server's tools. The
 * completion equals the answer to the same call without streaming. When nothing needs the
 * completion, the accumulator stores less, so that the memory for a stream does not grow with its
 * length. One per request. Only the request's thread writes. Other threads may read {@link #usage}
 * and {@link #deltas} at any time, and the rest only after the end of the request.
 */
public final class Accumulator {
  /** The parts of an answer that are stored, in addition to its usage and its token count. */
  public enum Kept {
    /** The whole completion. */
    ALL,
    /**
     * The finish reason and the annotations of the first choice, but no text; see {@link #choices}.
     */
    END,
    /** Nothing. */
    NOTHING
  }

  /** Fields of a chunk that are not copied to the completion as they are. */
  private static final Set<String> OF_CHUNKS = Set.of("choices", "obfuscation");

  /** Fields of a choice that are collected over all chunks; of other fields the last value wins. */
  private static final Set<String> OF_CHOICES =
      Set.of("index", "delta", "logprobs", "finish_reason");

  private static final int CHARACTERS_PER_TOKEN = 4;

  /** Fields that every chunk has. */
  private static final Set<String> HEAD = Set.of("id", "object", "created", "model");

  private static final String ANNOTATIONS = "annotations";

  private static final long BYTES_OF_A_CHARACTER = 6;
  private static final long BYTES_OF_A_VALUE = 80;

  private static final Set<String> SINGLE_VALUES = Set.of("id", "name", "role", "type");

  private final Map<Integer, Choice> choices = new TreeMap<>();
  private ObjectNode head;
  private final AtomicLong deltas = new AtomicLong();
  private volatile ObjectNode usage;
  private final ArrayNode toolNotifications = Json.array();
  private final List<SearchResult> searchResults = new ArrayList<>();
  private ApiError error;
  private Runnable whenComplete;
  private Kept kept;
  private final AnswerMemory.Share memory;

  /** Stores the whole answer, without a memory limit. */
  public Accumulator() {
    this(Kept.ALL, new AnswerMemory(Long.MAX_VALUE).open());
  }

  /**
   * @param kept the parts of the answer to store
   * @param memory the account that the stored parts are charged to
   */
  public Accumulator(Kept kept, AnswerMemory.Share memory) {
    this.kept = kept;
    this.memory = memory;
  }

  /** The answer's share of the memory for answers. */
  AnswerMemory.Share memory() {
    return memory;
  }

  /** Stores the whole answer from now on. Call it before the first event. */
  public void keepAll() {
    kept = Kept.ALL;
  }

  /** Forgets all events. */
  void clear() {
    choices.clear();
    head = null;
    deltas.set(0);
    usage = null;
    error = null;
    memory.forget();
  }

  /** Adds the next event, in order. */
  public void add(ChatEvent event) {
    switch (event) {
      case ChatEvent.Delta delta -> add(delta);
      case ChatEvent.ServerToolDelta call -> {}
      case ChatEvent.Passed passed -> {}
      case ChatEvent.ToolCallStart start -> toolNotifications.add(ToolNotification.of(start));
      case ChatEvent.ToolCallResult end -> {
        toolNotifications.add(ToolNotification.of(end));
        searchResults.addAll(end.result().sources());
      }
      case ChatEvent.Complete complete -> {
        usage = complete.usage();
        if (complete() && whenComplete != null) {
          whenComplete.run();
        }
      }
      case ChatEvent.Failed failed -> error = failed.error();
    }
  }

  /** Adds a delta; most events are deltas. */
  void add(ChatEvent.Delta delta) {
    if (delta.isText()) {
      addText(delta);
    } else {
      addChunk(delta.chunk());
    }
  }

  /** Runs a step as soon as the answer is complete, before its last event goes to the client. */
  public void whenComplete(Runnable step) {
    whenComplete = step;
  }

  /** The failure that ended the answer, or null. */
  public ApiError error() {
    return error;
  }

  /** Whether the answer came to its end without a failure. */
  public boolean complete() {
    return usage != null && error == null;
  }

  /** The provider's usage object, or null while it is unknown. */
  public ObjectNode usage() {
    return usage;
  }

  /** The text of the first choice so far; empty unless the whole answer is stored. */
  public String content() {
    Choice first = choices.get(0);
    String text = first == null ? null : first.text("content");
    return text == null ? "" : text;
  }

  /** The notifications about the tools that the server ran, in order. */
  public ArrayNode toolNotifications() {
    return toolNotifications;
  }

  /** The results of the server's searches, in order. */
  public List<SearchResult> searchResults() {
    return searchResults;
  }

  /**
   * The fields that all chunks of the answer share: id, object, created and model, and also unknown
   * fields if the whole answer is stored. Null before the first chunk.
   */
  public ObjectNode head() {
    return head;
  }

  /** The estimated number of tokens received so far; used as the cost of an incomplete answer. */
  public long deltas() {
    return deltas.get();
  }

  /**
   * The {@code chat.completion} object.
   *
   * @throws IllegalStateException when the answer is incomplete, or not stored as a whole
   */
  public ObjectNode completion() {
    if (!complete() || kept != Kept.ALL) {
      throw new IllegalStateException("The answer is incomplete, or not stored as a whole.");
    }
    ObjectNode completion = Json.object();
    completion.set("id", head.get("id"));
    completion.put("object", "chat.completion");
    completion.set("created", head.get("created"));
    completion.set("model", head.get("model"));
    completion.set("choices", choices());
    completion.set("usage", usage);
    head.properties().stream()
        .filter(field -> !completion.has(field.getKey()))
        .forEach(field -> completion.set(field.getKey(), field.getValue()));
    return completion;
  }

  /**
   * The stored parts of the answer so far, as the choices of a {@code chat.completion} object. A
   * choice without a finish reason has null there.
   */
  public ArrayNode choices() {
    ArrayNode list = Json.array();
    choices.forEach((index, choice) -> list.add(choice.toJson(index)));
    return list;
  }

  private void addChunk(ObjectNode chunk) {
    if (head == null) {
      head = Json.object();
    }
    chunk.properties().stream()
        .filter(field -> ofHead(field.getKey()) && !field.getValue().isNull())
        .forEach(field -> head.set(field.getKey(), field.getValue()));
    for (JsonNode choice : chunk.path("choices")) {
      keep(choice, choice.path("index").asInt());
      deltas.addAndGet(tokens(choice.path("delta")));
    }
  }

  /** Adds a chunk that differs from an earlier one only in its text. */
  private void addText(ChatEvent.Delta delta) {
    if (kept == Kept.ALL) {
      String text = delta.text();
      memory.keep(text.length() * BYTES_OF_A_CHARACTER);
      choices.computeIfAbsent(delta.index(), key -> new Choice()).addText("content", text);
    }
    deltas.addAndGet(delta.tokens());
  }

  private boolean ofHead(String field) {
    return kept == Kept.ALL ? !OF_CHUNKS.contains(field) : HEAD.contains(field);
  }

  private void keep(JsonNode choice, int index) {
    if (kept == Kept.ALL) {
      memory.keep(size(choice.path("delta")) + size(choice.path("logprobs")));
      choices.computeIfAbsent(index, key -> new Choice()).add(choice);
    } else if (kept == Kept.END && index == 0) {
      JsonNode annotations = choice.path("delta").path(ANNOTATIONS);
      memory.keep(size(annotations));
      choices.computeIfAbsent(index, key -> new Choice()).addEnd(choice);
    }
  }

  /**
   * The estimated bytes of memory for a JSON value, collected and then as an answer, without its
   * outermost object.
   */
  private static long size(JsonNode piece) {
    if (piece.isTextual()) {
      return piece.textValue().length() * BYTES_OF_A_CHARACTER;
    }
    long size = 0;
    for (JsonNode each : piece) {
      size += size(each) + (each.isTextual() ? 0 : BYTES_OF_A_VALUE);
    }
    return size;
  }

  /**
   * The estimated number of tokens in a delta: one for each piece of text or tool calls, or a
   * quarter of the characters if that is more. 0 for a delta without content.
   */
  public static int tokens(JsonNode delta) {
    int tokens = 0;
    for (Map.Entry<String, JsonNode> field : delta.properties()) {
      JsonNode value = field.getValue();
      if (field.getKey().equals("tool_calls")) {
        int characters = 0;
        for (JsonNode call : value) {
          characters += call.path("function").path("arguments").asText("").length();
        }
        tokens = value.isEmpty() ? tokens : Math.max(tokens, pieces(characters));
      } else if (value.isTextual() && !field.getKey().equals("role")) {
        // Some providers send the same text in two fields.
        int characters = value.textValue().length();
        tokens = characters == 0 ? tokens : Math.max(tokens, pieces(characters));
      }
    }
    return tokens;
  }

  /** The estimated number of tokens in a piece of text that is not empty. */
  static int pieces(int characters) {
    return Math.max(1, characters / CHARACTERS_PER_TOKEN);
  }

  /**
   * Merges a field of a later delta into the collected value: texts and lists are appended, objects
   * are merged field by field, and a field of {@link #SINGLE_VALUES} keeps its first value.
   */
  private static void join(ObjectNode whole, String name, JsonNode piece) {
    JsonNode earlier = whole.path(name);
    if (earlier instanceof ArrayNode list && piece instanceof ArrayNode more) {
      list.addAll(more);
    } else if (earlier instanceof ObjectNode object && piece instanceof ObjectNode more) {
      more.properties().forEach(field -> join(object, field.getKey(), field.getValue()));
    } else if (earlier.isTextual() && !earlier.textValue().isEmpty() && piece.isTextual()) {
      if (!SINGLE_VALUES.contains(name)) {
        whole.put(name, earlier.textValue() + piece.textValue());
      }
    } else if (!piece.isNull()) {
      whole.set(name, piece.deepCopy());
    }
  }

  private static final class Choice {
    private final ObjectNode unknown = Json.object();
    private final ObjectNode fields = Json.object();
    private final Map<String, StringBuilder> texts = new TreeMap<>();
    private final Map<Integer, ToolCall> toolCalls = new TreeMap<>();
    private final Map<String, ArrayNode> logprobs = new TreeMap<>();
    private JsonNode finishReason;

    void addEnd(JsonNode choice) {
      if (choice.path("finish_reason").isTextual()) {
        finishReason = choice.get("finish_reason");
      }
      JsonNode annotations = choice.path("delta").path(ANNOTATIONS);
      if (!annotations.isMissingNode()) {
        join(fields, ANNOTATIONS, annotations);
      }
    }

    void add(JsonNode choice) {
      if (choice.path("finish_reason").isTextual()) {
        finishReason = choice.get("finish_reason");
      }
      choice.path("logprobs").properties().stream()
          .filter(field -> field.getValue().isArray())
          .forEach(field ->
              logprobs
                  .computeIfAbsent(field.getKey(), name -> Json.array())
                  .addAll((ArrayNode) field.getValue()));
      choice.properties().stream()
          .filter(field -> !OF_CHOICES.contains(field.getKey()) && !field.getValue().isNull())
          .forEach(field -> unknown.set(field.getKey(), field.getValue()));
      for (Map.Entry<String, JsonNode> field : choice.path("delta").properties()) {
        addField(field.getKey(), field.getValue());
      }
    }

    private void addField(String name, JsonNode value) {
      if (name.equals("tool_calls")) {
        for (JsonNode call : value) {
          toolCalls.computeIfAbsent(call.path("index").asInt(), index -> new ToolCall()).add(call);
        }
      } else if (value.isTextual() && !name.equals("role")) {
        addText(name, value.textValue());
      } else {
        join(fields, name, value);
      }
    }

    void addText(String name, String text) {
      texts.computeIfAbsent(name, n -> new StringBuilder()).append(text);
    }

    ObjectNode toJson(int index) {
      ObjectNode choice = Json.object().put("index", index);
      ObjectNode message = choice.putObject("message");
      message.put("role", fields.path("role").asText("assistant"));
      message.put("content", text("content"));
      message.put("refusal", text("refusal"));
      texts.forEach((name, text) -> message.put(name, text.isEmpty() ? null : text.toString()));
      fields.properties().forEach(field -> message.set(field.getKey(), field.getValue()));
      if (!toolCalls.isEmpty()) {
        ArrayNode calls = message.putArray("tool_calls");
        toolCalls.values().forEach(call -> calls.add(call.toJson()));
      } else if (text("content") == null
          && text("refusal") == null
          && texts.containsKey("content")) {
        message.put("content", "");
      }
      if (logprobs.isEmpty()) {
        choice.putNull("logprobs");
      } else {
        ObjectNode probabilities =
            choice.putObject("logprobs").putNull("content").putNull("refusal");
        logprobs.forEach(probabilities::set);
      }
      choice.set("finish_reason", finishReason);
      unknown.properties().stream()
          .filter(field -> !choice.has(field.getKey()))
          .forEach(field -> choice.set(field.getKey(), field.getValue()));
      return choice;
    }

    private String text(String name) {
      StringBuilder text = texts.get(name);
      return text == null || text.isEmpty() ? null : text.toString();
    }
  }

  private static final class ToolCall {
    private final ObjectNode fields = Json.object();
    private final ObjectNode function = Json.object();
    private final StringBuilder arguments = new StringBuilder();

    void add(JsonNode call) {
      for (Map.Entry<String, JsonNode> field : call.properties()) {
        if (field.getKey().equals("function")) {
          addFunction(field.getValue());
        } else if (!field.getKey().equals("index")) {
          join(fields, field.getKey(), field.getValue());
        }
      }
    }

    private void addFunction(JsonNode fragment) {
      for (Map.Entry<String, JsonNode> field : fragment.properties()) {
        if (field.getKey().equals("arguments")) {
          arguments.append(field.getValue().asText(""));
        } else if (field.getKey().equals("name")) {
          // Repeated names are already removed from the chunks, so this is the next piece of the
          // name.
          function.put("name", function.path("name").asText("") + field.getValue().asText(""));
        } else {
          join(function, field.getKey(), field.getValue());
        }
      }
    }

    ObjectNode toJson() {
      ObjectNode call = Json.object();
      call.set("id", fields.get("id"));
      call.put("type", fields.path("type").asText("function"));
      fields.properties().forEach(field -> call.set(field.getKey(), field.getValue()));
      if (!call.path("type").asText("").equals("custom")) {
        ObjectNode whole = call.putObject("function");
        whole.setAll(function);
        whole.put("arguments", arguments.isEmpty() ? "{}" : arguments.toString());
      }
      return call;
    }
  }
}
