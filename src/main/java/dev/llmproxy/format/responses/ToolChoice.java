package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.format.responses.OfferedTools.Kind;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;

/** Translates {@code tool_choice}, and sets the tools of a chat. */
final class ToolChoice {
  private static final String FIELD = "tool_choice";
  private static final Set<String> WORDS = Set.of("auto", "none", "required");

  private ToolChoice() {}

  /**
   * Sets {@code tools}, {@code tool_choice} and {@code parallel_tool_calls} of a chat; none of them
   * when no tool is left, because providers refuse a choice without tools.
   *
   * @throws ApiException 400 for a choice of a tool that the request does not have
   */
  static void set(ObjectNode chat, JsonNode request, OfferedTools tools, Consumer<String> dropped) {
    JsonNode choice = chatChoice(request.path(FIELD), tools, dropped);
    ArrayNode offered = tools.inChat();
    if (offered.isEmpty()) {
      return;
    }
    chat.set("tools", offered);
    if (choice != null) {
      chat.set(FIELD, choice);
    }
    if (request.hasNonNull("parallel_tool_calls")) {
      chat.set("parallel_tool_calls", request.get("parallel_tool_calls"));
    }
  }

  /** The choice in the chat's form; null for none. */
  private static JsonNode chatChoice(
      JsonNode choice, OfferedTools tools, Consumer<String> dropped) {
    if (choice.isMissingNode() || choice.isNull()) {
      return null;
    }
    if (choice.isTextual()) {
      if (!WORDS.contains(choice.textValue())) {
        throw OpenAiErrors.invalidValue(FIELD, "expected auto, none, required, or an object.")
            .asException();
      }
      return choice;
    }
    if (!choice.isObject()) {
      throw OpenAiErrors.invalidType(FIELD, "a string or an object").asException();
    }
    String type = choice.path("type").asText("");
    return switch (type) {
      case "function" -> function(functionName(choice, Kind.FUNCTION, tools));
      case "custom" -> function(functionName(choice, Kind.CUSTOM, tools));
      case "allowed_tools" -> allowed(choice, tools);
      default -> {
        if (type.startsWith(OfferedTools.WEB_SEARCH) && tools.search()) {
          yield Json.object().put("type", OfferedTools.WEB_SEARCH);
        }
        dropped.accept(FIELD + "." + type);
        yield null;
      }
    };
  }

  private static JsonNode function(String name) {
    ObjectNode choice = Json.object().put("type", "function");
    choice.putObject("function").put("name", name);
    return choice;
  }

  private static String functionName(JsonNode choice, Kind kind, OfferedTools tools) {
    // Some clients send the form of the chat endpoint.
    JsonNode naming = choice.path("function").isObject() ? choice.get("function") : choice;
    String name = naming.path("name").asText("");
    String namespace = naming.path("namespace").textValue();
    if (!tools.has(kind, name, namespace)) {
      throw OpenAiErrors.invalidValue(FIELD, "`tools` has no tool `%s`.".formatted(name))
          .asException();
    }
    return tools.functionName(kind, name, namespace);
  }

  /** Leaves only the named tools; the rest is as if the client had not sent it. */
  private static JsonNode allowed(JsonNode choice, OfferedTools tools) {
    // Some clients send the form of the chat endpoint.
    JsonNode allowed =
        choice.path("allowed_tools").isObject() ? choice.get("allowed_tools") : choice;
    Set<String> functions = new HashSet<>();
    boolean search = false;
    for (JsonNode tool : allowed.path("tools")) {
      switch (tool.path("type").asText("")) {
        case "function" -> functions.add(functionName(tool, Kind.FUNCTION, tools));
        case "custom" -> functions.add(functionName(tool, Kind.CUSTOM, tools));
        case String type -> search |= type.startsWith(OfferedTools.WEB_SEARCH);
      }
    }
    tools.retain(functions, search);
    String mode = allowed.path("mode").asText("auto");
    return TextNode.valueOf(mode.equals("required") ? mode : "auto");
  }
}
