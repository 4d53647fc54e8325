package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;

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
   * {@code {"choices":[…],"error":{…}}}: the choices of a {@code chat.completion}, with thinking in
   * the field in which the provider sent it and without log probabilities, as far as they came; and
   * the error that the client was told of, if there was one. To be asked when the chat is over.
   */
  public static ObjectNode answer(ChatCall chat) {
    ObjectNode answer = Json.object();
    JsonNode choices = BlobNotes.shorten(chat.accumulator().choices());
    choices.forEach(choice -> ((ObjectNode) choice).remove("logprobs"));
    answer.set("choices", choices);
    if (chat.accumulator().error() != null) {
      answer.set("error", chat.accumulator().error().toJson().get("error"));
    }
    return answer;
  }
}
