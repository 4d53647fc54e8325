package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.catalogue.Model;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.tool.ToolCatalogue;
import java.util.Map;
import java.util.Set;

/**
 * Translates a request in Anthropic's format into a chat request. What chats do not have is left
 * out and named. One per request.
 */
final class MessagesTranslation {
  private static final int MOST_STOPS = 4;
  private static final String MESSAGES = "messages";
  private static final String MAX_TOKENS = "max_tokens";
  private static final String STOPS = "stop_sequences";

  /** The fields that are read. */
  private static final Set<String> READ =
      Set.of(
          "model",
          MESSAGES,
          "system",
          MAX_TOKENS,
          "stream",
          "temperature",
          "top_p",
          "top_k",
          STOPS,
          "tools",
          "tool_choice",
          "thinking",
          "output_config",
          "output_format");

  private final Asked asked;
  private final ToolCatalogue catalogue;

  MessagesTranslation(Asked asked, ToolCatalogue catalogue) {
    this.asked = asked;
    this.catalogue = catalogue;
  }

  /**
   * The chat request.
   *
   * @throws ApiException 400 that names a block that cannot be read
   */
  ObjectNode chat() {
    ObjectNode chat = Json.object().put("model", asked.model());
    ArrayNode messages = new ConversationTranslation(asked).messages();
    if (messages.isEmpty() && !asked.passes()) {
      throw OpenAiErrors.invalidValue(MESSAGES, "no message has content that a model can read.")
          .asException();
    }
    chat.set(MESSAGES, messages);
    if (asked.body().path("stream").asBoolean()) {
      chat.put("stream", true);
    }
    writeOptions(chat);
    new EffortTranslation(asked).write(chat);
    new ToolTranslation(asked, catalogue).write(chat);
    for (Map.Entry<String, JsonNode> field : asked.body().properties()) {
      if (!READ.contains(field.getKey()) && !field.getValue().isNull()) {
        asked.drop(field.getKey());
      }
    }
    return chat;
  }

  private void writeOptions(ObjectNode chat) {
    JsonNode most = asked.body().path(MAX_TOKENS);
    if (most.isNumber()) {
      // Clients ask for as much as Anthropic's models can write.
      Model model = asked.target().model();
      int limit = model == null || model.maxOutput() < 1 ? Integer.MAX_VALUE : model.maxOutput();
      chat.put(MAX_TOKENS, Math.min(most.intValue(), limit));
    }
    for (String name : new String[] {"temperature", "top_p", "top_k"}) {
      if (asked.body().path(name).isNumber()) {
        chat.set(name, asked.body().get(name));
      }
    }
    ArrayNode stops = Json.array();
    for (JsonNode stop : asked.body().path(STOPS)) {
      if (stop.asText("").isBlank() || stops.size() == MOST_STOPS) {
        asked.drop(STOPS);
      } else {
        stops.add(stop);
      }
    }
    if (!stops.isEmpty()) {
      chat.set("stop", stops);
    }
  }
}
