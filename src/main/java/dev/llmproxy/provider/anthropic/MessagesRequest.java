package dev.llmproxy.provider.anthropic;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.catalogue.ModelRule;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ToolMemory;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.provider.Conversation;
import dev.llmproxy.provider.DroppedFields;
import dev.llmproxy.provider.Media;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Translates one chat request to a request of <a
 * href="https://platform.claude.com/docs/en/api/messages">Anthropic's Messages API</a>. What the
 * model does not take is left out and named in {@link #dropped}. One per request.
 */
final class MessagesRequest {
  /** The parts of a request that Anthropic may refuse for a model; see {@link Objection}. */
  enum Part {
    SAMPLING,
    FORCED_TOOLS,
    THINKING,
    SCHEMA,
    THOUGHTS,
    LATE_SYSTEM,
    PREFILL
  }

  /** The tool whose input is the answer, for models that take no schema. */
  static final String ANSWER_TOOL = "json_answer";

  private static final int USUAL_MAX_TOKENS = 32_000;
  private static final int LEAST_BUDGET = 1024;
  private static final int MOST_CACHE_MARKS = 4;
  private static final String CACHE = "cache_control";
  private static final String DISABLED = "disabled";
  private static final String BETWEEN_TOOLS = "between_tools";
  private static final String NO_RESULT = "The tool gave no result.";

  private static final Set<String> IMAGES =
      Set.of("image/jpeg", "image/png", "image/gif", "image/webp");
  private static final Set<String> THOUGHT_FIELDS = Set.of("type", "thinking", "signature", "data");
  private static final Pattern NO_ID = Pattern.compile("[^A-Za-z0-9_-]");

  /** Fields that this class reads, and fields that ask for what every answer has. */
  private static final Set<String> READ =
      Set.of(
          "model",
          "messages",
          "stream",
          "stream_options",
          "max_tokens",
          "max_completion_tokens",
          "temperature",
          "top_p",
          "top_k",
          "stop",
          "n",
          "user",
          "tools",
          "tool_choice",
          "parallel_tool_calls",
          "response_format",
          "reasoning_effort",
          "thinking",
          CACHE);

  /** Values that ask for nothing special, so that nothing is lost without them. */
  private static final Map<String, Set<String>> USUAL =
      Map.of(
          "logprobs", Set.of("false"),
          "presence_penalty", Set.of("0", "0.0"),
          "frequency_penalty", Set.of("0", "0.0"),
          "modalities", Set.of("[\"text\"]"),
          "service_tier", Set.of("\"auto\"", "\"default\""),
          "store", Set.of("false"));

  private final ChatCall chat;
  private final ObjectNode asked;
  private final ModelRule rule;
  private final Set<Part> refused;
  private final ToolMemory memory;
  private final Set<String> dropped = new TreeSet<>();
  private final ObjectNode request = Json.object();
  private final ArrayNode messages = Json.array();
  private final ArrayNode system = Json.array();
  private final Set<String> usedIds = new HashSet<>();
  private boolean thinks;
  private boolean answersByTool;
  private boolean thoughtsSent;

  /**
   * @param refused the parts that Anthropic has refused for this model or this request
   * @param memory has the thoughts of earlier turns
   */
  MessagesRequest(ChatCall chat, Set<Part> refused, ToolMemory memory) {
    this.chat = chat;
    this.refused = refused;
    this.memory = memory;
    asked = chat.turns().body();
    rule = chat.target().provider().rule(chat.target().upstreamModel());
    write();
  }

  /** The request. */
  ObjectNode body() {
    return request;
  }

  /** The fields of the client's request that are not in this one, by their paths. */
  Set<String> dropped() {
    return dropped;
  }

  /** Whether the input of {@link #ANSWER_TOOL} is the answer. */
  boolean answersByTool() {
    return answersByTool;
  }

  /** Whether the request has thoughts of earlier turns. */
  boolean thoughtsSent() {
    return thoughtsSent;
  }

  /** Whether the request has a part that Anthropic may refuse. */
  boolean has(Part part) {
    return switch (part) {
      case SAMPLING -> request.has("temperature") || request.has("top_p") || request.has("top_k");
      case FORCED_TOOLS ->
          Set.of("any", "tool").contains(request.path("tool_choice").path("type").asText(""));
      case THINKING -> request.has("thinking") || request.path("output_config").has("effort");
      case SCHEMA -> request.path("output_config").has("format");
      case THOUGHTS -> thoughtsSent;
      case LATE_SYSTEM -> hasRole("system");
      case PREFILL ->
          messages.path(messages.size() - 1).path("role").asText("").equals("assistant");
    };
  }

  private boolean hasRole(String role) {
    return messages.valueStream().anyMatch(each -> each.path("role").asText("").equals(role));
  }

  private void write() {
    if (asked.path("n").asInt(1) > 1) {
      throw OpenAiErrors.invalidValue("n", "this provider gives one answer for a request.")
          .asException();
    }
    Conversation conversation = Conversation.of(asked.path("messages"));
    request.put("model", chat.target().upstreamModel());
    int maxTokens = maxTokens();
    request.put("max_tokens", maxTokens);
    writeThinking(maxTokens, conversation);
    conversation.instructions().forEach(this::writeInstruction);
    writeTools();
    writeFormat();
    writeSampling();
    conversation.turns().forEach(this::writeTurn);
    endMessages();
    if (!system.isEmpty()) {
      request.set("system", system);
    }
    request.set("messages", messages);
    writeStops();
    writeUser();
    if (asked.path(CACHE).isObject()) {
      request.set(CACHE, asked.get(CACHE));
    }
    limitCacheMarks();
    if (chat.target().dialect().streams(chat.request().stream())) {
      request.put("stream", true);
    }
    chat.target().dialect().applyToTranslated(request);
    dropped.addAll(DroppedFields.unread(asked, READ, USUAL));
  }

  private int maxTokens() {
    int most =
        chat.target().model() != null && chat.target().model().maxOutput() > 0
            ? chat.target().model().maxOutput()
            : rule.maxOutput();
    for (String name : List.of("max_completion_tokens", "max_tokens")) {
      if (asked.path(name).isNumber()) {
        int wanted = asked.get(name).intValue();
        return most > 0 ? Math.min(wanted, most) : wanted;
      }
    }
    return most > 0 ? Math.min(most, USUAL_MAX_TOKENS) : USUAL_MAX_TOKENS;
  }

  // --- thinking

  private void writeThinking(int maxTokens, Conversation conversation) {
    thinks = rule.thinksUnasked();
    if (asked.path("thinking").isObject() && !refused.contains(Part.THINKING)) {
      // litellm's clients send Anthropic's own field.
      request.set("thinking", asked.get("thinking"));
      thinks = !request.path("thinking").path("type").asText("").equals(DISABLED);
      return;
    }
    String effort = asked.path("reasoning_effort").asText("").toLowerCase(Locale.ROOT);
    if (effort.isEmpty() || effort.equals("null") || effort.equals("default")) {
      return;
    }
    if (rule.thinking().isEmpty() || refused.contains(Part.THINKING)) {
      if (!effort.equals("none")) {
        dropped.add("reasoning_effort");
      }
    } else if (effort.equals("none")) {
      writeNoThinking();
    } else if (rule.thinking().contains("adaptive")) {
      request.putObject("thinking").put("type", "adaptive").put("display", "summarized");
      writeEffort(effort);
      thinks = true;
    } else {
      writeBudget(effort, maxTokens, conversation);
    }
  }

  private void writeNoThinking() {
    for (String type : List.of(DISABLED, BETWEEN_TOOLS)) {
      if (rule.thinking().contains(type)) {
        request.putObject("thinking").put("type", type);
        thinks = type.equals(BETWEEN_TOOLS);
        return;
      }
    }
    if (rule.thinksUnasked()) {
      writeEffort("low");
    }
  }

  private void writeEffort(String effort) {
    String level =
        switch (effort) {
          case "minimal" -> "low";
          case "xhigh", "max" -> rule.effort().contains(effort) ? effort : "high";
          default -> effort;
        };
    if (rule.effort().contains(level)) {
      request.putObject("output_config").put("effort", level);
    }
  }

  private void writeBudget(String effort, int maxTokens, Conversation conversation) {
    String level =
        switch (effort) {
          case "minimal" -> "low";
          case "xhigh", "max" -> "high";
          default -> effort;
        };
    int budget = Math.min(rule.budgets().getOrDefault(level, LEAST_BUDGET), maxTokens / 2);
    // Anthropic refuses a turn that has begun without thinking and goes on with it.
    if (budget < LEAST_BUDGET || beganWithoutThoughts(conversation)) {
      dropped.add("reasoning_effort");
    } else {
      request.putObject("thinking").put("type", "enabled").put("budget_tokens", budget);
      thinks = true;
    }
  }

  private boolean beganWithoutThoughts(Conversation conversation) {
    boolean without = false;
    for (Conversation.Turn turn : conversation.turns()) {
      if (turn instanceof Conversation.Message message) {
        if (message.role().equals("user")) {
          without = false;
        } else if (!message.calls().isEmpty()) {
          without |= thoughtsOf(message).isEmpty();
        }
      }
    }
    return without;
  }

  /** The thoughts of an assistant's message, from the client or from memory. */
  private List<JsonNode> thoughtsOf(Conversation.Message message) {
    JsonNode blocks = message.json().path("thinking_blocks");
    if (blocks.isEmpty()) {
      JsonNode kept = kept(message);
      blocks = kept == null ? Json.array() : kept;
    }
    return blocks
        .valueStream()
        .filter(MessagesRequest::isThought)
        .<JsonNode>map(block -> ((ObjectNode) block.deepCopy()).retain(THOUGHT_FIELDS))
        .toList();
  }

  private JsonNode kept(Conversation.Message message) {
    return message.calls().isEmpty()
        ? null
        : memory.turn(chat, Conversation.idsOf(message.calls()));
  }

  private static boolean isThought(JsonNode block) {
    return switch (block.path("type").asText("")) {
      case "thinking" -> block.path("signature").isTextual();
      case "redacted_thinking" -> block.path("data").isTextual();
      default -> false;
    };
  }

  // --- messages

  private void writeInstruction(Conversation.Message message) {
    for (ObjectNode part : message.parts()) {
      addText(system, part.path("text").asText(""), part.get(CACHE));
    }
    markLast(system, message.json().get(CACHE));
  }

  private void writeTurn(Conversation.Turn turn) {
    switch (turn) {
      case Conversation.Message message -> {
        if (message.json().hasNonNull("name")) {
          dropped.add("messages.name");
        }
        switch (message.role()) {
          case "system" -> writeLateSystem(message);
          case "assistant" -> writeAssistant(message);
          default -> writeUserMessage(message);
        }
      }
      case Conversation.Results results -> writeResults(results);
    }
  }

  private void writeLateSystem(Conversation.Message message) {
    String text = message.text();
    if (text.isBlank()) {
      return;
    }
    if (rule.lateSystem() && !refused.contains(Part.LATE_SYSTEM)) {
      addText(content("system"), text, message.json().get(CACHE));
    } else {
      addText(content("user"), "<system>" + text + "</system>", message.json().get(CACHE));
    }
  }

  private void writeUserMessage(Conversation.Message message) {
    ArrayNode content = Json.array();
    addParts(content, message);
    markLast(content, message.json().get(CACHE));
    if (!content.isEmpty()) {
      content("user").addAll(content);
    }
  }

  private void writeAssistant(Conversation.Message message) {
    ArrayNode content = Json.array();
    boolean withThoughts = thinks && !refused.contains(Part.THOUGHTS);
    JsonNode kept = withThoughts ? kept(message) : null;
    List<String> ids = new ArrayList<>();
    for (JsonNode call : message.calls()) {
      ids.add(newId(call.path("id").asText("")));
    }
    lastIds = ids;
    if (kept != null && message.json().path("thinking_blocks").isEmpty()) {
      // The whole turn as the model wrote it, because thoughts also stand between its other blocks.
      int call = 0;
      for (JsonNode block : kept) {
        thoughtsSent |= isThought(block);
        content.add(
            block.path("type").asText("").equals("tool_use")
                ? ((ObjectNode) block.deepCopy()).put("id", ids.get(call++))
                : block);
      }
    } else {
      if (withThoughts) {
        for (JsonNode thought : thoughtsOf(message)) {
          thoughtsSent = true;
          content.add(thought);
        }
      }
      addParts(content, message);
      for (int i = 0; i < ids.size(); i++) {
        JsonNode call = message.calls().get(i);
        content
            .addObject()
            .put("type", "tool_use")
            .put("id", ids.get(i))
            .put("name", Conversation.nameOf(call))
            .set("input", Conversation.argumentsOf(call));
      }
    }
    markLast(content, message.json().get(CACHE));
    if (!content.isEmpty()) {
      content("assistant").addAll(content);
    }
  }

  /** The ids of the calls in the last assistant's message, as they are in this request. */
  private List<String> lastIds = List.of();

  /** An id that Anthropic accepts and that no other call of the request has. */
  private String newId(String id) {
    String clean = NO_ID.matcher(id).replaceAll("_");
    String unique = clean.isEmpty() ? "call" : clean;
    for (int i = 2; !usedIds.add(unique); i++) {
      unique = clean + "_" + i;
    }
    return unique;
  }

  private void writeResults(Conversation.Results results) {
    ArrayNode content = content("user");
    for (int i = 0; i < results.results().size(); i++) {
      Conversation.Message result = results.results().get(i);
      ObjectNode block =
          content.addObject().put("type", "tool_result").put("tool_use_id", lastIds.get(i));
      if (result == null) {
        block.put("content", NO_RESULT).put("is_error", true);
        continue;
      }
      ArrayNode parts = Json.array();
      addParts(parts, result);
      if (!parts.isEmpty()) {
        block.set("content", parts);
      }
      if (chat.turns().failed(result.json().path("tool_call_id").asText(""))) {
        block.put("is_error", true);
      }
      if (result.json().path(CACHE).isObject()) {
        block.set(CACHE, result.json().get(CACHE));
      }
    }
  }

  /** Adds the texts, images and files of a message. */
  private void addParts(ArrayNode content, Conversation.Message message) {
    List<ObjectNode> parts = message.parts();
    for (int i = 0; i < parts.size(); i++) {
      ObjectNode part = parts.get(i);
      String path = message.path() + ".content[" + i + "]";
      Media media = Media.of(part, path);
      if (media != null) {
        ObjectNode block = block(media, path);
        if (part.path(CACHE).isObject()) {
          block.set(CACHE, part.get(CACHE));
        }
        content.add(block);
      } else if (part.path("text").isTextual()) {
        addText(content, part.get("text").textValue(), part.get(CACHE));
      } else if (part.path("refusal").isTextual()) {
        addText(content, part.get("refusal").textValue(), null);
      } else {
        throw OpenAiErrors.invalidValue(
                path + ".type",
                "this provider takes text, image_url and file, not `%s`."
                    .formatted(part.path("type").asText("")))
            .asException();
      }
    }
    if (parts.isEmpty() && message.json().path("refusal").isTextual()) {
      addText(content, message.json().get("refusal").textValue(), null);
    }
  }

  private static ObjectNode block(Media media, String path) {
    ObjectNode block = Json.object();
    switch (media.kind()) {
      case "image" -> {
        block.put("type", "image");
        if (media.url() == null && !IMAGES.contains(media.mimeType())) {
          throw OpenAiErrors.invalidValue(
                  path + ".image_url.url",
                  "this provider takes images of the types jpeg, png, gif and webp, not `%s`."
                      .formatted(media.mimeType()))
              .asException();
        }
      }
      case "file" -> block.put("type", "document");
      default ->
          throw OpenAiErrors.invalidValue(path + ".type", "this provider takes no sounds.")
              .asException();
    }
    ObjectNode source = block.putObject("source");
    if (media.url() != null) {
      source.put("type", "url").put("url", media.url());
    } else if (media.mimeType().startsWith("text/")) {
      source.put("type", "text").put("media_type", "text/plain").put("data", media.text());
    } else {
      if (media.kind().equals("file") && !media.mimeType().equals("application/pdf")) {
        throw OpenAiErrors.invalidValue(
                path + ".file.file_data",
                "this provider takes PDF files and texts, not `%s`.".formatted(media.mimeType()))
            .asException();
      }
      source.put("type", "base64").put("media_type", media.mimeType()).put("data", media.data());
    }
    if (media.name() != null) {
      block.put("title", media.name());
    }
    return block;
  }

  /** Adds a text. Anthropic refuses texts without a visible character. */
  private static void addText(ArrayNode content, String text, JsonNode cache) {
    if (text.isBlank()) {
      return;
    }
    ObjectNode block = content.addObject().put("type", "text").put("text", text);
    if (cache != null && cache.isObject()) {
      block.set(CACHE, cache);
    }
  }

  private static void markLast(ArrayNode content, JsonNode cache) {
    if (cache != null
        && cache.isObject()
        && content.get(content.size() - 1) instanceof ObjectNode last
        && !isThought(last)) {
      last.set(CACHE, cache);
    }
  }

  /** The content of the last message if it has the role, else of a new one. */
  private ArrayNode content(String role) {
    JsonNode last = messages.path(messages.size() - 1);
    if (last.path("role").asText("").equals(role)) {
      return (ArrayNode) last.get("content");
    }
    if (messages.isEmpty() && role.equals("assistant")) {
      addText(content("user"), "(The conversation begins with an answer.)", null);
    }
    return messages.addObject().put("role", role).putArray("content");
  }

  private void endMessages() {
    if (messages.isEmpty()) {
      if (system.isEmpty()) {
        throw OpenAiErrors.invalidValue("messages", "all messages are empty.").asException();
      }
      // Instructions alone are what the model has to answer.
      content("user").addAll(system);
      system.removeAll();
      return;
    }
    JsonNode last = messages.get(messages.size() - 1);
    if (!last.path("role").asText("").equals("assistant")) {
      return;
    }
    if (!rule.prefill() || thinks || refused.contains(Part.PREFILL)) {
      addText(content("user"), "Continue.", null);
      dropped.add("messages.prefill");
      return;
    }
    ArrayNode content = (ArrayNode) last.get("content");
    if (content.get(content.size() - 1) instanceof ObjectNode block && block.has("text")) {
      block.put("text", block.get("text").textValue().stripTrailing());
    }
  }

  // --- tools

  private void writeTools() {
    ArrayNode tools = Json.array();
    Set<String> allowed = allowed();
    for (JsonNode tool : asked.path("tools")) {
      String type = tool.path("type").asText("function");
      JsonNode function = tool.path("function");
      if (!function.path("name").isTextual()) {
        dropped.add("tools." + type);
      } else if (allowed == null || allowed.contains(function.path("name").textValue())) {
        tools.add(tool(tool, function));
      }
    }
    if (tools.isEmpty()) {
      return;
    }
    request.set("tools", tools);
    writeToolChoice();
  }

  private ObjectNode tool(JsonNode tool, JsonNode function) {
    ObjectNode written = Json.object().put("name", function.get("name").textValue());
    if (!function.path("description").asText("").isEmpty()) {
      written.put("description", function.get("description").textValue());
    }
    ObjectNode schema =
        function.path("parameters") instanceof ObjectNode given ? given.deepCopy() : Json.object();
    if (!schema.path("type").asText("").equals("object")) {
      schema.put("type", "object");
    }
    if (!schema.path("properties").isObject()) {
      schema.putObject("properties");
    }
    written.set("input_schema", schema);
    if (function.path("strict").asBoolean()) {
      if (SchemaSubset.holds(schema)) {
        written.put("strict", true);
      } else {
        dropped.add("tools.strict");
      }
    }
    JsonNode cache = tool.path(CACHE).isObject() ? tool.get(CACHE) : function.path(CACHE);
    if (cache.isObject()) {
      written.set(CACHE, cache);
    }
    return written;
  }

  /** The names of the tools that tool_choice allows; null for all. */
  private Set<String> allowed() {
    JsonNode list = asked.path("tool_choice").path("allowed_tools").path("tools");
    if (!list.isArray()) {
      return null;
    }
    Set<String> names = new HashSet<>();
    list.forEach(tool -> names.add(Conversation.nameOf(tool)));
    return names;
  }

  private void writeToolChoice() {
    JsonNode choice = asked.path("tool_choice");
    String mode =
        choice.has("allowed_tools")
            ? choice.path("allowed_tools").path("mode").asText("auto")
            : choice.asText("");
    String name = choice.path("function").path("name").textValue();
    ObjectNode written = Json.object();
    if (mode.equals("none")) {
      written.put("type", "none");
    } else if (mode.equals("required") || name != null) {
      if (forcesTools()) {
        written.put("type", name == null ? "any" : "tool");
        if (name != null) {
          written.put("name", name);
        }
      } else {
        written.put("type", "auto");
        dropped.add("tool_choice");
        addText(
            system,
            name == null
                ? "Answer with a call of at least one of the tools."
                : "Answer with a call of the tool `%s`.".formatted(name),
            null);
      }
    } else if (mode.equals("auto")) {
      written.put("type", "auto");
    }
    if (asked.path("parallel_tool_calls").isBoolean()
        && !asked.get("parallel_tool_calls").booleanValue()
        && !mode.equals("none")) {
      if (written.isEmpty()) {
        written.put("type", "auto");
      }
      written.put("disable_parallel_tool_use", true);
    }
    if (!written.isEmpty()) {
      request.set("tool_choice", written);
    }
  }

  private boolean forcesTools() {
    return rule.forcesTools(thinks) && !refused.contains(Part.FORCED_TOOLS);
  }

  // --- the answer's format

  private void writeFormat() {
    JsonNode format = asked.path("response_format");
    switch (format.path("type").asText("text")) {
      case "json_object" -> addText(system, "Answer with one JSON object and nothing else.", null);
      case "json_schema" -> {
        JsonNode schema = format.path("json_schema").path("schema");
        if (rule.takesSchema(request.has("tools")) && !refused.contains(Part.SCHEMA)) {
          request
              .withObject("/output_config")
              .putObject("format")
              .put("type", "json_schema")
              .set("schema", SchemaSubset.converted(schema));
        } else if (!request.has("tools") && forcesTools()) {
          answersByTool = true;
          ObjectNode tool = request.putArray("tools").addObject().put("name", ANSWER_TOOL);
          tool.put("description", "Gives the answer. Its input is the answer.");
          tool.set("input_schema", schema);
          request
              .putObject("tool_choice")
              .put("type", "tool")
              .put("name", ANSWER_TOOL)
              .put("disable_parallel_tool_use", true);
        } else {
          dropped.add("response_format");
          addText(
              system,
              "Answer with one JSON value that follows this JSON schema, and nothing else:\n"
                  + Json.text(schema),
              null);
        }
      }
      default -> {
        // Text, which needs no field.
      }
    }
  }

  private void writeSampling() {
    boolean sampling = rule.sampling() && !thinks && !refused.contains(Part.SAMPLING);
    boolean temperature = asked.path("temperature").isNumber();
    for (String name : List.of("temperature", "top_p", "top_k")) {
      if (!asked.path(name).isNumber()) {
        continue;
      }
      // Anthropic's models take temperature or top_p, not both.
      if (!sampling || (name.equals("top_p") && temperature)) {
        dropped.add(name);
      } else if (name.equals("temperature") && asked.get(name).doubleValue() > 1) {
        request.put(name, 1);
      } else {
        request.set(name, asked.get(name));
      }
    }
  }

  private void writeStops() {
    ArrayNode stops = Json.array();
    JsonNode stop = asked.path("stop");
    (stop.isTextual() ? Json.array().add(stop) : stop)
        .forEach(each -> {
          // Anthropic refuses stop sequences without a visible character.
          if (each.asText("").isBlank()) {
            dropped.add("stop");
          } else {
            stops.add(each.asText());
          }
        });
    if (!stops.isEmpty()) {
      request.set("stop_sequences", stops);
    }
  }

  /** The end user's id, as a code that only this server can connect with it. */
  private void writeUser() {
    String user = asked.path("user").asText("");
    if (user.isEmpty()) {
      return;
    }
    String key = chat.target().provider().apiKey();
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(
          new SecretKeySpec(
              (key == null ? "llmproxy" : key).getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
      byte[] code = mac.doFinal(user.getBytes(StandardCharsets.UTF_8));
      request.putObject("metadata").put("user_id", HexFormat.of().formatHex(code));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Keeps the last marks, which cover the most of the prompt. */
  private void limitCacheMarks() {
    List<ObjectNode> marked = new ArrayList<>();
    for (String field : List.of("tools", "system", "messages")) {
      for (JsonNode each : request.path(field)) {
        addMarked(each, marked);
        each.path("content").forEach(block -> addMarked(block, marked));
      }
    }
    int most = request.has(CACHE) ? MOST_CACHE_MARKS - 1 : MOST_CACHE_MARKS;
    for (int i = 0; i < marked.size() - most; i++) {
      marked.get(i).remove(CACHE);
      dropped.add(CACHE);
    }
  }

  private static void addMarked(JsonNode node, List<ObjectNode> marked) {
    if (node instanceof ObjectNode object && object.has(CACHE)) {
      marked.add(object);
    }
  }
}
