package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import dev.llmproxy.chat.ChatCall;

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
   * What a call that reported no usage has probably cost: a token for four characters of the
   * messages, and one for each piece of the answer.
   */
  public static ObjectNode estimate(ChatCall chat) {
    long characters = 0;
    for (JsonNode message : chat.request().body().path("messages")) {
      JsonNode content = message.path("content");
      characters +=
          content.isTextual() ? content.textValue().length() : Json.text(content).length();
    }
    return of(Math.ceilDiv(characters, CHARACTERS_PER_TOKEN), chat.accumulator().deltas());
  }
}
