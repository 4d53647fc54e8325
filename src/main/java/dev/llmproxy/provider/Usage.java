package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatRequest;

/** OpenAI's usage object. */
public final class Usage {
  private static final int CHARACTERS_PER_TOKEN = 4;

  private Usage() {}

  /** A usage object of these counts. */
  public static ObjectNode of(long promptTokens, long completionTokens) {
    return Json.object()
        .put("prompt_tokens", promptTokens)
        .put("completion_tokens", completionTokens)
        .put("total_tokens", promptTokens + completionTokens);
  }

  /** The provider's usage with the three counts that clients cannot do without. */
  static ObjectNode whole(ObjectNode usage) {
    long prompt = usage.path("prompt_tokens").asLong();
    long completion = usage.path("completion_tokens").asLong();
    usage.put("prompt_tokens", prompt).put("completion_tokens", completion);
    if (!usage.path("total_tokens").isIntegralNumber()) {
      usage.put("total_tokens", prompt + completion);
    }
    return usage;
  }

  /**
   * What a call that is not whole, or reported no usage, has probably cost: a token for four
   * characters of the messages' text, and one for each piece of the answer, unless the provider has
   * said more so far. Any thread may ask.
   */
  public static ObjectNode estimate(ChatCall chat) {
    long prompt = Math.ceilDiv(characters(chat.request()), CHARACTERS_PER_TOKEN);
    long completion = chat.accumulator().deltas();
    ObjectNode reported = chat.accumulator().reported();
    if (reported != null) {
      long exact = reported.path("prompt_tokens").asLong();
      prompt = exact > 0 ? exact : prompt;
      completion = Math.max(completion, reported.path("completion_tokens").asLong());
    }
    return of(prompt, completion);
  }

  /** Images and sounds do not count: what they cost is not in their characters. */
  private static long characters(ChatRequest request) {
    long characters = 0;
    for (JsonNode message : request.body().path("messages")) {
      JsonNode content = message.path("content");
      characters += content.asText("").length();
      for (JsonNode part : content) {
        characters += part.path("text").asText("").length();
      }
    }
    return characters;
  }
}
