package dev.llmproxy.catalogue;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The models that a key may use. Immutable; equal when the patterns are. */
public final class AllowedModels {
  /** Signs of a list that is not separated by commas. No name of a model has them. */
  private static final Pattern ODD = Pattern.compile("[\\s;|]");

  /** For keys whose list cannot be read. */
  public static final AllowedModels NONE = new AllowedModels(List.of());

  private final String text;
  private final List<NamePattern> patterns;

  private AllowedModels(List<String> names) {
    text = String.join(", ", names);
    patterns = names.stream().map(NamePattern::new).toList();
  }

  /**
   * Reads a list.
   *
   * @param list not blank: names and model ids, separated by commas; {@code *} stands for any
   *     characters
   * @return empty when the list has no name, or one with a space, semicolon or vertical bar
   */
  public static Optional<AllowedModels> of(String list) {
    List<String> names =
        Arrays.stream(list.split(",")).map(String::strip).filter(name -> !name.isEmpty()).toList();
    return names.isEmpty() || names.stream().anyMatch(name -> ODD.matcher(name).find())
        ? Optional.empty()
        : Optional.of(new AllowedModels(names));
  }

  /**
   * Whether a name may be used: it fits a pattern, or each model that may answer to it does.
   *
   * @param name the name for clients
   * @param chain what it stands for
   */
  public boolean allow(String name, Chain chain) {
    return allow(name)
        || Stream.of(chain.targets(), chain.longContext(), chain.otherPolicy())
            .flatMap(List::stream)
            .allMatch(target -> allow(target.servedModel()));
  }

  /** Whether the name itself is allowed. */
  public boolean allow(String name) {
    return patterns.stream().anyMatch(pattern -> pattern.matches(name));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof AllowedModels models && models.text.equals(text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  /** The list that {@link #of} reads; empty for {@link #NONE}. */
  @Override
  public String toString() {
    return text;
  }
}
