package dev.llmproxy.base;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Something wrong in the files or settings of an installation.
 *
 * @param file as it is shown, e.g. {@code providers/groq.yaml}; null when no file is known
 * @param line its line, from 1; 0 when it is unknown
 * @param reason a sentence; contains nothing secret
 */
public record Problem(String file, int line, String reason) {
  /** {@code providers/groq.yaml, line 3: reason}. */
  private static final Pattern BEFORE =
      Pattern.compile(
          "(?s)((?:[^:\"]|:[/\\\\])*?\\.(?:ya?ml|json|properties))(?:, line (\\d+))?: (.*)");

  /** {@code CHAT_TURNS is "none"; … (application.properties, line 3)}. */
  private static final Pattern AFTER =
      Pattern.compile("(?s)(.*) \\(([\\w./-]+\\.properties), line (\\d+)\\)(.*)");

  /** Reads the place from the sentence of an error of this product. */
  public static Problem of(String sentence) {
    Matcher before = BEFORE.matcher(sentence);
    if (before.matches()) {
      return new Problem(before.group(1), number(before.group(2)), before.group(3));
    }
    Matcher after = AFTER.matcher(sentence);
    return after.matches()
        ? new Problem(
            after.group(2), number(after.group(3)), (after.group(1) + after.group(4)).strip())
        : new Problem(null, 0, sentence);
  }

  private static int number(String digits) {
    return digits == null ? 0 : Integer.parseInt(digits);
  }

  /** The problem for scripts and the page System. */
  public ObjectNode toJson() {
    ObjectNode json = Json.object().put("file", file);
    return (line == 0 ? json.putNull("line") : json.put("line", line)).put("reason", reason);
  }

  /** The problem on one line, with its place in front. */
  public String text() {
    return (file == null ? "" : line == 0 ? file + ": " : "%s, line %d: ".formatted(file, line))
        + reason;
  }
}
