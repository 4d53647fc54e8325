package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.chat.Accumulator;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.Usage;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.provider.ProviderJson;
import dev.llmproxy.provider.ProviderWarnings;
import dev.llmproxy.provider.SseEvent;
import dev.llmproxy.provider.StreamTranslator;
import dev.llmproxy.provider.TurnUsage;
import dev.llmproxy.provider.UpstreamErrors;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * Translates the stream of a provider that speaks OpenAI's format, more or less exactly, to chat
 * events. Adds missing fields, repairs values that clients cannot read, and passes on every other
 * field. Content after a finish reason is part of the answer, so the client gets one finish reason
 * for each choice, after its last content. One per turn; not thread-safe.
 */
public final class OpenAiStreamTranslator implements StreamTranslator {
  private static final Set<String> SERVICE_TIERS =
      Set.of("auto", "default", "flex", "scale", "priority", "fast");

  /** The text of a keep-alive that is sent as data. */
  private static final Pattern KEEP_ALIVE =
      Pattern.compile("(?i)\\W*(ping|pong|keep[-_ ]?alive|heart[-_ ]?beat|processing)\\W*");

  private static final int MOST_KEEP_ALIVE_CHARACTERS = 64;
  private static final int MOST_REASON_CHARACTERS = 80;

  /**
   * Limits of the state that is stored for one answer; OpenAI allows at most 128 choices and tools.
   */
  private static final int MOST_CHOICES = 128;

  private static final int MOST_TOOL_CALLS = 1024;
  private static final int MOST_NAME_CHARACTERS = 1024;

  /** A stream whose chunks differ in other fields, too, is not worth more attempts. */
  private static final int MOST_FRAMES = 4;

  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");

  private final ChatCall chat;
  private final String provider;
  private final ProviderWarnings warnings;
  private final Map<Integer, ChoiceState> choices = new TreeMap<>();
  private final TurnUsage usage = new TurnUsage();
  private String id;
  private Long created;

  /**
   * The last chunk, delayed because its finish reason or a tool's name may still change; or null.
   */
  private ObjectNode held;

  private ApiError failure;

  /** The first object that is not a chunk; it may be the error when no chunk arrives. Or null. */
  private JsonNode outsideChunks;

  /** The chunks that are like an earlier one; null when none is known. */
  private TextChunks texts;

  private int framesLeft = MOST_FRAMES;

  /** The chunk of the current event when it has a text and changes nothing else; or null. */
  private ObjectNode plainChunk;

  private long pieces;
  private boolean over;
  private boolean whole;

  OpenAiStreamTranslator(ChatCall chat) {
    this(chat, new ProviderWarnings());
  }

  /**
   * @param chat the chat whose turn the provider answers
   * @param warnings gets what is unusual in the answer
   */
  public OpenAiStreamTranslator(ChatCall chat, ProviderWarnings warnings) {
    this.chat = chat;
    this.provider = chat.target().provider().name();
    this.warnings = warnings;
  }

  @Override
  public boolean over() {
    return over;
  }

  @Override
  public boolean whole() {
    return whole;
  }

  @Override
  public List<ChatEvent> translate(SseEvent event) {
    if (texts != null && event.name() == null && !over) {
      ChatEvent.Delta delta = texts.delta(event.data());
      if (delta != null) {
        pieces += delta.tokens();
        return List.of(delta);
      }
    }
    texts = null;
    List<ChatEvent> events = translateTree(event);
    if (texts == null && plainChunk != null && framesLeft > 0) {
      framesLeft--;
      texts = TextChunks.like(event.data(), plainChunk);
    }
    plainChunk = null;
    return events;
  }

  private List<ChatEvent> translateTree(SseEvent event) {
    String data = event.data().strip();
    if (over || data.isEmpty() || data.charAt(0) == ':') {
      return List.of();
    }
    if (data.equals("[DONE]")) {
      choices.values().forEach(ChoiceState::endIfEmptyReason);
      return end();
    }
    JsonNode json;
    try {
      json = ProviderJson.parse(data, chat.memory());
    } catch (JsonProcessingException e) {
      return noJson(event.name(), data);
    }
    return translate(json, "error".equals(event.name()));
  }

  @Override
  public List<ChatEvent> translate(JsonNode json) {
    return translate(json, false);
  }

  /**
   * The chat events of one JSON value.
   *
   * @param error whether the event is named "error"
   */
  List<ChatEvent> translate(JsonNode json, boolean error) {
    if (over) {
      return List.of();
    }
    Provider from = chat.target().provider();
    JsonNode reason = json.path("error");
    if (UpstreamErrors.says(reason)) {
      boolean flag = reason.isBoolean();
      return failed(UpstreamErrors.inStream(from, flag ? json : reason));
    }
    // vLLM and others mark an error in the object itself.
    if (error || "error".equals(json.path("object").textValue())) {
      return failed(UpstreamErrors.inStream(from, json));
    }
    JsonNode ofGroq = json.path("x_groq").path("error");
    if (UpstreamErrors.says(ofGroq)) {
      return failed(UpstreamErrors.inStream(from, ofGroq));
    }
    if (json instanceof ObjectNode chunk) {
      if (!reason.isNull()) {
        chunk.remove("error");
      }
      return chunk(chunk);
    }
    if (json.isNull() || isEmpty(json)) {
      return List.of();
    }
    if (json instanceof ArrayNode list && list.valueStream().allMatch(JsonNode::isObject)) {
      List<ChatEvent> events = new ArrayList<>();
      list.forEach(each -> events.addAll(translate(each, false)));
      return events;
    }
    if (json.isTextual() && isKeepAlive(json.textValue())) {
      return List.of();
    }
    return failed(
        OpenAiErrors.upstream(
            "The provider `%s` sent something that is no chunk.".formatted(provider)));
  }

  /**
   * The events for data that is not JSON. It is ignored in events with another name, and when it is
   * a keep-alive.
   */
  private List<ChatEvent> noJson(String name, String data) {
    if ("error".equals(name)) {
      return failed(
          UpstreamErrors.inStream(chat.target().provider(), Json.object().textNode(data)));
    }
    boolean named = name != null && !name.isEmpty() && !name.equals("message");
    if (named || isKeepAlive(data)) {
      return List.of();
    }
    return noJson();
  }

  @Override
  public List<ChatEvent> noJson() {
    return failed(
        OpenAiErrors.upstream(
            "The provider `%s` sent something that is no JSON.".formatted(provider)));
  }

  @Override
  public List<ChatEvent> noStream(String contentType) {
    return failed(
        OpenAiErrors.upstream(
            "The provider `%s` answered with %s, which is no answer of a model. Check %s_BASE_URL."
                .formatted(
                    provider, shown(contentType), chat.target().provider().settingPrefix())));
  }

  private static boolean isKeepAlive(String text) {
    return text.length() <= MOST_KEEP_ALIVE_CHARACTERS
        && (text.isEmpty() || KEEP_ALIVE.matcher(text).matches());
  }

  /**
   * The events at the end of the stream. An answer without a finish reason is incomplete, even if
   * the connection was closed properly.
   */
  @Override
  public List<ChatEvent> end() {
    if (over) {
      return List.of();
    }
    if (failure != null) {
      return failed(failure);
    }
    if (!finished()) {
      return failed(incomplete());
    }
    for (ChoiceState choice : choices.values()) {
      if (choice.reason.compareTo(FinishReason.OTHER) >= 0 && !choice.spoke) {
        return failed(aborted(choice.word));
      }
    }
    List<ChatEvent> events = new ArrayList<>();
    lastChunks().forEach(chunk -> events.add(new ChatEvent.Delta(chunk)));
    over = true;
    whole = true;
    events.add(new ChatEvent.Complete(turnUsage()));
    return events;
  }

  /**
   * The events for a broken or silent connection and for an answer over a limit. An answer with all
   * finish reasons is complete all the same.
   */
  @Override
  public List<ChatEvent> broken(IOException cause) {
    return finished() || failure != null ? end() : failed(OpenAiErrors.of(cause, provider));
  }

  /** The last events when the answer has failed. */
  public List<ChatEvent> failed(ApiError error) {
    if (over) {
      return List.of();
    }
    over = true;
    List<ChatEvent> events = release();
    events.add(new ChatEvent.Failed(error));
    return events;
  }

  /** Whether every choice has a finish reason. */
  private boolean finished() {
    return !choices.isEmpty()
        && choices.values().stream().allMatch(choice -> choice.reason != null);
  }

  private ApiError incomplete() {
    if (choices.isEmpty() && outsideChunks != null && UpstreamErrors.says(outsideChunks)) {
      return UpstreamErrors.inStream(chat.target().provider(), outsideChunks);
    }
    return OpenAiErrors.upstream(
        "The provider `%s` ended its answer before it was whole.".formatted(provider));
  }

  private ApiError aborted(String word) {
    String reason = shown(word);
    return OpenAiErrors.upstream(
            "The provider `%s` gave its answer up, with the finish reason `%s`."
                .formatted(provider, reason))
        .because(new ApiError.Upstream(0, "finish reason " + reason));
  }

  private ObjectNode turnUsage() {
    warnings.ofUsage(provider, usage);
    return usage.whole(Usage.estimateOfPrompt(chat), pieces);
  }

  /** The chunks with the finish reasons, one for each choice. */
  private List<ObjectNode> lastChunks() {
    List<ObjectNode> chunks = new ArrayList<>();
    Map<Integer, ChoiceState> left = new TreeMap<>(choices);
    if (held != null) {
      for (JsonNode each : held.path("choices")) {
        ChoiceState state = left.remove(each.path("index").intValue());
        ((ObjectNode) each).put("finish_reason", state.finishReason());
      }
      chunks.add(held);
      held = null;
    }
    if (!left.isEmpty()) {
      ObjectNode chunk = Json.object();
      ArrayNode list = chunk.putArray("choices");
      left.forEach((index, state) -> {
        ObjectNode choice = list.addObject().put("index", index);
        choice.putObject("delta");
        choice.putNull("logprobs").put("finish_reason", state.finishReason());
      });
      fillHead(chunk);
      chunks.add(chunk);
    }
    return chunks;
  }

  /** The delayed chunk without its finish reason, if it has other content. */
  private List<ChatEvent> release() {
    List<ChatEvent> events = new ArrayList<>();
    if (held != null) {
      boolean hasContent = false;
      for (JsonNode each : held.path("choices")) {
        hasContent |= hasContent(each) || each.path("delta").has("role");
      }
      if (hasContent) {
        events.add(new ChatEvent.Delta(held));
      }
      held = null;
      choices.values().forEach(ChoiceState::nameWasSent);
    }
    return events;
  }

  private List<ChatEvent> chunk(ObjectNode chunk) {
    boolean plain = !takeUsage(chunk);
    ArrayNode live = Json.array();
    JsonNode sent = chunk.path("choices");
    boolean holds = false;
    plain &= sent.size() == 1;
    for (int i = 0; i < sent.size(); i++) {
      if (!(sent.get(i) instanceof ObjectNode choice)) {
        continue;
      }
      JsonNode error = choice.remove("error");
      if (error != null && UpstreamErrors.says(error)) {
        failure = UpstreamErrors.inStream(chat.target().provider(), error);
      }
      int index = choice.path("index").isInt() ? choice.get("index").intValue() : i;
      if (choices.size() == MOST_CHOICES && !choices.containsKey(index)) {
        return overLimit("more than %d choices".formatted(MOST_CHOICES));
      }
      ChoiceState state =
          choices.computeIfAbsent(index, key -> new ChoiceState(chat::newToolCallId));
      boolean after = state.reason != null;
      plain &= state.begun && !after;
      repairChoice(choice.put("index", index), state);
      if (state.overLimit != null) {
        return overLimit(state.overLimit);
      }
      int said = state.hear(choice);
      pieces += said;
      String word = finishReason(choice);
      plain &= said > 0 && word == null;
      if (word != null) {
        finish(state, word, said > 0);
      }
      // After a finish reason and inside a tool's name, choices without content are dropped.
      if (!(after || state.nameContinued) || hasContent(choice)) {
        holds |= word != null || state.nameMayContinue;
        live.add(choice);
      }
    }
    if (live.isEmpty()) {
      if (sent.isEmpty() && !chunk.isEmpty() && outsideChunks == null) {
        outsideChunks = chunk;
      }
      return List.of();
    }
    chunk.set("choices", live);
    fillHead(chunk);
    if (!holds && held == null) {
      plainChunk = plain ? chunk : null;
      return List.of(new ChatEvent.Delta(chunk));
    }
    List<ChatEvent> events = release();
    if (holds) {
      held = chunk;
    } else {
      events.add(new ChatEvent.Delta(chunk));
    }
    return events;
  }

  private List<ChatEvent> overLimit(String what) {
    return failed(OpenAiErrors.upstream("The provider `%s` sent %s.".formatted(provider, what)));
  }

  /** Removes the finish reason from a choice and returns it; null when there is none. */
  private static String finishReason(ObjectNode choice) {
    JsonNode reason = choice.path("finish_reason");
    choice.putNull("finish_reason");
    // DashScope writes null as text.
    return reason.isTextual() && !reason.textValue().isEmpty() && !reason.textValue().equals("null")
        ? reason.textValue()
        : null;
  }

  private void finish(ChoiceState state, String word, boolean spokeSince) {
    FinishReason reason = FinishReason.of(word);
    if (reason == FinishReason.UNKNOWN) {
      warnings.once(provider, "gives the unknown finish reason `" + shown(word) + "`");
    }
    if (reason == FinishReason.FAILED && failure == null) {
      failure = aborted(word);
    }
    // A more specific reason is not replaced by a stop at the end of the stream.
    if (state.reason == null || state.reason == FinishReason.STOP || spokeSince) {
      state.reason = reason;
      state.word = word;
    }
  }

  private static String shown(String word) {
    return ShownText.cut(CONTROL.matcher(word).replaceAll(" "), MOST_REASON_CHARACTERS);
  }

  /** Whether a choice has content, besides index, finish reason and role. */
  private static boolean hasContent(JsonNode choice) {
    for (Map.Entry<String, JsonNode> field : choice.properties()) {
      boolean hasContent =
          switch (field.getKey()) {
            case "index", "finish_reason" -> false;
            case "delta" -> deltaHasContent(field.getValue());
            default -> isContent(field.getValue());
          };
      if (hasContent) {
        return true;
      }
    }
    return false;
  }

  private static boolean deltaHasContent(JsonNode delta) {
    for (Map.Entry<String, JsonNode> field : delta.properties()) {
      if (!field.getKey().equals("role") && isContent(field.getValue())) {
        return true;
      }
    }
    return false;
  }

  private static boolean isContent(JsonNode value) {
    return value.isTextual() ? !value.textValue().isEmpty() : !value.isNull() && !isEmpty(value);
  }

  private static boolean isEmpty(JsonNode value) {
    return value.isContainerNode() && value.isEmpty();
  }

  /** Takes the usage out of a chunk; returns whether there is any. */
  private boolean takeUsage(ObjectNode chunk) {
    JsonNode reported = chunk.remove("usage");
    boolean said = take(reported);
    // Groq reports usage here; Moonshot and others report it in the choice.
    said |= take(chunk.path("x_groq").get("usage"));
    for (JsonNode choice : chunk.path("choices")) {
      if (choice instanceof ObjectNode object && object.has("usage")) {
        said |= take(object.remove("usage"));
      }
    }
    if (said) {
      chat.turns().report(usage.soFar());
    }
    return said;
  }

  private boolean take(JsonNode reported) {
    if (reported == null || reported.isEmpty()) {
      return false;
    }
    usage.take(reported);
    return usage.any();
  }

  private void fillHead(ObjectNode chunk) {
    if (id == null) {
      id =
          chunk.path("id").asText("").isEmpty()
              ? "chatcmpl-" + chat.requestId()
              : chunk.get("id").asText();
      created =
          chunk.path("created").isNumber()
              ? chunk.get("created").longValue()
              : chat.started().getEpochSecond();
    }
    chunk.put("id", id).put("object", "chat.completion.chunk").put("created", created);
    chunk.put("model", chat.target().modelId());
    if (chunk.has("service_tier") && !SERVICE_TIERS.contains(chunk.get("service_tier").asText())) {
      chunk.remove("service_tier");
    }
  }

  private static void repairChoice(ObjectNode choice, ChoiceState state) {
    ObjectNode delta = delta(choice, state);
    ContentParts.repair(delta);
    if (delta.get("tool_calls") instanceof ArrayNode calls) {
      calls.removeIf(call -> !call.isObject());
    } else if (delta.hasNonNull("tool_calls")) {
      delta.remove("tool_calls");
    }
    if (!state.begun) {
      state.begun = true;
      delta.put("role", "assistant");
      if (!delta.has("content")) {
        delta.put("content", delta.hasNonNull("tool_calls") ? null : "");
      }
    } else if (delta.path("role").asText("").isEmpty()) {
      delta.remove("role");
    }
    state.nameMayContinue = false;
    state.nameContinued = false;
    if (delta.get("tool_calls") instanceof ArrayNode calls) {
      calls.removeIf(call -> state.repairToolCall((ObjectNode) call));
    }
    JsonNode reason = choice.path("finish_reason");
    state.lastReasonEmpty = reason.isTextual() && reason.textValue().isEmpty();
  }

  /**
   * The delta of a choice. Without a delta it is the whole message, unless the message repeats
   * earlier deltas, or the text of an old-style completion.
   */
  private static ObjectNode delta(ObjectNode choice, ChoiceState state) {
    JsonNode message = choice.remove("message");
    ObjectNode delta = choice.get("delta") instanceof ObjectNode object ? object : null;
    if (message instanceof ObjectNode object && (delta == null || !deltaHasContent(delta))) {
      if (!state.spoke || state.inMessages) {
        state.inMessages = true;
        choice.set("delta", object);
        return object;
      }
    }
    if (delta == null) {
      delta = choice.putObject("delta");
      if (choice.path("text").isTextual()) {
        delta.set("content", choice.remove("text"));
      }
    }
    return delta;
  }

  private static final class ChoiceState {
    private final Supplier<String> newToolCallIds;
    private final List<ToolCall> toolCalls = new ArrayList<>();
    private final Map<Integer, Integer> lastWithIndex = new TreeMap<>();
    private int lastToolCall;
    private boolean begun;
    private boolean lastReasonEmpty;
    private boolean inMessages;
    private boolean spoke;

    /** Whether the last chunk has a tool's name that may continue: it has no arguments yet. */
    private boolean nameMayContinue;

    /** Whether the last chunk continues a delayed name. */
    private boolean nameContinued;

    /** Description of the limit that the choice exceeds, or null. */
    private String overLimit;

    private FinishReason reason;

    /** The reason in the provider's spelling. */
    private String word = "";

    ChoiceState(Supplier<String> newToolCallIds) {
      this.newToolCallIds = newToolCallIds;
    }

    /**
     * Ends a choice whose last finish reason is empty. Before the end of the stream, some providers
     * send an empty reason for null.
     */
    void endIfEmptyReason() {
      if (lastReasonEmpty && reason == null) {
        reason = FinishReason.STOP;
      }
    }

    /** The finish reason in OpenAI's format. */
    String finishReason() {
      return reason.wire(!toolCalls.isEmpty());
    }

    /** Marks the names as sent to the client. */
    void nameWasSent() {
      toolCalls.forEach(ToolCall::nameWasSent);
    }

    /** Notes whether the choice has content; returns the estimated number of its tokens. */
    int hear(ObjectNode choice) {
      int said = Accumulator.tokens(choice.path("delta"));
      spoke |= said > 0;
      return said;
    }

    /**
     * Repairs a fragment of a tool call. Returns whether the delayed chunk now has all of its
     * content.
     */
    boolean repairToolCall(ObjectNode fragment) {
      if (overLimit != null) {
        return true;
      }
      lastToolCall = toolCallOf(fragment);
      if (lastToolCall == MOST_TOOL_CALLS) {
        overLimit = "more than %d tool calls".formatted(MOST_TOOL_CALLS);
        return true;
      }
      if (lastToolCall == toolCalls.size()) {
        String id = ToolCall.id(fragment);
        boolean own = id.isEmpty() || withId(id, lastToolCall) >= 0;
        toolCalls.add(new ToolCall(own ? newToolCallIds.get() : id));
      }
      if (fragment.path("index").isInt()) {
        lastWithIndex.put(fragment.get("index").intValue(), lastToolCall);
      }
      ToolCall call = toolCalls.get(lastToolCall);
      boolean continued = call.repair(fragment);
      if (call.name.length() > MOST_NAME_CHARACTERS) {
        overLimit = "the name of a tool of more than %d characters".formatted(MOST_NAME_CHARACTERS);
      }
      fragment.put("index", lastToolCall);
      boolean silent = ToolCall.arguments(fragment).isEmpty();
      nameMayContinue |= silent && call.isWaiting();
      nameContinued |= continued;
      return continued && silent;
    }

    /**
     * The position of the call that a fragment belongs to: the call with the same id, else with the
     * same index, else the last call. Another call begins with a new id under a used index, with a
     * name without id and index, and with a name under a new index even if the id is in use.
     */
    private int toolCallOf(ObjectNode fragment) {
      String id = ToolCall.id(fragment);
      boolean indexed = fragment.path("index").isInt();
      boolean names = !ToolCall.name(fragment).isEmpty();
      int known =
          indexed
              ? lastWithIndex.getOrDefault(fragment.get("index").intValue(), toolCalls.size())
              : lastToolCall;
      int same = withId(id, known);
      if (same >= 0) {
        boolean newIndex = known == toolCalls.size() && lastWithIndex.containsValue(same);
        return names && newIndex ? known : same;
      }
      if (known == toolCalls.size()) {
        return known;
      }
      ToolCall call = toolCalls.get(known);
      boolean other = !id.isEmpty() && !call.id.isEmpty();
      boolean unmarked = id.isEmpty() && !indexed;
      return other || (unmarked && call.isNamed() && names) ? toolCalls.size() : known;
    }

    /**
     * The position of the call with an id: {@code known} if it has that id, else the last such
     * call; -1 when there is none.
     */
    private int withId(String id, int known) {
      if (id.isEmpty()) {
        return -1;
      }
      if (known < toolCalls.size() && toolCalls.get(known).id.equals(id)) {
        return known;
      }
      int place = toolCalls.size() - 1;
      while (place >= 0 && !toolCalls.get(place).id.equals(id)) {
        place--;
      }
      return place;
    }
  }

  private static final class ToolCall {
    private final String shownId;
    private String id = "";
    private String name = "";
    private boolean begun;

    /** The function object in the delayed chunk that has the name; null when the name was sent. */
    private ObjectNode waiting;

    /**
     * @param shownId the id for the client, because the provider may use an id more than once
     */
    ToolCall(String shownId) {
      this.shownId = shownId;
    }

    static String id(ObjectNode fragment) {
      return fragment.path("id").asText("");
    }

    static String name(ObjectNode fragment) {
      return fragment.path("function").path("name").asText("");
    }

    static String arguments(ObjectNode fragment) {
      return fragment.path("function").path("arguments").asText("");
    }

    boolean isNamed() {
      return !name.isEmpty();
    }

    boolean isWaiting() {
      return waiting != null;
    }

    void nameWasSent() {
      waiting = null;
    }

    /**
     * Repairs a fragment: id and type occur only in the first fragment, and arguments are text.
     * Returns whether a piece of the name was moved to the delayed chunk.
     */
    boolean repair(ObjectNode fragment) {
      if (id.isEmpty()) {
        id = id(fragment);
      }
      if (begun) {
        fragment.remove(List.of("id", "type"));
      } else {
        begun = true;
        fragment.put("id", shownId);
        if (fragment.path("type").asText("").isEmpty()) {
          fragment.put("type", "function");
        }
      }
      String piece = name(fragment);
      if (!(fragment.get("function") instanceof ObjectNode function)) {
        name += piece;
        return false;
      }
      JsonNode arguments = function.path("arguments");
      if (arguments.isMissingNode() || arguments.isNull()) {
        function.put("arguments", "");
      } else if (!arguments.isTextual()) {
        function.put("arguments", Json.text(arguments));
      }
      return repairName(function, piece);
    }

    private boolean repairName(ObjectNode function, String piece) {
      if (!isNamed()) {
        name = piece;
        waiting = piece.isEmpty() ? null : function;
        return false;
      }
      // Some providers repeat the whole name so far in each piece.
      String more = piece.startsWith(name) ? piece.substring(name.length()) : piece;
      name += more;
      if (waiting != null || more.isEmpty()) {
        function.remove("name");
      } else {
        function.put("name", more);
      }
      if (waiting == null || more.isEmpty()) {
        return false;
      }
      waiting.put("name", name);
      return true;
    }
  }
}
