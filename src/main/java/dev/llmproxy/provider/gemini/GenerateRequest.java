package dev.llmproxy.provider.gemini;

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
import dev.llmproxy.tool.PageFetcher;
import dev.llmproxy.tool.ToolException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Translates one chat request to a request of <a
 * href="https://ai.google.dev/api/generate-content">Gemini's generateContent</a>. What the model
 * does not take is left out and named in {@link #dropped}. One per request.
 */
final class GenerateRequest {
  /** The signature that Google accepts in place of one that is not known. */
  static final String NO_SIGNATURE = "skip_thought_signature_validator";

  private static final int MOST_STOPS = 5;
  private static final int MOST_NAME = 128;
  private static final String USER = "user";
  private static final String MODEL = "model";
  private static final String SIGNATURE = "thoughtSignature";
  private static final String NO_RESULT = "The tool gave no result.";
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_.:-]*");

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
          "presence_penalty",
          "frequency_penalty",
          "seed",
          "stop",
          "n",
          "tools",
          "tool_choice",
          "response_format",
          "reasoning_effort");

  /** Values that ask for nothing special, so that nothing is lost without them. */
  private static final Map<String, Set<String>> USUAL =
      Map.of(
          "logprobs", Set.of("false"),
          "modalities", Set.of("[\"text\"]"),
          "parallel_tool_calls", Set.of("true"),
          "service_tier", Set.of("\"auto\"", "\"default\""),
          "store", Set.of("false"));

  private final ChatCall chat;
  private final ObjectNode asked;
  private final ModelRule rule;
  private final boolean withoutThoughts;
  private final ToolMemory memory;
  private final PageFetcher pages;
  private final Set<String> dropped = new TreeSet<>();
  private final Map<String, String> names = new HashMap<>();
  private final ObjectNode request = Json.object();
  private final ArrayNode contents = Json.array();
  private final ArrayNode system = Json.array();
  private boolean thoughtsSent;

  /**
   * @param withoutThoughts whether to leave out the signatures of earlier turns
   * @param memory has the signatures of earlier turns
   * @param pages fetches images and files that the request has addresses of
   */
  GenerateRequest(ChatCall chat, boolean withoutThoughts, ToolMemory memory, PageFetcher pages) {
    this.chat = chat;
    this.withoutThoughts = withoutThoughts;
    this.memory = memory;
    this.pages = pages;
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

  /** The client's names of tools, by the names in this request, where they differ. */
  Map<String, String> names() {
    return names;
  }

  /** Whether the request has signatures of earlier turns. */
  boolean thoughtsSent() {
    return thoughtsSent;
  }

  private void write() {
    Conversation conversation = Conversation.of(asked.path("messages"));
    for (Conversation.Message message : conversation.instructions()) {
      addText(system, message.text());
    }
    writeTools();
    ObjectNode config = Json.object();
    writeSampling(config);
    writeThinking(config);
    writeFormat(config);
    conversation.turns().forEach(this::writeTurn);
    if (contents.isEmpty()) {
      if (system.isEmpty()) {
        throw OpenAiErrors.invalidValue("messages", "all messages are empty.").asException();
      }
      // Instructions alone are what the model has to answer.
      content(USER).addAll(system);
      system.removeAll();
    }
    if (!system.isEmpty()) {
      request.putObject("systemInstruction").set("parts", system);
    }
    request.set("contents", contents);
    if (!config.isEmpty()) {
      request.set("generationConfig", config);
    }
    chat.target().dialect().applyToTranslated(request);
    nameOtherFields();
  }

  // --- contents

  private void writeTurn(Conversation.Turn turn) {
    switch (turn) {
      case Conversation.Message message -> {
        switch (message.role()) {
          case "system" -> {
            if (!message.text().isBlank()) {
              addText(content(USER), "<system>" + message.text() + "</system>");
            }
          }
          case "assistant" -> writeAssistant(message);
          default -> addAll(USER, parts(message));
        }
      }
      case Conversation.Results results -> writeResults(results);
    }
  }

  private void writeAssistant(Conversation.Message message) {
    List<JsonNode> calls = message.calls();
    ArrayNode kept =
        withoutThoughts || calls.isEmpty() ? null : memory.turn(chat, Conversation.idsOf(calls));
    if (kept != null) {
      // As the model wrote it: signed parts are neither merged nor moved.
      thoughtsSent = true;
      addAll(MODEL, kept);
      return;
    }
    ArrayNode parts = parts(message);
    String signature = signature(message.json());
    if (signature != null && parts.get(parts.size() - 1) instanceof ObjectNode last) {
      last.put(SIGNATURE, signature);
    }
    boolean first = true;
    for (JsonNode call : calls) {
      ObjectNode part = parts.addObject();
      ObjectNode written = part.putObject("functionCall");
      if (!call.path("id").asText("").isEmpty()) {
        written.set("id", call.get("id"));
      }
      written.put("name", name(Conversation.nameOf(call)));
      written.set("args", Conversation.argumentsOf(call));
      String signed = signature(call);
      if (signed != null) {
        part.put(SIGNATURE, signed);
      } else if (first && !rule.effort().isEmpty()) {
        // Gemini 3 and later demand a signature at the first call of each step.
        part.put(SIGNATURE, NO_SIGNATURE);
      }
      first = false;
    }
    addAll(MODEL, parts);
  }

  /** The signature that a client has sent back, in the form of Google's OpenAI endpoint. */
  private String signature(JsonNode json) {
    String signature =
        json.path("extra_content").path("google").path("thought_signature").textValue();
    if (signature == null || withoutThoughts) {
      return null;
    }
    thoughtsSent = true;
    return signature;
  }

  private void writeResults(Conversation.Results results) {
    ArrayNode responses = Json.array();
    ArrayNode media = Json.array();
    for (int i = 0; i < results.results().size(); i++) {
      JsonNode call = results.calls().get(i);
      ObjectNode response = responses.addObject().putObject("functionResponse");
      if (!call.path("id").asText("").isEmpty()) {
        response.set("id", call.get("id"));
      }
      response.put("name", name(Conversation.nameOf(call)));
      Conversation.Message result = results.results().get(i);
      boolean failed = result == null || chat.turns().failed(call.path("id").asText(""));
      response
          .putObject("response")
          .put(failed ? "error" : "output", result == null ? NO_RESULT : result.text());
      if (result != null) {
        ArrayNode others = Json.array();
        parts(result)
            .forEach(part -> {
              if (part.has("inlineData")) {
                others.add(part);
              }
            });
        if (!others.isEmpty() && rule.mediaInResults()) {
          response.set("parts", others);
        } else {
          media.addAll(others);
        }
      }
    }
    // Not merged with a text, because there must be as many parts as calls.
    contents.addObject().put("role", USER).set("parts", responses);
    if (!media.isEmpty()) {
      contents.addObject().put("role", USER).set("parts", media);
    }
  }

  private ArrayNode parts(Conversation.Message message) {
    ArrayNode written = Json.array();
    List<ObjectNode> parts = message.parts();
    for (int i = 0; i < parts.size(); i++) {
      ObjectNode part = parts.get(i);
      String path = message.path() + ".content[" + i + "]";
      Media media = Media.of(part, path);
      if (media != null) {
        written.addObject().set("inlineData", data(media, path));
      } else if (part.path("text").isTextual()) {
        addText(written, part.get("text").textValue());
      } else if (part.path("refusal").isTextual()) {
        addText(written, part.get("refusal").textValue());
      } else {
        throw OpenAiErrors.invalidValue(
                path + ".type",
                "this provider takes text, image_url, input_audio and file, not `%s`."
                    .formatted(part.path("type").asText("")))
            .asException();
      }
    }
    if (parts.isEmpty() && message.json().path("refusal").isTextual()) {
      addText(written, message.json().get("refusal").textValue());
    }
    return written;
  }

  private ObjectNode data(Media media, String path) {
    if (media.url() == null) {
      return Json.object().put("mimeType", media.mimeType()).put("data", media.data());
    }
    try {
      PageFetcher.Fetched fetched = pages.media(media.url());
      chat.memory().keep(fetched.base64().length());
      return Json.object().put("mimeType", fetched.mimeType()).put("data", fetched.base64());
    } catch (ToolException e) {
      throw OpenAiErrors.invalidValue(path, e.getMessage()).asException();
    }
  }

  private static void addText(ArrayNode parts, String text) {
    if (!text.isEmpty()) {
      parts.addObject().put("text", text);
    }
  }

  private void addAll(String role, ArrayNode parts) {
    if (!parts.isEmpty()) {
      content(role).addAll(parts);
    }
  }

  /**
   * The parts of the last content if it has the role and no results of tools, else of a new one.
   */
  private ArrayNode content(String role) {
    JsonNode last = contents.path(contents.size() - 1);
    if (last.path("role").asText("").equals(role)
        && !last.path("parts").path(0).has("functionResponse")) {
      return (ArrayNode) last.get("parts");
    }
    return contents.addObject().put("role", role).putArray("parts");
  }

  // --- tools

  private void writeTools() {
    ArrayNode declarations = Json.array();
    for (JsonNode tool : asked.path("tools")) {
      JsonNode function = tool.path("function");
      if (!function.path("name").isTextual()) {
        dropped.add("tools." + tool.path("type").asText("function"));
        continue;
      }
      ObjectNode declaration =
          declarations.addObject().put("name", name(function.get("name").textValue()));
      if (!function.path("description").asText("").isEmpty()) {
        declaration.set("description", function.get("description"));
      }
      if (!function.path("parameters").path("properties").isEmpty()) {
        declaration.set("parametersJsonSchema", function.get("parameters"));
      }
    }
    if (!declarations.isEmpty()) {
      request.putArray("tools").addObject().set("functionDeclarations", declarations);
      writeToolChoice();
    }
  }

  /** The name in this request; Google refuses some that OpenAI takes. */
  private String name(String name) {
    if (NAME.matcher(name).matches() && name.length() <= MOST_NAME) {
      return name;
    }
    String changed = "_" + name.replaceAll("[^A-Za-z0-9_.:-]", "_");
    changed = changed.substring(0, Math.min(changed.length(), MOST_NAME));
    names.put(changed, name);
    return changed;
  }

  private void writeToolChoice() {
    JsonNode choice = asked.path("tool_choice");
    JsonNode list = choice.path("allowed_tools");
    String mode = list.isObject() ? list.path("mode").asText("auto") : choice.asText("");
    String one = choice.path("function").path("name").textValue();
    ObjectNode config = Json.object();
    if (one != null || mode.equals("required")) {
      config.put("mode", "ANY");
    } else if (mode.equals("none")) {
      config.put("mode", "NONE");
    } else if (list.isObject()) {
      config.put("mode", "VALIDATED");
    } else if (mode.equals("auto")) {
      config.put("mode", "AUTO");
    }
    if (one != null) {
      config.putArray("allowedFunctionNames").add(name(one));
    } else if (list.path("tools").isArray()) {
      ArrayNode allowed = config.putArray("allowedFunctionNames");
      list.path("tools").forEach(tool -> allowed.add(name(Conversation.nameOf(tool))));
    }
    if (!config.isEmpty()) {
      request.putObject("toolConfig").set("functionCallingConfig", config);
    }
  }

  // --- generationConfig

  private void writeSampling(ObjectNode config) {
    for (String field : List.of("temperature", "top_p", "top_k")) {
      if (asked.path(field).isNumber() && !rule.sampling()) {
        dropped.add(field);
      } else if (asked.path(field).isNumber()) {
        config.set(camel(field), asked.get(field));
      }
    }
    for (String field : List.of("presence_penalty", "frequency_penalty")) {
      if (asked.path(field).isNumber() && asked.get(field).doubleValue() != 0) {
        config.set(camel(field), asked.get(field));
      }
    }
    if (asked.path("seed").isInt()) {
      config.set("seed", asked.get("seed"));
    } else if (asked.path("seed").isNumber()) {
      dropped.add("seed");
    }
    if (asked.path("n").asInt(1) > 1) {
      config.set("candidateCount", asked.get("n"));
    }
    for (String field : List.of("max_tokens", "max_completion_tokens")) {
      if (asked.path(field).isNumber()) {
        config.set("maxOutputTokens", asked.get(field));
      }
    }
    ArrayNode stops = Json.array();
    JsonNode stop = asked.path("stop");
    (stop.isTextual() ? Json.array().add(stop) : stop)
        .forEach(each -> {
          if (each.asText("").isEmpty() || stops.size() == MOST_STOPS) {
            dropped.add("stop");
          } else {
            stops.add(each.asText());
          }
        });
    if (!stops.isEmpty()) {
      config.set("stopSequences", stops);
    }
  }

  private static String camel(String field) {
    int line = field.indexOf('_');
    return line < 0
        ? field
        : field.substring(0, line)
            + field.substring(line + 1, line + 2).toUpperCase(Locale.ROOT)
            + field.substring(line + 2);
  }

  private void writeThinking(ObjectNode config) {
    String effort = asked.path("reasoning_effort").asText("").toLowerCase(Locale.ROOT);
    if (effort.isEmpty() || effort.equals("null") || effort.equals("default")) {
      return;
    }
    boolean none = effort.equals("none");
    String level =
        switch (effort) {
          case "minimal" -> "minimal";
          case "xhigh", "max" -> "high";
          default -> effort;
        };
    ObjectNode thinking = Json.object();
    if (!rule.effort().isEmpty()) {
      boolean least = none || level.equals("minimal");
      String named = least ? (rule.effort().contains("minimal") ? "minimal" : "low") : level;
      if (rule.effort().contains(named)) {
        thinking.put("thinkingLevel", named.toUpperCase(Locale.ROOT));
      }
    } else if (!rule.budgets().isEmpty()) {
      String named = level.equals("minimal") ? "low" : level;
      Integer budget = rule.budgets().getOrDefault(named, rule.budgets().get("low"));
      if (budget != null) {
        thinking.put("thinkingBudget", budget);
      }
    }
    if (thinking.isEmpty()) {
      if (!none) {
        dropped.add("reasoning_effort");
      }
      return;
    }
    if (!none) {
      thinking.put("includeThoughts", true);
    }
    config.set("thinkingConfig", thinking);
  }

  private void writeFormat(ObjectNode config) {
    JsonNode format = asked.path("response_format");
    String type = format.path("type").asText("text");
    if (type.equals("text")) {
      return;
    }
    JsonNode schema = format.path("json_schema").path("schema");
    if (rule.takesSchema(request.has("tools"))) {
      config.put("responseMimeType", "application/json");
      if (schema.isObject()) {
        config.set("responseJsonSchema", schema);
      }
    } else {
      dropped.add("response_format");
      addText(
          system,
          schema.isObject()
              ? "Answer with one JSON value that follows this JSON schema, and nothing else:\n"
                  + Json.text(schema)
              : "Answer with one JSON object and nothing else.");
    }
  }

  private void nameOtherFields() {
    dropped.addAll(DroppedFields.unread(asked, READ, USUAL));
    if (asked.path("messages").valueStream().anyMatch(message -> message.hasNonNull("name"))) {
      dropped.add("messages.name");
    }
  }
}
