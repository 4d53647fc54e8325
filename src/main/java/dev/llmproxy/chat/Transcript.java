package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;

/**
 * The stored form of a chat: the messages of the request, and the answer in OpenAI's form. Other
 * fields of the request and blobs are not stored.
 */
public final class Transcript {
  private Transcript() {}

  /** {@code {"messages":[…]}} as the client sent them. */
  public static ObjectNode question(ChatCall chat) {
    return Json.object().set("messages", BlobNotes.shorten(chat.request().body().path("messages")));
  }

  /**
   * {@code {"choices":[…],"tool_notifications":[…],"search_results":[…],"error":{…}}}: the choices
   * of a {@code chat.completion} as far as received, with reasoning in the provider's field and
   * without log probabilities; the notifications and search results of the server's tools, if any
   * ran; and the error that the client got, if any. Call it after the end of the chat.
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
