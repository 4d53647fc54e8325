package dev.llmproxy.call;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The tools of the server that a tier may use.
 *
 * @param names names of tools; empty: none
 */
public record AllowedTools(Set<String> names) {
  /** No tool. */
  public static final AllowedTools NONE = new AllowedTools(Set.of());

  private static final String NONE_WORD = "none";
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  public AllowedTools {
    names = Set.copyOf(names);
  }

  /**
   * Reads a list.
   *
   * @param list not blank: names separated by commas, or {@code none}
   * @return empty when an entry is no name of a tool
   */
  public static Optional<AllowedTools> of(String list) {
    List<String> names =
        Arrays.stream(list.split(",")).map(String::strip).filter(name -> !name.isEmpty()).toList();
    if (names.size() == 1 && names.getFirst().equalsIgnoreCase(NONE_WORD)) {
      return Optional.of(NONE);
    }
    return names.isEmpty() || !names.stream().allMatch(name -> NAME.matcher(name).matches())
        ? Optional.empty()
        : Optional.of(new AllowedTools(Set.copyOf(names)));
  }

  public boolean allow(String name) {
    return names.contains(name);
  }

  /** The list that {@link #of} reads. */
  @Override
  public String toString() {
    return names.isEmpty() ? NONE_WORD : String.join(", ", new TreeSet<>(names));
  }
}
