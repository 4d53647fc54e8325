package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * What Anthropic's Messages API refuses, in its words where they are known. It also refuses unknown
 * fields and neighbours of one role, as the documentation describes no others.
 */
public final class MessagesRules {
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]+");
  private static final Pattern TOOL_NAME = Pattern.compile("[A-Za-z0-9_-]{1,128}");
  private static final Pattern NO_SAMPLING =
      Pattern.compile("claude-(3-strict|opus-4-[78]|(opus|sonnet|haiku|fable|mythos)-5).*");
  private static final Pattern NO_FORCED_TOOLS =
      Pattern.compile("claude-((opus|sonnet)-5-5|(fable|mythos)-5-[12]).*");
  private static final Pattern FORCED_WHILE_THINKING = Pattern.compile("claude-.*-5.*");
  private static final Pattern PREFILL = Pattern.compile("claude-(3|.*-4(-[015])?(-\\d{8})?$).*");
  private static final Pattern LATE_SYSTEM = Pattern.compile("claude-(opus-4-8|.*-5).*");
  private static final Pattern NO_SCHEMA =
      Pattern.compile("claude-(3|(opus|sonnet)-4(-[01]$|-2|$)).*");
  private static final Set<String> FIELDS =
      Set.of(
          "model",
          "max_tokens",
          "messages",
          "system",
          "tools",
          "tool_choice",
          "thinking",
          "output_config",
          "temperature",
          "top_p",
          "top_k",
          "stop_sequences",
          "metadata",
          "stream",
          "cache_control",
          "service_tier");
  private static final Map<String, Set<String>> BLOCKS =
      Map.of(
          "text", Set.of("type", "text", "cache_control"),
          "image", Set.of("type", "source", "cache_control"),
          "document", Set.of("type", "source", "title", "context", "citations", "cache_control"),
          "tool_use", Set.of("type", "id", "name", "input", "cache_control"),
          "tool_result", Set.of("type", "tool_use_id", "content", "is_error", "cache_control"),
          "thinking", Set.of("type", "thinking", "signature"),
          "redacted_thinking", Set.of("type", "data"));
  private static final Set<String> IMAGES =
      Set.of("image/jpeg", "image/png", "image/gif", "image/webp");
  private static final Set<String> KEYWORDS =
      Set.of(
          "type",
          "enum",
          "const",
          "anyOf",
          "allOf",
          "$ref",
          "$defs",
          "title",
          "description",
          "properties",
          "required",
          "items",
          "minItems",
          "format",
          "additionalProperties");

  private final JsonNode request;
  private final String model;
  private int cacheMarks;

  private MessagesRules(JsonNode request) {
    this.request = request;
    model = request.path("model").asText();
  }

  /**
   * Checks a request.
   *
   * @throws IllegalArgumentException with the words of the refusal
   */
  public static void check(JsonNode request) {
    new MessagesRules(request).check();
  }

  /** The signature of a thinking block of a model. */
  static String signature(String model, String thinking) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest((model + "\n" + thinking).getBytes(StandardCharsets.UTF_8));
      return Base64.getEncoder()
          .encodeToString(HexFormat.of().formatHex(digest).getBytes(StandardCharsets.US_ASCII));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private void check() {
    keys(request, FIELDS, "");
    require(request.path("model").isTextual() && !model.isEmpty(), "model: Field required");
    require(
        request.path("max_tokens").isInt() && request.get("max_tokens").intValue() > 0,
        "max_tokens: Field required");
    require(
        request.path("messages").isArray() && !request.path("messages").isEmpty(),
        "messages: at least one message is required");
    checkSystem();
    checkTools();
    checkThinking();
    checkOptions();
    checkMessages();
    if (request.has("cache_control")) {
      cache(request.get("cache_control"));
    }
    require(
        cacheMarks <= 4,
        "A maximum of 4 blocks with cache_control may be provided. Found " + cacheMarks + ".");
  }

  private void checkSystem() {
    JsonNode system = request.path("system");
    require(
        system.isMissingNode() || system.isTextual() || (system.isArray() && !system.isEmpty()),
        "system: Input should be a valid string or list");
    for (JsonNode block : system.isArray() ? system : List.<JsonNode>of()) {
      require(block.path("type").asText().equals("text"), "system: only text");
      block(block, "system");
    }
  }

  private void checkTools() {
    Set<String> names = new HashSet<>();
    JsonNode tools = request.path("tools");
    require(
        tools.isMissingNode() || (tools.isArray() && !tools.isEmpty()),
        "tools: no tools in the list");
    for (JsonNode tool : tools) {
      keys(
          tool,
          Set.of("name", "description", "input_schema", "strict", "cache_control", "type"),
          "tools");
      String name = tool.path("name").asText();
      require(TOOL_NAME.matcher(name).matches(), "tools.name: should match " + TOOL_NAME);
      require(names.add(name), "tools: Tool names must be unique.");
      require(
          tool.path("input_schema").path("type").asText().equals("object"),
          "tools.input_schema.type: Field required");
      require(
          !tool.has("description") || !tool.get("description").asText().isEmpty(),
          "tools.description: empty");
      if (tool.path("strict").asBoolean()) {
        schema(tool.get("input_schema"));
      }
      if (tool.has("cache_control")) {
        cache(tool.get("cache_control"));
      }
    }
    JsonNode choice = request.path("tool_choice");
    if (choice.isMissingNode()) {
      return;
    }
    require(!tools.isMissingNode(), "tool_choice may only be specified while providing tools");
    String type = choice.path("type").asText();
    keys(choice, Set.of("type", "name", "disable_parallel_tool_use"), "tool_choice");
    require(Set.of("auto", "any", "tool", "none").contains(type), "tool_choice.type: " + type);
    require(
        !type.equals("tool") || names.contains(choice.path("name").asText()),
        "tool_choice: Tool not found");
    require(
        !type.equals("none") || !choice.has("disable_parallel_tool_use"),
        "tool_choice.none.disable_parallel_tool_use: Extra inputs are not permitted");
    if (Set.of("any", "tool").contains(type)) {
      require(
          !NO_FORCED_TOOLS.matcher(model).matches(),
          "tool_choice: type \"tool\" and \"any\" are not supported for this model");
      require(
          !thinks() || FORCED_WHILE_THINKING.matcher(model).matches(),
          "Thinking may not be enabled when tool_choice forces tool use.");
    }
  }

  private boolean thinks() {
    return request.has("thinking")
        && !request.path("thinking").path("type").asText().equals("disabled");
  }

  private void checkThinking() {
    JsonNode thinking = request.path("thinking");
    String type = thinking.path("type").asText();
    if (!thinking.isMissingNode()) {
      Set<String> types = types();
      require(
          types.contains(type),
          "thinking.type: `%s` is not supported for this model".formatted(type));
    }
    if (type.equals("enabled")) {
      keys(thinking, Set.of("type", "budget_tokens", "display"), "thinking");
      int budget = thinking.path("budget_tokens").asInt();
      require(budget >= 1024, "thinking.enabled.budget_tokens: should be at least 1024");
      require(
          budget < request.get("max_tokens").intValue(),
          "`max_tokens` must be greater than `thinking.budget_tokens`");
    } else {
      keys(thinking, Set.of("type", "display"), "thinking");
    }
    JsonNode output = request.path("output_config");
    keys(output, Set.of("effort", "format"), "output_config");
    require(output.isMissingNode() || !output.isEmpty(), "output_config: empty");
    if (output.has("effort")) {
      require(
          Set.of("low", "medium", "high", "xhigh", "max").contains(output.get("effort").asText()),
          "output_config.effort: invalid");
      require(
          !types().equals(Set.of("enabled", "disabled")) || model.startsWith("claude-opus-4-5"),
          "This model does not support the effort parameter.");
    }
    if (output.has("format")) {
      keys(output.get("format"), Set.of("type", "schema"), "output_config.format");
      require(
          !NO_SCHEMA.matcher(model).matches(),
          "output_config.format: not supported for this model");
      schema(output.get("format").get("schema"));
    }
  }

  private Set<String> types() {
    if (model.matches("claude-.*-4-6.*")) {
      return Set.of("enabled", "disabled", "adaptive");
    }
    if (model.matches("claude-opus-4-[78].*|claude-haiku-5-5.*|claude-(sonnet|opus)-5")) {
      return Set.of("adaptive", "disabled");
    }
    if (model.matches("claude-sonnet-5-5.*")) {
      return Set.of("adaptive", "between_tools");
    }
    if (model.matches("claude-[a-z]+-[5-9].*")) {
      return Set.of("adaptive");
    }
    return Set.of("enabled", "disabled");
  }

  private void checkOptions() {
    for (String name : List.of("temperature", "top_p", "top_k")) {
      if (request.has(name)) {
        require(
            !NO_SAMPLING.matcher(model).matches(),
            "`%s` is not supported for this model.".formatted(name));
        require(!thinks(), "`%s` may only be set to 1 when thinking is enabled.".formatted(name));
      }
    }
    double temperature = request.path("temperature").asDouble();
    require(temperature >= 0 && temperature <= 1, "temperature: range: 0..1");
    require(
        !request.has("temperature") || !request.has("top_p"),
        "`temperature` and `top_p` cannot both be specified for this model.");
    JsonNode stops = request.path("stop_sequences");
    for (JsonNode stop : stops) {
      require(
          stop.isTextual() && !stop.asText().isBlank(),
          "stop_sequences: each stop sequence must contain non-whitespace");
    }
    keys(request.path("metadata"), Set.of("user_id"), "metadata");
    require(
        !request.path("metadata").path("user_id").asText().contains("@"), "metadata.user_id: PII");
  }

  private void checkMessages() {
    String before = "";
    List<String> open = List.of();
    Set<String> ids = new HashSet<>();
    int position = 0;
    for (JsonNode message : request.get("messages")) {
      String at = "messages." + position;
      keys(message, Set.of("role", "content"), at);
      String role = message.path("role").asText();
      require(Set.of("user", "assistant", "system").contains(role), at + ".role: " + role);
      require(
          position > 0 || role.equals("user"),
          "messages: first message must use the \"user\" role");
      require(!role.equals(before), "messages: roles must alternate, but found " + role + " twice");
      require(
          !role.equals("system") || LATE_SYSTEM.matcher(model).matches(),
          at + ".role: unexpected role \"system\", which is not supported for this model");
      before = role;
      JsonNode content = message.path("content");
      require(content.isArray() && !content.isEmpty(), at + ".content: must be non-empty");
      open = checkContent(content, role, open, ids, at);
      position++;
    }
    require(open.isEmpty(), unanswered(open));
    if (before.equals("assistant")) {
      require(
          PREFILL.matcher(model).matches() && !thinks(),
          "This model does not support assistant message prefill. The conversation must end with a user message.");
      JsonNode last = request.at("/messages/" + (position - 1) + "/content");
      String text = last.path(last.size() - 1).path("text").asText();
      require(
          text.equals(text.stripTrailing()),
          "messages: final assistant content cannot end with trailing whitespace");
    }
    checkCurrentTurn();
  }

  private static String unanswered(List<String> open) {
    return "messages: `tool_use` ids were found without `tool_result` blocks immediately after: "
        + String.join(", ", open);
  }

  /** Returns the ids of the calls that the next message has to answer. */
  private List<String> checkContent(
      JsonNode content, String role, List<String> open, Set<String> ids, String at) {
    List<String> unanswered = new ArrayList<>(open);
    List<String> calls = new ArrayList<>();
    boolean other = false;
    for (JsonNode block : content) {
      block(block, at);
      switch (block.path("type").asText()) {
        case "tool_use" -> {
          require(
              role.equals("assistant"),
              at + ": `tool_use` blocks can only be in assistant messages");
          String id = block.path("id").asText();
          require(ID.matcher(id).matches(), at + ".tool_use.id: String should match pattern");
          require(ids.add(id), "messages: `tool_use` ids must be unique");
          require(TOOL_NAME.matcher(block.path("name").asText()).matches(), at + ".tool_use.name");
          require(block.path("input").isObject(), at + ".tool_use.input: should be an object");
          calls.add(id);
        }
        case "tool_result" -> {
          require(role.equals("user"), at + ": `tool_result` blocks can only be in user messages");
          require(!other, at + ": tool_result blocks must come first");
          require(
              unanswered.remove(block.path("tool_use_id").asText()),
              at + ": unexpected `tool_use_id` found in `tool_result` blocks");
          for (JsonNode part : block.path("content")) {
            block(part, at + ".tool_result");
          }
        }
        case "thinking", "redacted_thinking" ->
            require(role.equals("assistant"), at + ": thinking is only in assistant messages");
        default -> other = true;
      }
    }
    require(unanswered.isEmpty(), unanswered(unanswered));
    return calls;
  }

  /** A turn that goes on after tool results must have begun with thinking, if it thinks. */
  private void checkCurrentTurn() {
    JsonNode messages = request.get("messages");
    int last = messages.size() - 1;
    boolean results =
        messages.get(last).path("content").path(0).path("type").asText().equals("tool_result");
    if (results && request.path("thinking").path("type").asText().equals("enabled")) {
      String first = messages.get(last - 1).path("content").path(0).path("type").asText();
      require(
          first.endsWith("thinking"),
          "Expected `thinking` or `redacted_thinking`, but found `" + first + "`.");
    }
  }

  private void block(JsonNode block, String at) {
    String type = block.path("type").asText();
    require(BLOCKS.containsKey(type), at + ": Input tag '" + type + "' found using 'type'");
    keys(block, BLOCKS.get(type), at + "." + type);
    switch (type) {
      case "text" ->
          require(
              !block.path("text").asText().isBlank(),
              "messages: text content blocks must be non-empty");
      case "image" -> source(block.path("source"), IMAGES, at);
      case "document" -> source(block.path("source"), Set.of("application/pdf"), at);
      case "thinking" ->
          require(
              block
                      .path("signature")
                      .asText()
                      .equals(signature(model, block.path("thinking").asText()))
                  || block.path("signature").asText().startsWith("golden-"),
              at + ": Invalid `signature` in `thinking` block");
      case "redacted_thinking" ->
          require(!block.path("data").asText().isEmpty(), at + ".redacted_thinking.data");
      default -> {}
    }
    if (block.has("cache_control")) {
      cache(block.get("cache_control"));
    }
  }

  private static void source(JsonNode source, Set<String> types, String at) {
    switch (source.path("type").asText()) {
      case "url" -> {
        keys(source, Set.of("type", "url"), at);
        require(source.path("url").asText().startsWith("http"), at + ".source.url");
      }
      case "text" -> {
        keys(source, Set.of("type", "media_type", "data"), at);
        require(source.path("media_type").asText().equals("text/plain"), at + ".source.media_type");
      }
      default -> {
        keys(source, Set.of("type", "media_type", "data"), at);
        require(source.path("type").asText().equals("base64"), at + ".source.type");
        require(types.contains(source.path("media_type").asText()), at + ".source.media_type");
        Base64.getDecoder().decode(source.path("data").asText());
      }
    }
  }

  private void cache(JsonNode mark) {
    cacheMarks++;
    keys(mark, Set.of("type", "ttl"), "cache_control");
    require(mark.path("type").asText().equals("ephemeral"), "cache_control.type");
    require(
        !mark.has("ttl") || Set.of("5m", "1h").contains(mark.get("ttl").asText()),
        "cache_control.ttl");
  }

  private static void schema(JsonNode schema) {
    if (!schema.isObject()) {
      return;
    }
    for (Map.Entry<String, JsonNode> field : schema.properties()) {
      require(
          KEYWORDS.contains(field.getKey()),
          "output_config.format.schema: For this type, property '%s' is not supported"
              .formatted(field.getKey()));
    }
    if (schema.path("type").asText().equals("object")) {
      require(
          schema.path("additionalProperties").isBoolean()
              && !schema.path("additionalProperties").booleanValue(),
          "schema: 'additionalProperties' must be explicitly set to false");
    }
    Consumer<JsonNode> each = MessagesRules::schema;
    schema.path("properties").forEach(each);
    schema.path("$defs").forEach(each);
    schema.path("anyOf").forEach(each);
    schema.path("allOf").forEach(each);
    schema(schema.path("items"));
  }

  private static void keys(JsonNode object, Set<String> known, String at) {
    for (Map.Entry<String, JsonNode> field : object.properties()) {
      require(
          known.contains(field.getKey()),
          "%s.%s: Extra inputs are not permitted".formatted(at, field.getKey()));
      require(!field.getValue().isNull(), at + "." + field.getKey() + ": null");
    }
  }

  private static void require(boolean holds, String refusal) {
    if (!holds) {
      throw new IllegalArgumentException(refusal);
    }
  }
}
