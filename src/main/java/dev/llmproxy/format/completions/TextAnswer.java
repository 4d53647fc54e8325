package dev.llmproxy.format.completions;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.Map;
import java.util.Set;

/** Makes OpenAI's {@code text_completion} objects from chunks and whole completions of chats. */
final class TextAnswer {
  private static final String OBJECT = "text_completion";
  private static final String CHAT_ID = "chatcmpl-";
  private static final String ID = "cmpl-";
  private static final String FINISH = "finish_reason";

  /** Fields that are not copied as they are. */
  private static final Set<String> OWN =
      Set.of("id", "object", "created", "model", "choices", "usage");

  private static final Set<String> OF_CHOICES =
      Set.of("index", "delta", "message", "logprobs", FINISH);

  private final TextLogprobs logprobs;

  TextAnswer(TextLogprobs logprobs) {
    this.logprobs = logprobs;
  }

  /** The next piece of an answer; null when the chunk has neither text nor an end. */
  ObjectNode chunk(ObjectNode chat) {
    ArrayNode choices = Json.array();
    for (JsonNode choice : chat.path("choices")) {
      ObjectNode made = choice(choice, choice.path("delta"));
      if (!made.get("text").textValue().isEmpty()
          || made.path(FINISH).isTextual()
          || made.path("logprobs").isObject()) {
        choices.add(made);
      }
    }
    return choices.isEmpty() ? null : answer(chat, choices);
  }

  /** The whole answer. */
  ObjectNode whole(ObjectNode completion) {
    ArrayNode choices = Json.array();
    completion
        .path("choices")
        .forEach(choice -> choices.add(choice(choice, choice.path("message"))));
    ObjectNode answer = answer(completion, choices);
    answer.set("usage", completion.get("usage"));
    return answer;
  }

  /** The last chunk of an answer, for the usage alone. */
  static ObjectNode usage(ObjectNode head, ObjectNode usage) {
    ObjectNode chunk = answer(head, Json.array());
    chunk.set("usage", usage);
    return chunk;
  }

  private static ObjectNode answer(ObjectNode chat, ArrayNode choices) {
    ObjectNode answer = Json.object();
    answer.put("id", id(chat.path("id").asText("")));
    answer.put("object", OBJECT);
    answer.set("created", chat.get("created"));
    answer.set("model", chat.get("model"));
    answer.set("choices", choices);
    copyOthers(chat, answer, OWN);
    return answer;
  }

  private static String id(String chat) {
    return chat.startsWith(ID)
        ? chat
        : ID + (chat.startsWith(CHAT_ID) ? chat.substring(CHAT_ID.length()) : chat);
  }

  /**
   * @param said the delta, or the message
   */
  private ObjectNode choice(JsonNode choice, JsonNode said) {
    int index = choice.path("index").asInt();
    ObjectNode made = Json.object();
    made.put("text", said.path("content").asText("") + said.path("refusal").asText(""));
    made.put("index", index);
    made.set("logprobs", logprobs.of(index, choice.path("logprobs")));
    made.set(FINISH, choice.path(FINISH).isTextual() ? choice.get(FINISH) : made.nullNode());
    copyOthers(choice, made, OF_CHOICES);
    return made;
  }

  private static void copyOthers(JsonNode from, ObjectNode to, Set<String> except) {
    for (Map.Entry<String, JsonNode> field : from.properties()) {
      if (!except.contains(field.getKey()) && !field.getValue().isNull()) {
        to.set(field.getKey(), field.getValue());
      }
    }
  }
}
