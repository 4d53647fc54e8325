package dev.llmproxy.format.completions;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Makes the {@code logprobs} of text completions from those of chats. One for each answer; it
 * counts the characters of each choice.
 */
final class TextLogprobs {
  private static final List<String> LISTS =
      List.of("tokens", "token_logprobs", "top_logprobs", "text_offset");

  private final Map<Integer, Integer> characters = new TreeMap<>();

  /**
   * Converts the probabilities of the next tokens of a choice.
   *
   * @param logprobs those of a chat, or those of a text completion, which stay as they are
   * @return null in JSON when there are none
   */
  JsonNode of(int choice, JsonNode logprobs) {
    if (logprobs.path("tokens").isArray()) {
      ObjectNode own = Json.object();
      logprobs.properties().stream()
          .filter(field -> LISTS.contains(field.getKey()) || !field.getValue().isNull())
          .forEach(field -> own.set(field.getKey(), field.getValue()));
      return own;
    }
    JsonNode tokens = logprobs.path("content");
    return tokens.isArray() ? converted(choice, tokens) : NullNode.getInstance();
  }

  private ObjectNode converted(int choice, JsonNode tokens) {
    ObjectNode converted = Json.object();
    LISTS.forEach(converted::putArray);
    for (JsonNode token : tokens) {
      String text = token.path("token").asText("");
      ((ArrayNode) converted.get("tokens")).add(text);
      ((ArrayNode) converted.get("token_logprobs")).add(token.path("logprob"));
      ObjectNode top = Json.object();
      token
          .path("top_logprobs")
          .forEach(other -> top.set(other.path("token").asText(""), other.path("logprob")));
      ((ArrayNode) converted.get("top_logprobs")).add(top);
      int before = characters.getOrDefault(choice, 0);
      ((ArrayNode) converted.get("text_offset")).add(before);
      characters.put(choice, before + text.length());
    }
    return converted;
  }
}
