package dev.llmproxy.catalogue;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Another name for a model. A {@code *} in the name stands for any text, and each {@code *} in a
 * target for the text that the {@code *} in the same place of the name matched. Immutable.
 */
final class ModelAlias {
  private final String name;
  private final List<String> targets;
  private final Pattern pattern;

  /**
   * @param name the name for clients, with or without {@code *}
   * @param targets model ids ({@code provider/model}); the first whose provider is on is used
   * @throws IllegalArgumentException when a part is wrong; the message continues "the alias …"
   */
  ModelAlias(String name, List<String> targets) {
    if (name.isBlank() || targets.isEmpty()) {
      throw new IllegalArgumentException("has no " + (targets.isEmpty() ? "target" : "name"));
    }
    for (String target : targets) {
      if (target.indexOf('/') < 1 || target.endsWith("/")) {
        throw new IllegalArgumentException(
            "has the target `%s`; a target has the form provider/model".formatted(target));
      }
      if (stars(target) > stars(name)) {
        throw new IllegalArgumentException(
            "has more * in the target `%s` than in its name".formatted(target));
      }
    }
    this.name = name;
    this.targets = List.copyOf(targets);
    List<String> parts = new ArrayList<>();
    for (String part : name.split("\\*", -1)) {
      parts.add(Pattern.quote(part));
    }
    pattern = Pattern.compile(String.join("(.*)", parts), Pattern.DOTALL);
  }

  /** The name for clients, with or without {@code *}. */
  String name() {
    return name;
  }

  /** The targets, as in the file; at least one. */
  List<String> targets() {
    return targets;
  }

  /** Whether the name stands for itself only. */
  boolean isExact() {
    return stars(name) == 0;
  }

  /** The model ids for a client's name; empty when the alias is another one. */
  List<String> targetsOf(String asked) {
    Matcher matcher = pattern.matcher(asked);
    if (!matcher.matches()) {
      return List.of();
    }
    return targets.stream().map(target -> filled(target, matcher)).toList();
  }

  private static String filled(String target, Matcher matcher) {
    StringBuilder filled = new StringBuilder();
    int star = 0;
    for (int i = 0; i < target.length(); i++) {
      char c = target.charAt(i);
      if (c == '*') {
        star++;
        filled.append(matcher.group(star));
      } else {
        filled.append(c);
      }
    }
    return filled.toString();
  }

  private static long stars(String text) {
    return text.chars().filter(c -> c == '*').count();
  }
}
