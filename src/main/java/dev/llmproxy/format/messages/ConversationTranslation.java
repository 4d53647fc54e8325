package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.ArrayList;
import java.util.List;

/** Translates {@code system} and {@code messages} into the messages of a chat. One per request. */
final class ConversationTranslation {
  /**
   * Claude Code begins its prompt with this text and a hash that changes with each request, so that
   * no provider would find the prompt in its cache.
   */
  private static final String BILLING = "x-anthropic-billing-header:";

  private static final String CONTENT = "content";

  private final Asked asked;
  private final BlockParts blocks;
  private final ArrayNode messages = Json.array();

  ConversationTranslation(Asked asked) {
    this.asked = asked;
    blocks = new BlockParts(asked);
  }

  /** The messages of the chat. */
  ArrayNode messages() {
    addSystem(asked.body().path("system"), "system");
    JsonNode given = asked.body().path("messages");
    for (int i = 0; i < given.size(); i++) {
      JsonNode content = given.get(i).path(CONTENT);
      String path = "messages[" + i + "].content";
      switch (given.get(i).path("role").asText("")) {
        case "system" -> addSystem(content, path);
        case "assistant" -> addAssistant(content, path);
        default -> addUser(content, path);
      }
    }
    return messages;
  }

  private void addSystem(JsonNode content, String path) {
    List<String> texts = new ArrayList<>();
    if (content.isTextual()) {
      texts.add(content.textValue());
    }
    for (int i = 0; content.isArray() && i < content.size(); i++) {
      JsonNode block = content.get(i);
      String type = block.path("type").asText("");
      if (!type.equals("text")) {
        asked.drop("system." + type);
        continue;
      }
      String text = MessagesBody.text(block, "text", path + "[" + i + "]");
      if (text.startsWith(BILLING)) {
        asked.drop("system.billing_header");
      } else {
        texts.add(text);
      }
      nameCacheControl(block);
    }
    texts.removeIf(String::isBlank);
    if (!texts.isEmpty()) {
      messages.addObject().put("role", "system").put(CONTENT, String.join("\n\n", texts));
    }
  }

  private void addUser(JsonNode content, String path) {
    if (content.isTextual()) {
      messages.addObject().put("role", "user").put(CONTENT, content.textValue());
      return;
    }
    // Providers want the results of tools directly after the calls, and no image among them.
    ArrayNode ofResults = Json.array();
    ArrayNode parts = Json.array();
    for (int i = 0; i < content.size(); i++) {
      JsonNode block = content.get(i);
      String place = path + "[" + i + "]";
      if (block.path("type").asText("").equals("tool_result")) {
        addResult(block, place, ofResults);
      } else {
        parts.addAll(blocks.of(block, place, "messages"));
      }
      nameCacheControl(block);
    }
    addUserParts(ofResults.addAll(parts));
  }

  private void addUserParts(ArrayNode parts) {
    if (parts.isEmpty()) {
      return;
    }
    ObjectNode message = messages.addObject().put("role", "user");
    JsonNode first = parts.get(0);
    if (parts.size() == 1 && first.has("text")) {
      message.set(CONTENT, first.get("text"));
    } else {
      message.set(CONTENT, parts);
    }
  }

  private void addResult(JsonNode block, String path, ArrayNode media) {
    String id = MessagesBody.text(block, "tool_use_id", path);
    JsonNode content = block.path(CONTENT);
    List<String> texts = new ArrayList<>();
    if (content.isTextual()) {
      texts.add(content.textValue());
    }
    for (int i = 0; content.isArray() && i < content.size(); i++) {
      addOfResult(content.get(i), path + ".content[" + i + "]", texts, media);
    }
    String text = String.join("\n", texts);
    messages
        .addObject()
        .put("role", "tool")
        .put("tool_call_id", id)
        .put(CONTENT, block.path("is_error").asBoolean() ? "Error: " + text : text);
  }

  private void addOfResult(JsonNode block, String path, List<String> texts, ArrayNode media) {
    if (block.path("type").asText("").equals(ToolTranslation.REFERENCE)) {
      texts.add("Loaded: " + block.path(ToolTranslation.REFERENCED).asText(""));
      return;
    }
    for (JsonNode part : blocks.of(block, path, "messages.tool_result")) {
      if (part.has("text")) {
        texts.add(part.get("text").textValue());
      } else {
        media.add(part);
      }
    }
  }

  private void addAssistant(JsonNode content, String path) {
    StringBuilder text = new StringBuilder(content.asText(""));
    StringBuilder reasoning = new StringBuilder();
    ArrayNode calls = Json.array();
    for (int i = 0; content.isArray() && i < content.size(); i++) {
      JsonNode block = content.get(i);
      String place = path + "[" + i + "]";
      String type = block.path("type").asText("");
      switch (type) {
        case "text" -> text.append(MessagesBody.text(block, "text", place));
        case "tool_use" -> addCall(calls, block, place);
        case "thinking" -> reasoning.append(reasoning(block));
        default -> asked.drop("messages." + type);
      }
      nameCacheControl(block);
    }
    if (text.isEmpty() && calls.isEmpty() && reasoning.isEmpty()) {
      return;
    }
    ObjectNode message = messages.addObject().put("role", "assistant");
    message.put(CONTENT, text.isEmpty() && !calls.isEmpty() ? null : text.toString());
    if (!reasoning.isEmpty()) {
      message.put("reasoning_content", reasoning.toString());
    }
    if (!calls.isEmpty()) {
      message.set("tool_calls", calls);
    }
  }

  private String reasoning(JsonNode block) {
    if (asked.counted()) {
      return block.path("thinking").asText("");
    }
    String signature = block.path("signature").asText("");
    return asked
        .opened(signature)
        .orElseGet(() -> {
          asked.drop("messages.thinking");
          return "";
        });
  }

  private static void addCall(ArrayNode calls, JsonNode block, String path) {
    JsonNode input = block.path("input");
    calls
        .addObject()
        .put("id", MessagesBody.text(block, "id", path))
        .put("type", "function")
        .putObject("function")
        .put("name", MessagesBody.text(block, "name", path))
        .put("arguments", input.isObject() ? Json.text(input) : "{}");
  }

  private void nameCacheControl(JsonNode block) {
    if (block.path("cache_control").isObject()) {
      asked.drop("cache_control");
    }
  }
}
