package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;

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

  /** The same counts of two turns together; what is no number is the later's. */
  public static ObjectNode sum(ObjectNode earlier, ObjectNode later) {
    ObjectNode sum = earlier.deepCopy();
    later
        .properties()
        .forEach(field -> {
          JsonNode before = sum.path(field.getKey());
          JsonNode value = field.getValue();
          if (before instanceof ObjectNode one && value instanceof ObjectNode other) {
            sum.set(field.getKey(), sum(one, other));
          } else if (before.canConvertToLong()
              && value.canConvertToLong()
              && before.isIntegralNumber()
              && value.isIntegralNumber()) {
            sum.put(field.getKey(), saturated(before.longValue(), value.longValue()));
          } else if (before.isNumber() && value.isNumber()) {
            sum.put(field.getKey(), before.decimalValue().add(value.decimalValue()));
          } else if (!value.isNull()) {
            sum.set(field.getKey(), value);
          }
        });
    return sum;
  }

  /** What the turns of a call have cost that are over. */
  public static ObjectNode ended(ChatCall chat) {
    ObjectNode ended = chat.turns().used().ended();
    return ended == null ? of(0, 0) : ended;
  }

  /**
   * What a call that is not whole, or reported no usage, has probably cost: what its earlier turns
   * did, and for the one under way {@link #estimateOfTurn}. Any thread may ask.
   */
  public static ObjectNode estimate(ChatCall chat) {
    Turns.Used used = chat.turns().used();
    ObjectNode turn = used.running() ? estimateOfTurn(chat, used) : of(0, 0);
    return used.ended() == null ? turn : sum(used.ended(), turn);
  }

  /** What the prompt of the turn under way has probably cost. */
  public static long estimateOfPrompt(ChatCall chat) {
    return Math.ceilDiv(chat.turns().used().promptCharacters(), CHARACTERS_PER_TOKEN);
  }

  private static long saturated(long one, long other) {
    long sum = one + other;
    boolean overflow = ((one ^ sum) & (other ^ sum)) < 0;
    return overflow ? Long.MAX_VALUE : sum;
  }

  /**
   * A token for four characters of the messages' text, and one for each piece of the answer, unless
   * the provider has said more so far.
   */
  private static ObjectNode estimateOfTurn(ChatCall chat, Turns.Used used) {
    long prompt = Math.ceilDiv(used.promptCharacters(), CHARACTERS_PER_TOKEN);
    long completion =
        Math.max(0, chat.accumulator().deltas() + chat.turns().hidden() - used.piecesBefore());
    ObjectNode reported = used.reported();
    if (reported != null) {
      long exact = reported.path("prompt_tokens").asLong();
      prompt = exact > 0 ? exact : prompt;
      completion = Math.max(completion, reported.path("completion_tokens").asLong());
    }
    return of(prompt, completion);
  }
}
