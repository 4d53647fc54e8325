package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;

/**
 * What is kept of a chat: the messages of the request, and what came of it in OpenAI's form.
 * Nothing else of the request, and no blobs.
 */
public final class Transcript {
  private Transcript() {}

  /** {@code {"messages":[…]}} as the client sent them. */
  public static ObjectNode question(ChatCall chat) {
    return Json.object().set("messages", BlobNotes.shorten(chat.request().body().path("messages")));
  }

  /**
   * {@code {"choices":[…],"tool_notifications":[…],"search_results":[…],"error":{…}}}: the choices
   * of a {@code chat.completion}, with thinking in the field in which the provider sent it and
   * without log probabilities, as far as they came; what the server's tools did and found, if any
   * ran; and the error that the client was told of, if there was one. To be asked when the chat is
   * over.
   */
  public static ObjectNode answer(ChatCall chat) {
    ObjectNode answer = Json.object();
    JsonNode choices = BlobNotes.shorten(chat.accumulator().choices());
    choices.forEach(choice -> ((ObjectNode) choice).remove("logprobs"));
    answer.set("choices", choices);
    if (!chat.accumulator().toolNotifications().isEmpty()) {
      answer.set("tool_notifications", BlobNotes.shorten(chat.accumulator().toolNotifications()));
    }
    if (!chat.accumulator().searchResults().isEmpty()) {
      answer.set("search_results", Json.tree(chat.accumulator().searchResults()));
    }
    if (chat.accumulator().error() != null) {
      answer.set("error", chat.accumulator().error().toJson().get("error"));
    }
    return answer;
  }
}
