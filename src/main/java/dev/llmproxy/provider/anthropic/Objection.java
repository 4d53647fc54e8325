package dev.llmproxy.provider.anthropic;

import dev.llmproxy.provider.anthropic.MessagesRequest.Part;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Reads which part of a request Anthropic refuses, so that the request can go without it. */
final class Objection {
  /** Refusals of a parameter, and not of its value. */
  private static final Pattern UNSUPPORTED =
      Pattern.compile(
          "(?i)(not|n't) (be )?(currently )?(support|permit|allow|accept|available)"
              + "|unsupported|deprecated|cannot (both )?be|does not support|may only be set"
              + "|not compatible");

  private static final Pattern THOUGHTS =
      Pattern.compile(
          "(?i)signature.{0,40}thinking|thinking.{0,80}(cannot be modified|signature)"
              + "|bound to a different|expected `?(redacted_)?thinking");

  private static final Map<Part, Pattern> NAMES =
      new TreeMap<>(
          Map.of(
              Part.FORCED_TOOLS, Pattern.compile("tool_choice"),
              Part.SAMPLING, Pattern.compile("temperature|top_p|top_k"),
              Part.SCHEMA, Pattern.compile("output_config\\.format|output_format|json_schema"),
              Part.PREFILL, Pattern.compile("(?i)prefill|must end with a user message"),
              Part.LATE_SYSTEM, Pattern.compile("(?i)role.{0,30}system|unexpected role"),
              Part.THINKING, Pattern.compile("thinking|effort")));

  private Objection() {}

  /**
   * The parts that an error with status 400 objects to.
   *
   * @param error the body of the answer
   * @return empty when the request cannot be sent in another way
   */
  static Set<Part> in(String error, MessagesRequest request) {
    Set<Part> parts = EnumSet.noneOf(Part.class);
    if (request.thoughtsSent() && THOUGHTS.matcher(error).find()) {
      parts.add(Part.THOUGHTS);
      return parts;
    }
    boolean prefill = NAMES.get(Part.PREFILL).matcher(error).find();
    if (!prefill && !UNSUPPORTED.matcher(error).find()) {
      return parts;
    }
    for (Map.Entry<Part, Pattern> name : NAMES.entrySet()) {
      if (request.has(name.getKey()) && name.getValue().matcher(error).find()) {
        parts.add(name.getKey());
        return parts;
      }
    }
    return parts;
  }
}
