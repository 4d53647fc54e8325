package dev.llmproxy.call;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.catalogue.TokenCount;

/**
 * How many tokens a turn may use, as far as its request tells.
 *
 * @param bytes of all texts in the request, in UTF-8; a token of a byte-level tokenizer has at
 *     least one byte
 * @param images in the request
 * @param answer the most tokens of the answer, or 0 when the request does not say
 */
public record TurnSize(long bytes, long images, long answer) {
  private static final int BYTES_PER_TOKEN = 4;
  private static final String IMAGE = "data:image/";

  /** More than the largest models use for an image in high detail, with few exceptions. */
  private static final int TOKENS_PER_IMAGE = 5_000;

  /** An answer without a limit is expected to have these tokens. */
  private static final int USUAL_ANSWER = 1_024;

  /** The longest answer of a model about which nothing is known. */
  private static final int LONGEST_ANSWER = 32_768;

  /**
   * The size of a request.
   *
   * @param request in OpenAI's format
   */
  public static TurnSize of(ObjectNode request) {
    long[] count = new long[2];
    add(request, count);
    long most =
        Math.max(
            request.path("max_completion_tokens").asLong(), request.path("max_tokens").asLong());
    return new TurnSize(
        count[0], count[1], Math.max(0, most) * Math.max(1, request.path("n").asLong(1)));
  }

  /** The tokens of the prompt that are to be expected. */
  public long likelyPrompt() {
    return Math.ceilDiv(bytes, BYTES_PER_TOKEN) + images * TOKENS_PER_IMAGE / BYTES_PER_TOKEN;
  }

  /** The tokens of prompt and answer that are to be expected. */
  public long likely() {
    return likelyPrompt() + (answer > 0 ? answer : USUAL_ANSWER);
  }

  /** The most tokens of prompt and answer that a target can use. */
  public TokenCount most(Target target) {
    int context = target.model() == null ? 0 : target.model().contextLength();
    int output = target.model() == null ? 0 : target.model().maxOutput();
    long prompt = bytes + images * TOKENS_PER_IMAGE;
    long longest = output > 0 ? output : context > 0 ? context : LONGEST_ANSWER;
    return new TokenCount(
        context > 0 ? Math.min(prompt, context) : prompt, answer > 0 ? answer : longest);
  }

  private static void add(JsonNode node, long[] count) {
    if (node.isTextual()) {
      String text = node.textValue();
      if (text.startsWith(IMAGE)) {
        count[1]++;
      } else {
        count[0] += utf8(text);
      }
    } else if (node.isContainerNode()) {
      node.properties().forEach(field -> count[0] += field.getKey().length());
      node.forEach(child -> add(child, count));
    } else {
      // Also one of the tokens that an embedding request may consist of.
      count[0]++;
    }
  }

  private static long utf8(String text) {
    long bytes = text.length();
    for (int i = 0; i < text.length(); i++) {
      char sign = text.charAt(i);
      bytes += sign < 0x80 ? 0 : sign < 0x800 || Character.isSurrogate(sign) ? 1 : 2;
    }
    return bytes;
  }
}
