package dev.llmproxy.catalogue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Another name for a model. A {@code *} in the name stands for any text, and each {@code *} in a
 * target for the text that the {@code *} in the same place of the name matched. Immutable.
 */
public final class ModelAlias {
  private final String name;
  private final Targets targets;
  private final Pattern pattern;

  /**
   * Model ids ({@code provider/model}), as in {@link Chain}. A {@code *} stands for a part of the
   * client's name.
   *
   * @param models the targets in their order
   * @param weights one for each of them, or none
   * @param longContext the targets for requests that are too long
   * @param otherPolicy the targets for requests that are refused because of their content
   * @param prompt the name of the prompt that requests get; null for none
   */
  public record Targets(
      List<String> models,
      List<Integer> weights,
      List<String> longContext,
      List<String> otherPolicy,
      String prompt) {
    public Targets {
      models = List.copyOf(models);
      weights = List.copyOf(weights);
      longContext = List.copyOf(longContext);
      otherPolicy = List.copyOf(otherPolicy);
    }

    /** The models in their order. */
    static Targets of(List<String> models) {
      return new Targets(models, List.of(), List.of(), List.of(), null);
    }

    /** All model ids. */
    List<String> all() {
      return Stream.of(models, longContext, otherPolicy).flatMap(List::stream).toList();
    }

    Targets map(UnaryOperator<String> change) {
      return new Targets(
          models.stream().map(change).toList(),
          weights,
          longContext.stream().map(change).toList(),
          otherPolicy.stream().map(change).toList(),
          prompt);
    }
  }

  /**
   * @param name the name for clients, with or without {@code *}
   * @param targets what the name stands for
   * @throws IllegalArgumentException when a part is wrong; the message continues "the alias …"
   */
  ModelAlias(String name, Targets targets) {
    if (name.isBlank() || targets.models().isEmpty()) {
      throw new IllegalArgumentException(
          "has no " + (targets.models().isEmpty() ? "target" : "name"));
    }
    for (String target : targets.all()) {
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
    this.targets = targets;
    List<String> parts = new ArrayList<>();
    for (String part : name.split("\\*", -1)) {
      parts.add(Pattern.quote(part));
    }
    pattern = Pattern.compile(String.join("(.*)", parts), Pattern.DOTALL);
  }

  /** The name for clients, with or without {@code *}. */
  public String name() {
    return name;
  }

  /** The targets, as in the file. */
  public Targets targets() {
    return targets;
  }

  /** Whether a model, by its id, is among the targets; a {@code *} stands for any text. */
  public boolean reaches(String modelId) {
    return targets.all().stream().anyMatch(target -> new NamePattern(target).matches(modelId));
  }

  /** Whether the name stands for itself only. */
  boolean isExact() {
    return stars(name) == 0;
  }

  /** The targets for a client's name; null when the alias is another one. */
  Targets targetsOf(String asked) {
    Matcher matcher = pattern.matcher(asked);
    return matcher.matches() ? targets.map(target -> filled(target, matcher)) : null;
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
