package dev.llmproxy.emulator;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * The answer of the provider to one request in OpenAI's format: {@link #completion} without
 * streaming, {@link #chunks} with streaming.
 */
record Answer(
    Head head,
    int choices,
    List<String> reasoning,
    List<String> words,
    List<ToolCall> toolCalls,
    String finishReason,
    int promptTokens) {

  record Head(String id, long created, String model) {}

  /**
   * @param id the id, or null for a call without id
   */
  record ToolCall(String id, String name, String arguments) {
    ToolCall withId(String other) {
      return new ToolCall(other, name, arguments);
    }
  }

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> CITIES = List.of("Paris", "Rome", "Oslo", "Lima");
  private static final int FRAGMENT_LENGTH = 5;

  static Answer to(RecordedRequest request, Script script, Head head) {
    List<ToolCall> toolCalls = toolCalls(request, script);
    if (script.has(Directive.IDS)) {
      String id = script.text(Directive.IDS).filter(text -> !text.equals("none")).orElse(null);
      toolCalls = toolCalls.stream().map(call -> call.withId(id)).toList();
    }
    return new Answer(
        head,
        Math.max(request.body().path("n").asInt(1), script.number(Directive.N, 1)),
        script.has(Directive.REASONING) ? Words.of("Let me think.") : List.of(),
        toolCalls.isEmpty()
            ? words(request, script)
            : script.text(Directive.SAY).map(Words::of).orElse(List.of()),
        toolCalls,
        script.text(Directive.FINISH).orElse(toolCalls.isEmpty() ? "stop" : "tool_calls"),
        request.promptWords());
  }

  private static List<String> words(RecordedRequest request, Script script) {
    if (script.has(Directive.CHUNKS)) {
      return IntStream.rangeClosed(1, script.number(Directive.CHUNKS, 0))
          .mapToObj(i -> i == 1 ? "word1" : " word" + i)
          .toList();
    }
    if (request.lastRole().equals("tool")) {
      return Words.of("The tool said: " + request.lastMessageOf("tool"));
    }
    if (script.has(Directive.JSON)) {
      return Words.of(objectFor(request.body().at("/response_format/json_schema/schema")));
    }
    String said = "You said: " + Script.withoutMarks(request.lastMessageOf("user"));
    return Words.of(script.has(Directive.UTF8) ? said + " — Grüße, 世界 👋🏽 naïve" : said);
  }

  /** An object with a value for each property of a flat schema; "{}" without a schema. */
  static String objectFor(JsonNode schema) {
    return schema.path("properties").properties().stream()
        .map(property ->
            "\"%s\": %s"
                .formatted(
                    property.getKey(),
                    switch (property.getValue().path("type").asText()) {
                      case "integer", "number" -> "42";
                      case "boolean" -> "true";
                      default -> "\"Paris\"";
                    }))
        .collect(joining(", ", "{", "}"));
  }

  private static List<ToolCall> toolCalls(RecordedRequest request, Script script) {
    if (script.has(Directive.CALLS)) {
      List<String> turns = List.of(script.text(Directive.CALLS).orElseThrow().split("\\|"));
      int turn = request.toolTurns();
      return turn < turns.size() ? scripted(turns.get(turn), turn) : List.of();
    }
    if (request.lastRole().equals("tool")) {
      return List.of();
    }
    String chosen = request.body().at("/tool_choice/function/name").asText();
    return script.has(Directive.OBEY) && !chosen.isEmpty()
        ? List.of(obedient(request, chosen))
        : toolCalls(request, script.number(Directive.TOOLS, 0));
  }

  /** A call of the function that the request chooses. */
  private static ToolCall obedient(RecordedRequest request, String chosen) {
    JsonNode function =
        request.body().path("tools").findValues("function").stream()
            .filter(tool -> tool.path("name").asText().equals(chosen))
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("no such tool: " + chosen));
    return new ToolCall("call_scripted_0", chosen, objectFor(function.path("parameters")));
  }

  private static List<ToolCall> scripted(String calls, int turn) {
    List<ToolCall> scripted = new ArrayList<>();
    for (String call : calls.split("&", -1)) {
      String[] words = call.strip().split(" ", 2);
      scripted.add(
          new ToolCall(
              "call_scripted_%d_%d".formatted(turn, scripted.size()),
              words[0],
              words.length == 1 ? "{}" : words[1]));
    }
    return scripted;
  }

  /** Calls of the request's tools in turn, or of {@code get_weather} if the request has none. */
  private static List<ToolCall> toolCalls(RecordedRequest request, int count) {
    var tools = request.body().path("tools");
    List<ToolCall> calls = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String name =
          tools.path(i % Math.max(tools.size(), 1)).path("function").path("name").asText();
      String city = CITIES.get(i % CITIES.size());
      calls.add(
          new ToolCall(
              "call_scripted_" + i,
              name.isEmpty() ? "get_weather" : name,
              "{\"location\": \"" + city + "\"}"));
    }
    return calls;
  }

  ObjectNode completion() {
    ObjectNode completion = object("chat.completion");
    completion.set("usage", usage());
    for (int index = 0; index < choices; index++) {
      ObjectNode choice = choice(completion, index, finishReason);
      ObjectNode message = choice.putObject("message").put("role", "assistant");
      message.put(
          "content", toolCalls.isEmpty() || !words.isEmpty() ? String.join("", words) : null);
      message.putNull("refusal");
      if (!reasoning.isEmpty()) {
        message.put("reasoning_content", String.join("", reasoning));
      }
      if (!toolCalls.isEmpty()) {
        ArrayNode calls = message.putArray("tool_calls");
        toolCalls.forEach(call -> toolCall(calls.addObject(), call, call.arguments()));
      }
    }
    return completion;
  }

  /**
   * The chunks: a role chunk for each choice, the content, a finish chunk for each choice, and the
   * usage.
   */
  List<ObjectNode> chunks(boolean withUsage) {
    List<ObjectNode> chunks = new ArrayList<>();
    forEachChoice(
        chunks,
        delta -> {
          delta.put("role", "assistant").put("content", toolCalls.isEmpty() ? "" : null);
          delta.putNull("refusal");
        });
    reasoning.forEach(word -> forEachChoice(chunks, delta -> delta.put("reasoning_content", word)));
    words.forEach(word -> forEachChoice(chunks, delta -> delta.put("content", word)));
    for (int index = 0; index < toolCalls.size(); index++) {
      addFragments(chunks, index, toolCalls.get(index));
    }
    for (int index = 0; index < choices; index++) {
      choice(addChunk(chunks), index, finishReason).putObject("delta");
    }
    if (withUsage) {
      chunks.forEach(chunk -> chunk.putNull("usage"));
      addChunk(chunks).set("usage", usage());
    }
    return chunks;
  }

  ObjectNode usage() {
    int completionTokens = choices * (reasoning.size() + words.size() + toolCalls.size());
    return JSON.createObjectNode()
        .put("prompt_tokens", promptTokens)
        .put("completion_tokens", completionTokens)
        .put("total_tokens", promptTokens + completionTokens);
  }

  private void addFragments(List<ObjectNode> chunks, int index, ToolCall call) {
    forEachChoice(
        chunks,
        delta -> toolCall(delta.putArray("tool_calls").addObject().put("index", index), call, ""));
    String arguments = call.arguments();
    for (int from = 0; from < arguments.length(); from += FRAGMENT_LENGTH) {
      String fragment =
          arguments.substring(from, Math.min(from + FRAGMENT_LENGTH, arguments.length()));
      forEachChoice(
          chunks,
          delta ->
              delta
                  .putArray("tool_calls")
                  .addObject()
                  .put("index", index)
                  .putObject("function")
                  .put("arguments", fragment));
    }
  }

  private static void toolCall(ObjectNode node, ToolCall call, String arguments) {
    if (call.id() != null) {
      node.put("id", call.id());
    }
    node.put("type", "function");
    node.putObject("function").put("name", call.name()).put("arguments", arguments);
  }

  private void forEachChoice(List<ObjectNode> chunks, Consumer<ObjectNode> filling) {
    for (int index = 0; index < choices; index++) {
      filling.accept(choice(addChunk(chunks), index, null).putObject("delta"));
    }
  }

  private ObjectNode addChunk(List<ObjectNode> chunks) {
    ObjectNode chunk = object("chat.completion.chunk");
    chunks.add(chunk);
    return chunk;
  }

  private ObjectNode object(String kind) {
    ObjectNode object = JSON.createObjectNode();
    object.put("id", head.id()).put("object", kind).put("created", head.created());
    object.put("model", head.model()).put("system_fingerprint", "fp_scripted").putArray("choices");
    return object;
  }

  private static ObjectNode choice(ObjectNode chunk, int index, String finishReason) {
    ObjectNode choice = chunk.withArray("choices").addObject().put("index", index);
    choice.putNull("logprobs");
    return choice.put("finish_reason", finishReason);
  }
}
