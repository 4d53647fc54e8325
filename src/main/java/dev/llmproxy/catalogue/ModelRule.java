package dev.llmproxy.catalogue;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What some models of a provider take, where models of one wire format differ. The first rule whose
 * pattern matches a model counts.
 *
 * @param match the upstream model; {@code *} stands for any characters
 * @param thinking the types of thinking that the model takes, e.g. {@code adaptive}, {@code
 *     enabled}, {@code disabled}; empty when it does not think
 * @param thinksUnasked whether the model thinks when the request does not say so
 * @param effort the levels of effort that the model takes; empty when it takes none
 * @param budgets tokens for thinking by level; empty when the model takes no number
 * @param sampling whether the model takes temperature, top_p and top_k; true by default
 * @param forcedTools whether a request may force a call: {@code always} (the default), {@code
 *     never} or {@code unless-thinking}
 * @param jsonSchema whether the model takes a JSON schema for its answer: {@code always} (the
 *     default), {@code never} or {@code without-tools}
 * @param prefill whether the last message may be the beginning of the answer
 * @param lateSystem whether system messages may stand between other messages
 * @param mediaInResults whether results of tools may have images; true by default
 * @param maxOutput the largest number of tokens of an answer, for models without an entry; 0 when
 *     unknown
 */
public record ModelRule(
    String match,
    List<String> thinking,
    boolean thinksUnasked,
    List<String> effort,
    Map<String, Integer> budgets,
    Boolean sampling,
    String forcedTools,
    String jsonSchema,
    boolean prefill,
    boolean lateSystem,
    Boolean mediaInResults,
    int maxOutput) {
  private static final String ALWAYS = "always";
  private static final Set<String> FORCED = Set.of(ALWAYS, "never", "unless-thinking");
  private static final Set<String> SCHEMA = Set.of(ALWAYS, "never", "without-tools");

  /** The rule for a provider without rules: the model takes everything but thinking. */
  static final ModelRule NONE =
      new ModelRule("*", null, false, null, null, null, null, null, false, false, null, 0);

  public ModelRule {
    if (match == null || match.isBlank()) {
      throw new IllegalArgumentException("a rule has no match, the pattern of its models");
    }
    thinking = thinking == null ? List.of() : List.copyOf(thinking);
    effort = effort == null ? List.of() : List.copyOf(effort);
    budgets = budgets == null ? Map.of() : Map.copyOf(budgets);
    sampling = sampling == null || sampling;
    mediaInResults = mediaInResults == null || mediaInResults;
    forcedTools = checked("forcedTools", forcedTools, FORCED);
    jsonSchema = checked("jsonSchema", jsonSchema, SCHEMA);
  }

  private static String checked(String field, String value, Set<String> allowed) {
    if (value != null && !allowed.contains(value)) {
      throw new IllegalArgumentException(
          "%s must be one of %s, not %s"
              .formatted(field, String.join(", ", allowed.stream().sorted().toList()), value));
    }
    return value == null ? ALWAYS : value;
  }

  /** Whether the rule is for this upstream model. */
  boolean matches(String model) {
    return new NamePattern(match).matches(model);
  }

  /** Whether a request may force a call of a tool. */
  public boolean forcesTools(boolean thinks) {
    return forcedTools.equals(ALWAYS) || (forcedTools.equals("unless-thinking") && !thinks);
  }

  /** Whether a request may ask for an answer that follows a JSON schema. */
  public boolean takesSchema(boolean withTools) {
    return jsonSchema.equals(ALWAYS) || (jsonSchema.equals("without-tools") && !withTools);
  }
}
