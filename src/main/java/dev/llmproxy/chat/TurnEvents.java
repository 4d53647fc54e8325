package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.tool.ToolCall;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.Set;

/**
 * The events of one turn of a chat with the server's tools. Changes the provider's events so that
 * all turns look like one answer: removes the calls of the server's tools, and passes on the calls
 * of the client's functions.
 */
final class TurnEvents implements ChatEvents {
  private static final String CALLS = "tool_calls";
  private static final String FINISH = "finish_reason";

  /** Finish reasons after which a tool call may be incomplete. */
  private static final Set<String> CUT = Set.of("length", "content_filter");

  private final ChatEvents provider;
  private final ChatCall chat;
  private final ToolMemory memory;
  private final Turns turns;
  private final boolean showServerCalls;
  private final Accumulator turn;
  private final Queue<ChatEvent> ready = new ArrayDeque<>();
  private final Map<Integer, Shown> shown = new HashMap<>();
  private final Map<Integer, List<ObjectNode>> unnamed = new HashMap<>();
  private boolean wrote;
  private ObjectNode finish;

  /**
   * The receiver of a call.
   *
   * @param server whether the server answers it
   * @param place the index of the call in the client's stream; -1 when the client does not get it
   */
  private record Shown(boolean server, int place) {}

  TurnEvents(ChatEvents provider, ChatCall chat, ToolMemory memory) {
    this.provider = provider;
    this.memory = memory;
    this.chat = chat;
    turn = new Accumulator(Accumulator.Kept.ALL, chat.memory());
    turns = chat.turns();
    showServerCalls = chat.notices() == ToolNotices.BARE && chat.request().stream();
  }

  @Override
  public boolean hasNext() {
    while (ready.isEmpty() && provider.hasNext()) {
      take(provider.next());
    }
    if (ready.isEmpty()) {
      provider.close();
    }
    return !ready.isEmpty();
  }

  @Override
  public ChatEvent next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return ready.remove();
  }

  @Override
  public ChatEvent poll() {
    while (ready.isEmpty()) {
      ChatEvent event = provider.poll();
      if (event == null) {
        return null;
      }
      take(event);
    }
    return ready.remove();
  }

  @Override
  public void close() {
    provider.close();
  }

  private void take(ChatEvent event) {
    switch (event) {
      case ChatEvent.Delta delta -> take(delta);
      case ChatEvent.Complete complete -> end(complete.usage());
      default -> ready.add(event);
    }
  }

  private void take(ChatEvent.Delta event) {
    turn.add(event);
    ObjectNode chunk = event.chunk();
    turns.adopt(chunk, chat);
    ArrayNode serverCalls = Json.array();
    boolean says = false;
    boolean ends = false;
    for (JsonNode each : chunk.path("choices")) {
      ObjectNode choice = (ObjectNode) each;
      ObjectNode delta = (ObjectNode) choice.path("delta");
      if (choice.path(FINISH).isTextual()) {
        finish = chunk.deepCopy();
        finish.path("choices").forEach(last -> ((ObjectNode) last).putObject("delta"));
        ends = true;
        choice.putNull(FINISH);
      }
      sort(delta, serverCalls);
      says |= adapt(delta);
    }
    if (says) {
      ready.add(event);
      if (ends) {
        finish.path("choices").forEach(last -> ((ObjectNode) last).putNull("logprobs"));
      }
    }
    if (!serverCalls.isEmpty()) {
      if (showServerCalls) {
        ObjectNode calls = Json.object();
        if (turns.firstWord()) {
          calls.put("role", "assistant").putNull("content");
        }
        ready.add(
            new ChatEvent.ServerToolDelta(turns.chunk(chat, calls.set(CALLS, serverCalls), null)));
      }
      turns.hide(1);
    }
  }

  /**
   * Moves the server's calls from a delta to {@code serverCalls}, and sets the indexes of the
   * client's calls.
   */
  private void sort(ObjectNode delta, ArrayNode serverCalls) {
    if (!(delta.get(CALLS) instanceof ArrayNode fragments)) {
      return;
    }
    ArrayNode clientCalls = Json.array();
    for (JsonNode each : fragments) {
      ObjectNode fragment = (ObjectNode) each;
      int index = fragment.path("index").asInt();
      String name = name(fragment);
      if (!shown.containsKey(index) && name.isEmpty()) {
        unnamed.computeIfAbsent(index, key -> new ArrayList<>()).add(fragment);
        continue;
      }
      Shown where = shown.computeIfAbsent(index, key -> place(fragment, name));
      List<ObjectNode> now = unnamed.containsKey(index) ? unnamed.remove(index) : new ArrayList<>();
      now.add(fragment);
      for (ObjectNode piece : now) {
        piece.put("index", where.place());
        (where.server() ? serverCalls : clientCalls).add(piece);
      }
    }
    if (clientCalls.isEmpty()) {
      delta.remove(CALLS);
    } else {
      delta.set(CALLS, clientCalls);
    }
  }

  private Shown place(ObjectNode fragment, String name) {
    boolean server = !fragment.has("custom") && turns.tools().answers(name);
    return new Shown(server, server && !showServerCalls ? -1 : turns.nextPlace());
  }

  private static String name(JsonNode call) {
    String name = call.path("function").path("name").asText("");
    return name.isEmpty() ? call.path("custom").path("name").asText("") : name;
  }

  /**
   * Adapts a delta to the deltas that the client already has; returns whether anything is left in
   * it.
   */
  private boolean adapt(ObjectNode delta) {
    boolean text = !delta.path("content").asText("").isEmpty();
    if (turns.firstWord()) {
      delta.put("role", "assistant");
      if (!text && !delta.has(CALLS)) {
        delta.put("content", "");
      }
      wrote |= text;
      return true;
    }
    delta.remove("role");
    if (text && !wrote) {
      wrote = true;
      String before = chat.accumulator().content();
      if (!before.isEmpty() && !Character.isWhitespace(before.charAt(before.length() - 1))) {
        delta.put("content", "\n\n" + delta.get("content").textValue());
      }
    }
    return delta
        .valueStream()
        .anyMatch(value -> !value.isNull() && !(value.isTextual() && value.textValue().isEmpty()));
  }

  private void end(ObjectNode usage) {
    turns.end(usage);
    JsonNode choice = turn.choices().path(0);
    List<ToolCall> calls = new ArrayList<>();
    JsonNode all = choice.path("message").path(CALLS);
    for (JsonNode call : all) {
      String name = name(call);
      // A client cannot answer a call without a name, so the server does.
      if (call.get("function") instanceof ObjectNode function
          && (name.isEmpty() || turns.tools().answers(name))) {
        ToolCall asked =
            ToolCall.of(call.path("id").asText(), name, function.path("arguments").asText(""));
        calls.add(asked);
        // Providers refuse messages with invalid calls, even if their own model wrote them.
        function.put("name", asked.name()).put("arguments", asked.object());
      }
    }
    ObjectNode message = (ObjectNode) choice.path("message");
    message
        .properties()
        .removeIf(field -> field.getValue().isNull() && !field.getKey().equals("content"));
    if (calls.isEmpty() || CUT.contains(choice.path(FINISH).asText(""))) {
      if (!all.isEmpty() && !turns.added().isEmpty()) {
        memory.keep(chat, turns.added().deepCopy().add(message));
      }
      ready.addAll(turns.last(chat, finish));
    } else {
      turns.ask(calls, message, calls.size() == all.size() ? null : finish);
    }
  }
}
