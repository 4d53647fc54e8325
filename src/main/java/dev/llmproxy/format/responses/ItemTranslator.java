package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.format.responses.OfferedTools.Kind;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;

/** Translates the items of a request, in order, into the messages of a chat. One per request. */
final class ItemTranslator {
  private static final Set<String> ROLES = Set.of("user", "system", "developer", "assistant");

  /**
   * Items of the server's tools. Their results, if they are still known, are in the chat's memory.
   */
  private static final Set<String> OF_THE_SERVER = Set.of("web_search_call", "mcp_call");

  private final OfferedTools tools;
  private final Function<String, Optional<String>> open;
  private final Consumer<String> dropped;
  private final MessageContent contents;
  private final ChatHistory history = new ChatHistory();

  /**
   * @param open opens the sealed text of a reasoning item; empty when it does not open
   * @param dropped is told the kinds of items that the model does not get
   */
  ItemTranslator(
      OfferedTools tools, Function<String, Optional<String>> open, Consumer<String> dropped) {
    this.tools = tools;
    this.open = open;
    this.dropped = dropped;
    contents = new MessageContent(dropped);
  }

  /** Adds the instructions, which come before all items. */
  void instructions(String text) {
    history.message("system", TextNode.valueOf(text));
  }

  /**
   * Adds an item.
   *
   * @throws dev.llmproxy.error.ApiException 400 that names the wrong field
   */
  void add(Item item) {
    JsonNode json = item.json();
    String path = item.path();
    switch (item.type()) {
      case "message" -> message(json, path);
      case "function_call" ->
          history.call(
              callId(json, path),
              function(Kind.FUNCTION, json, path),
              json.path("arguments").asText(""));
      case "custom_tool_call" ->
          history.call(
              callId(json, path),
              function(Kind.CUSTOM, json, path),
              Json.text(
                  Json.object().put(OfferedTools.INPUT, json.path(OfferedTools.INPUT).asText(""))));
      case "function_call_output", "custom_tool_call_output" -> result(json, path);
      case "reasoning" -> reasoning(item);
      case "agent_message" -> agent(json, path);
      case String type when OF_THE_SERVER.contains(type) || Item.addsTools(type) -> {}
      case String type -> dropped.accept("input." + type);
    }
  }

  private void message(JsonNode item, String path) {
    String role = item.path("role").asText("");
    if (role.isEmpty()) {
      throw OpenAiErrors.missing(path + ".role").asException();
    }
    if (!ROLES.contains(role)) {
      throw OpenAiErrors.invalidValue(
              path + ".role",
              "'%s' is not one of user, system, developer, assistant.".formatted(role))
          .asException();
    }
    List<ObjectNode> parts = contents.parts(item.path("content"), path + ".content");
    switch (role) {
      case "assistant" -> {
        String text = MessageContent.text(parts, "");
        if (!text.isEmpty()) {
          history.assistant(text);
        }
      }
      case "user" ->
          history.message(
              role, parts.isEmpty() ? TextNode.valueOf("") : MessageContent.content(parts));
      default -> history.message(role, TextNode.valueOf(MessageContent.text(parts, "\n")));
    }
  }

  private void agent(JsonNode item, String path) {
    List<ObjectNode> parts = contents.parts(item.path("content"), path + ".content");
    String text = MessageContent.text(parts, "\n");
    if (!text.isEmpty()) {
      history.message("user", TextNode.valueOf(text));
    }
  }

  private String function(Kind kind, JsonNode call, String path) {
    String name = call.path("name").asText("");
    if (name.isEmpty()) {
      throw OpenAiErrors.missing(path + ".name").asException();
    }
    return tools.functionName(kind, name, call.path("namespace").textValue());
  }

  private static String callId(JsonNode item, String path) {
    String id = item.path("call_id").asText("");
    if (id.isEmpty()) {
      throw OpenAiErrors.missing(path + ".call_id").asException();
    }
    return id;
  }

  private void result(JsonNode item, String path) {
    String id = callId(item, path);
    if (!history.result(id, contents.parts(item.path("output"), path + ".output"))) {
      throw OpenAiErrors.invalidValue(
              path + ".call_id",
              "the input has no tool call '%s' before this output.".formatted(id))
          .asException();
    }
  }

  private void reasoning(Item item) {
    if (item.thought() != null) {
      history.thought(item.thought());
    } else {
      open.apply(item.json().path("encrypted_content").asText("")).ifPresent(history::thought);
    }
  }

  /** The messages so far. */
  ArrayNode messages() {
    return history.messages();
  }
}
