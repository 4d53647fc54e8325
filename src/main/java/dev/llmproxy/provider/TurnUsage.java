package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.List;
import java.util.Map;

/**
 * The usage of one turn, collected from all reports of the provider. Providers report usage in
 * several pieces, under different names and at different places, and with zeros that mean
 * "unknown". A later value replaces an earlier one, field by field. One per turn; not thread-safe.
 */
public final class TurnUsage {
  /** The most tokens of a turn; a higher count is an error of the provider. */
  static final long MOST_TOKENS = 1_000_000_000_000L;

  /** The most fields of one object; OpenAI's has five. */
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

  private final ObjectNode reports = Json.object();
  private boolean any;
  private String impossible;

  /** Merges a usage object of the provider. Other values and empty objects change nothing. */
  public void take(JsonNode reported) {
    if (!(reported instanceof ObjectNode object) || object.isEmpty()) {
      return;
    }
    any = true;
    NAMES.forEach((count, names) -> takeCount(object, count, names));
    merge(reports, object);
  }

  /** Whether the provider has reported usage. */
  public boolean any() {
    return any;
  }

  /**
   * The first field with an impossible value, with that value, for the log; null when there is
   * none.
   */
  String impossible() {
    return impossible;
  }

  /** The usage reported so far, with zeros for unknown counts. */
  public ObjectNode soFar() {
    ObjectNode usage = reports.deepCopy();
    usage.put(PROMPT, known(PROMPT)).put(COMPLETION, known(COMPLETION));
    return usage.put(TOTAL, Math.max(known(TOTAL), known(PROMPT) + known(COMPLETION)));
  }

  /**
   * The usage of the whole turn, with estimates for counts that the provider did not report.
   *
   * @param promptEstimate the estimated tokens of the prompt
   * @param completionEstimate the estimated tokens of the answer; 0 when it is empty
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
    ObjectNode usage = reports.deepCopy().put(PROMPT, prompt).put(COMPLETION, completion);
    // Some providers count reasoning tokens only in the total.
    return usage.put(TOTAL, Math.max(total, prompt + completion));
  }

  /**
   * The usage of a call whose answer has no tokens, such as embeddings.
   *
   * @param estimate the estimated tokens of the input
   */
  public ObjectNode ofPrompt(long estimate) {
    long total = known(TOTAL);
    long prompt = known(PROMPT) > 0 ? known(PROMPT) : total;
    prompt = prompt > 0 ? prompt : estimate;
    ObjectNode usage = Json.object().put(PROMPT, prompt).put(TOTAL, Math.max(total, prompt));
    reports.properties().forEach(field -> usage.putIfAbsent(field.getKey(), field.getValue()));
    return usage;
  }

  /** The count in a provider's value, or -1 when it is impossible. */
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
    long tokens = reports.path(count).asLong();
    return count.equals(COMPLETION) ? tokens + reasoningBeside(tokens) : tokens;
  }

  /**
   * The reasoning tokens that are not in the completion tokens. xAI counts them separately, and
   * OpenAI as a part; the total tells.
   */
  private long reasoningBeside(long completion) {
    long reasoning = reports.path("completion_tokens_details").path("reasoning_tokens").asLong();
    long total = reports.path(TOTAL).asLong();
    long prompt = reports.path(PROMPT).asLong();
    boolean beside = reasoning > 0 && prompt > 0 && total == prompt + completion + reasoning;
    return beside ? reasoning : 0;
  }

  private void takeCount(ObjectNode reported, String count, List<String> names) {
    for (String name : names) {
      JsonNode value = reported.path(name);
      if (value.isMissingNode() || value.isNull()) {
        continue;
      }
      long tokens = count(value);
      if (tokens < 0) {
        impossible(name, value);
      } else if (tokens > 0) {
        // A zero may mean "unknown" or "not yet known".
        reports.put(count, tokens);
        return;
      }
    }
  }

  /**
   * Merges the other fields. Token counts in nested objects, such as those of the cache, have the
   * same limit.
   */
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
        impossible(name, value);
      }
    }
  }

  /**
   * Whether an object has no room for a new field. Without a limit, a new field in every chunk
   * would make every copy larger.
   */
  private static boolean isFull(ObjectNode object, String name) {
    return object.size() >= MOST_FIELDS && !object.has(name);
  }

  private void impossible(String name, JsonNode value) {
    if (impossible == null) {
      String text = value.toString();
      impossible = name + " " + (text.length() <= 40 ? text : text.substring(0, 40) + "…");
    }
  }
}
