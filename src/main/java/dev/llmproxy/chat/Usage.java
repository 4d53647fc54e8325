package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.catalogue.TokenCount;
import java.util.ArrayList;
import java.util.List;

/** OpenAI's usage object. */
public final class Usage {
  private static final int CHARACTERS_PER_TOKEN = 4;

  private Usage() {}

  /** A usage object with these counts. */
  public static ObjectNode of(long promptTokens, long completionTokens) {
    return Json.object()
        .put("prompt_tokens", promptTokens)
        .put("completion_tokens", completionTokens)
        .put("total_tokens", promptTokens + completionTokens);
  }

  /**
   * Adds the counts of two turns, field by field. For a field that is not a number, the later value
   * wins.
   */
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

  /** The usage of the turns that have ended. */
  public static ObjectNode ended(ChatCall chat) {
    ObjectNode ended = chat.turns().used().ended();
    return ended == null ? of(0, 0) : ended;
  }

  /**
   * The estimated usage of a call that is incomplete or without a usage report: the usage of the
   * earlier turns, and an estimate for the current turn. Any thread may call it.
   */
  public static ObjectNode estimate(ChatCall chat) {
    Turns.Used used = chat.turns().used();
    ObjectNode turn = used.running() ? estimateOfTurn(chat, used) : of(0, 0);
    return used.ended() == null ? turn : sum(used.ended(), turn);
  }

  /** The tokens of each turn, as in {@link #estimate}. Any thread may call it. */
  static List<TokenCount> estimatedTurns(Turns.Used used, ChatCall chat) {
    if (!used.running()) {
      return used.turns().isEmpty() ? List.of(new TokenCount(0, 0)) : used.turns();
    }
    List<TokenCount> turns = new ArrayList<>(used.turns());
    turns.add(TokenCount.of(estimateOfTurn(chat, used)));
    return turns;
  }

  /** The estimated number of prompt tokens of the current turn. */
  public static long estimateOfPrompt(ChatCall chat) {
    return Math.ceilDiv(chat.turns().used().promptCharacters(), CHARACTERS_PER_TOKEN);
  }

  private static long saturated(long one, long other) {
    long sum = one + other;
    boolean overflow = ((one ^ sum) & (other ^ sum)) < 0;
    return overflow ? Long.MAX_VALUE : sum;
  }

  /**
   * One prompt token for four characters of the messages, and one completion token for each piece
   * of the answer; a usage that the provider has reported so far has precedence.
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
    ObjectNode estimate = of(prompt, completion);
    if (reported != null) {
      // Cached tokens may be most of the prompt, and cost a tenth.
      reported
          .properties()
          .forEach(field -> estimate.putIfAbsent(field.getKey(), field.getValue()));
    }
    return estimate;
  }
}
