package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.List;
import java.util.Map;

/**
 * What a provider says that one turn has used, put together from wherever and whenever it says it.
 * Providers say it in pieces, under other names, at odd places, and as zeros that mean "unknown";
 * what they say later replaces what they said before, field by field. One per turn and not
 * thread-safe.
 */
public final class TurnUsage {
  /** No turn has more tokens: what says so is wrong. */
  static final long MOST_TOKENS = 1_000_000_000_000L;

  /** Of one object; OpenAI's has five. */
  private static final int MOST_FIELDS = 64;

  private static final String PROMPT = "prompt_tokens";
  private static final String COMPLETION = "completion_tokens";
  private static final String TOTAL = "total_tokens";

  /** The names of a count, OpenAI's first. */
  private static final Map<String, List<String>> NAMES =
      Map.of(
          PROMPT, List.of(PROMPT, "input_tokens", "promptTokens", "inputTokens"),
          COMPLETION, List.of(COMPLETION, "output_tokens", "completionTokens", "outputTokens"),
          TOTAL, List.of(TOTAL, "totalTokens"));

  private final ObjectNode said = Json.object();
  private boolean any;
  private String absurd;

  /** Takes an object of a provider's; one that is none, or empty, changes nothing. */
  public void take(JsonNode reported) {
    if (!(reported instanceof ObjectNode object) || object.isEmpty()) {
      return;
    }
    any = true;
    NAMES.forEach((count, names) -> takeCount(object, count, names));
    merge(said, object);
  }

  /** Whether the provider has said anything. */
  public boolean any() {
    return any;
  }

  /** The first field whose value no turn can have, with that value, for the log; else null. */
  String absurd() {
    return absurd;
  }

  /** What has been said so far, with zeros for the counts that are not known. */
  public ObjectNode soFar() {
    ObjectNode usage = said.deepCopy();
    usage.put(PROMPT, known(PROMPT)).put(COMPLETION, known(COMPLETION));
    return usage.put(TOTAL, Math.max(known(TOTAL), known(PROMPT) + known(COMPLETION)));
  }

  /**
   * What the turn has used, with estimates where the provider did not say it.
   *
   * @param promptEstimate tokens of the prompt, estimated
   * @param completionEstimate tokens of what came, estimated; 0 when nothing came
   */
  public ObjectNode whole(long promptEstimate, long completionEstimate) {
    long total = known(TOTAL);
    long prompt = known(PROMPT);
    long completion = known(COMPLETION);
    if (prompt == 0) {
      boolean difference = completion > 0 && total > completion;
      prompt = difference ? total - completion : promptEstimate;
    }
    if (completion == 0) {
      completion = Math.max(completionEstimate, completionEstimate > 0 ? total - prompt : 0);
    }
    ObjectNode usage = said.deepCopy().put(PROMPT, prompt).put(COMPLETION, completion);
    // Some count what was reasoned in the total alone.
    return usage.put(TOTAL, Math.max(total, prompt + completion));
  }

  /**
   * What a call has used whose answer has no tokens, such as embeddings.
   *
   * @param estimate tokens of its input, estimated
   */
  public ObjectNode ofPrompt(long estimate) {
    long total = known(TOTAL);
    long prompt = known(PROMPT) > 0 ? known(PROMPT) : total;
    prompt = prompt > 0 ? prompt : estimate;
    ObjectNode usage = Json.object().put(PROMPT, prompt).put(TOTAL, Math.max(total, prompt));
    said.properties().forEach(field -> usage.putIfAbsent(field.getKey(), field.getValue()));
    return usage;
  }

  /** A count that a provider gave, or -1 when no turn can have it. */
  static long count(JsonNode value) {
    if (value.isNumber() && value.decimalValue().stripTrailingZeros().scale() <= 0) {
      boolean possible =
          value.decimalValue().signum() >= 0
              && value.decimalValue().compareTo(java.math.BigDecimal.valueOf(MOST_TOKENS)) <= 0;
      return possible ? value.decimalValue().longValue() : -1;
    }
    return -1;
  }

  private long known(String count) {
    return said.path(count).asLong();
  }

  private void takeCount(ObjectNode reported, String count, List<String> names) {
    for (String name : names) {
      JsonNode value = reported.path(name);
      if (value.isMissingNode() || value.isNull()) {
        continue;
      }
      long tokens = count(value);
      if (tokens < 0) {
        absurd(name, value);
      } else if (tokens > 0) {
        // A zero may mean that it is not known, or not yet.
        said.put(count, tokens);
        return;
      }
    }
  }

  /** Numbers of tokens inside, such as those of the cache, are limited like those above them. */
  private void merge(ObjectNode into, ObjectNode from) {
    for (Map.Entry<String, JsonNode> field : from.properties()) {
      String name = field.getKey();
      JsonNode value = field.getValue();
      if (value.isNull() || NAMES.containsKey(name) || isFull(into, name)) {
        continue;
      }
      if (value instanceof ObjectNode inner) {
        merge(into.get(name) instanceof ObjectNode known ? known : into.putObject(name), inner);
      } else if (!value.isNumber() || !name.endsWith("okens") || count(value) >= 0) {
        into.set(name, value);
      } else {
        absurd(name, value);
      }
    }
  }

  /** What is said anew in every chunk would otherwise be copied with all that was said before. */
  private static boolean isFull(ObjectNode object, String name) {
    return object.size() >= MOST_FIELDS && !object.has(name);
  }

  private void absurd(String name, JsonNode value) {
    if (absurd == null) {
      String text = value.toString();
      absurd = name + " " + (text.length() <= 40 ? text : text.substring(0, 40) + "…");
    }
  }
}
