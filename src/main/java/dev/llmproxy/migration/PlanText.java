package dev.llmproxy.migration;

import java.util.Map;
import java.util.StringJoiner;
import java.util.regex.Pattern;

/** A plan for people, without secrets. */
public final class PlanText {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_./:@+=%-]*");
  private static final String HIDDEN = "…";

  private PlanText() {}

  /** What the plan would write, what is left to do, and what is not carried over. */
  public static String of(ImportPlan plan) {
    StringJoiner text = new StringJoiner("\n", "", "\n");
    plan.files()
        .forEach((path, content) -> {
          text.add("== " + path);
          text.add(content.stripTrailing());
          text.add("");
        });
    if (!plan.settings().isEmpty()) {
      text.add("== " + ImportPlan.SETTINGS_FILE + " (" + HIDDEN + " is a secret)");
      plan.settings()
          .forEach((name, value) ->
              text.add(name + "=" + (plan.isSecret(name) ? HIDDEN : quoted(value))));
      text.add("");
    }
    if (!plan.keys().isEmpty()) {
      text.add("== Rows of the sheet User API Keys");
      for (ImportedKey key : plan.keys()) {
        StringJoiner row = new StringJoiner(", ");
        row.add(key.mask()).add(key.email()).add(key.name());
        new java.util.TreeMap<>(key.cells())
            .forEach((header, cell) -> row.add(header + ": " + cell));
        text.add(row.toString());
      }
      text.add("");
    }
    section(
        text, "Set these before the start (environment or application.properties)", plan.needs());
    section(text, "Clients must use another name", plan.renamed());
    text.add("== Not carried over");
    if (plan.notes().isEmpty()) {
      text.add("nothing");
    }
    plan.notes()
        .forEach(note -> text.add("%s: %s: %s".formatted(note.place(), note.what(), note.why())));
    return text.toString();
  }

  private static void section(StringJoiner text, String title, Map<String, String> entries) {
    if (!entries.isEmpty()) {
      text.add("== " + title);
      entries.forEach((name, value) -> text.add(name + ": " + value));
      text.add("");
    }
  }

  /** The file of settings, for {@code .} in a shell. */
  static String settings(ImportPlan plan) {
    StringJoiner text = new StringJoiner("\n", "", "\n");
    plan.settings().forEach((name, value) -> text.add(name + "=" + quoted(value)));
    return text.toString();
  }

  private static String quoted(String value) {
    return PLAIN.matcher(value).matches() ? value : "'" + value.replace("'", "'\\''") + "'";
  }
}
