package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ToolOffer;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.tool.ToolCatalogue;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Translates {@code tools} and {@code tool_choice}. The client's tools become functions.
 * Anthropic's web search and web fetch become the tools of this server; its other tools are left
 * out. One per request.
 */
final class ToolTranslation {
  /** The type of a block that loads a tool whose definition the client defers. */
  static final String REFERENCE = "tool_reference";

  /** The field of such a block with the name of the tool. */
  static final String REFERENCED = "tool_name";

  private static final String FETCH = "fetch_url";

  /** The fields of a client's tool that are read. */
  private static final Set<String> READ =
      Set.of("type", "name", "description", "input_schema", "defer_loading");

  /** The fields of Anthropic's tools that are read. */
  private static final Set<String> READ_OF_SERVER = Set.of("type", "name", ToolOffer.MAX_USES);

  private static final String CACHE_CONTROL = "cache_control";

  private final Asked asked;
  private final ToolCatalogue catalogue;
  private final ArrayNode functions = Json.array();
  private final Set<String> names = new HashSet<>();

  /** The types of this server's tools, by the names under which the client knows them. */
  private final Map<String, String> ofServer = new LinkedHashMap<>();

  /** The most calls that the client allows, by the type of the server's tool. */
  private final Map<String, JsonNode> most = new HashMap<>();

  ToolTranslation(Asked asked, ToolCatalogue catalogue) {
    this.asked = asked;
    this.catalogue = catalogue;
  }

  /** Writes {@code tools}, {@code tool_choice} and {@code parallel_tool_calls} of a chat. */
  void write(ObjectNode chat) {
    Set<String> loaded = new HashSet<>();
    findReferences(asked.body().path("messages"), loaded);
    JsonNode tools = asked.body().path("tools");
    for (int i = 0; i < tools.size(); i++) {
      add(tools.get(i), "tools[" + i + "]", loaded);
    }
    ofServer
        .entrySet()
        .removeIf(tool -> {
          // A chat cannot have a function and a tool of the server with one name.
          boolean taken = names.contains(tool.getValue());
          if (taken) {
            asked.drop("tools." + tool.getKey());
          }
          return taken;
        });
    ArrayNode all = functions;
    ofServer
        .values()
        .forEach(type -> {
          ObjectNode tool = all.addObject().put("type", type);
          if (most.containsKey(type)) {
            tool.set(ToolOffer.MAX_USES, most.get(type));
          }
        });
    if (!all.isEmpty()) {
      chat.set("tools", all);
      writeChoice(chat);
    } else if (asked.body().path("tool_choice").isObject()) {
      asked.drop("tool_choice");
    }
  }

  private void add(JsonNode tool, String path, Set<String> loaded) {
    if (!tool.isObject()) {
      throw OpenAiErrors.invalidType(path, "an object").asException();
    }
    String type = tool.path("type").asText("custom");
    if (type.equals("custom") || tool.path("type").isNull()) {
      addFunction(tool, path, loaded);
    } else if (type.startsWith("web_search_20")) {
      addOfServer(tool, type, "web_search", ToolOffer.WEB_SEARCH);
    } else if (type.startsWith("web_fetch_20")) {
      addOfServer(tool, type, "web_fetch", FETCH);
    } else {
      asked.drop("tools." + type);
    }
  }

  private void addFunction(JsonNode tool, String path, Set<String> loaded) {
    String name = MessagesBody.text(tool, "name", path);
    if (tool.path("defer_loading").asBoolean() && !loaded.contains(name)) {
      return;
    }
    for (Map.Entry<String, JsonNode> field : tool.properties()) {
      if (!READ.contains(field.getKey()) && !field.getValue().isNull()) {
        asked.drop(isCacheControl(field.getKey()) ? CACHE_CONTROL : "tools." + field.getKey());
      }
    }
    names.add(name);
    ObjectNode function = functions.addObject().put("type", "function").putObject("function");
    function.put("name", name);
    if (!tool.path("description").asText("").isEmpty()) {
      function.put("description", tool.get("description").asText());
    }
    // A function without parameters would be a tool of this server.
    if (tool.path("input_schema").isObject()) {
      function.set("parameters", tool.get("input_schema"));
    } else {
      function.putObject("parameters").put("type", "object").putObject("properties");
    }
  }

  private static boolean isCacheControl(String field) {
    return field.equals(CACHE_CONTROL);
  }

  private void addOfServer(JsonNode tool, String type, String name, String ours) {
    boolean able = asked.target().callsTools() || ours.equals(ToolOffer.WEB_SEARCH);
    if (able && asked.caller().mayUseTool(ours) && catalogue.find(ours).isPresent()) {
      ofServer.put(tool.path("name").asText(name), ours);
      if (tool.hasNonNull(ToolOffer.MAX_USES)) {
        most.put(ours, tool.get(ToolOffer.MAX_USES));
      }
      for (Map.Entry<String, JsonNode> field : tool.properties()) {
        JsonNode value = field.getValue();
        boolean empty = value.isNull() || (value.isContainerNode() && value.isEmpty());
        if (!READ_OF_SERVER.contains(field.getKey()) && !empty) {
          asked.drop(isCacheControl(field.getKey()) ? CACHE_CONTROL : "tools." + field.getKey());
        }
      }
    } else {
      asked.drop("tools." + type);
    }
  }

  private void writeChoice(ObjectNode chat) {
    JsonNode choice = asked.body().path("tool_choice");
    String name = choice.path("name").asText("");
    switch (choice.path("type").asText("")) {
      case "auto" -> chat.put("tool_choice", "auto");
      case "any" -> chat.put("tool_choice", "required");
      case "none" -> chat.put("tool_choice", "none");
      case "tool" -> {
        if (names.contains(name)) {
          ObjectNode chosen = chat.putObject("tool_choice").put("type", "function");
          chosen.putObject("function").put("name", name);
        } else if (ofServer.containsKey(name)) {
          chat.putObject("tool_choice").put("type", ofServer.get(name));
        } else {
          asked.drop("tool_choice");
        }
      }
      case "" -> {}
      default -> asked.drop("tool_choice");
    }
    if (choice.path("disable_parallel_tool_use").asBoolean()) {
      chat.put("parallel_tool_calls", false);
    }
  }

  private static void findReferences(JsonNode node, Set<String> found) {
    if (node.path("type").asText("").equals(REFERENCE)) {
      found.add(node.path(REFERENCED).asText(""));
    }
    if (node.isContainerNode()) {
      node.forEach(child -> findReferences(child, found));
    }
  }
}
