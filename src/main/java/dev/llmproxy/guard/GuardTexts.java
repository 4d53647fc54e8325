package dev.llmproxy.guard;

import com.google.re2j.Pattern;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * The texts of a prompt or of an answer, as guards see them: the property {@code texts} of a route
 * {@code guard-*} (docs/guards.md). Immutable.
 *
 * @param list the texts in their order
 */
public record GuardTexts(List<GuardText> list) {
  /** Patterns of routes; clients' texts are never patterns. */
  private static final Map<String, Pattern> PATTERNS = new ConcurrentHashMap<>();

  public GuardTexts {
    list = List.copyOf(list);
  }

  /** All texts, separated by line ends. */
  public String getAll() {
    return joined(text -> true);
  }

  /** The texts of the roles {@code system} and {@code developer}. */
  public String getSystem() {
    return joined(text -> text.role().equals("system") || text.role().equals("developer"));
  }

  /** The user's texts. */
  public String getUser() {
    return joined(text -> text.role().equals("user"));
  }

  /** The user's last text; empty when there is none. */
  public String getLastUser() {
    return list.stream()
        .filter(text -> text.role().equals("user"))
        .reduce((earlier, later) -> later)
        .map(GuardText::text)
        .orElse("");
  }

  /** The model's texts, without its thoughts. */
  public String getAssistant() {
    return joined(text -> text.role().equals("assistant"));
  }

  /** The results of tools in a prompt. */
  public String getTool() {
    return joined(text -> text.role().equals("tool") || text.role().equals("function"));
  }

  /** The texts after a change of each. */
  public GuardTexts changed(UnaryOperator<String> change) {
    return new GuardTexts(
        list.stream().map(text -> new GuardText(text.role(), change.apply(text.text()))).toList());
  }

  /**
   * The texts with a pattern replaced.
   *
   * @param regex regular expression of RE2, whose time is linear in the length of the text
   * @param replacement the new text; {@code $1} is the first group
   */
  public GuardTexts replaced(String regex, String replacement) {
    Pattern pattern = pattern(regex);
    return changed(text -> pattern.matcher(text).replaceAll(replacement));
  }

  /** Whether a regular expression of RE2 is found in one of the texts. */
  public boolean found(String regex) {
    Pattern pattern = pattern(regex);
    return list.stream().anyMatch(text -> pattern.matcher(text.text()).find());
  }

  private static Pattern pattern(String regex) {
    return PATTERNS.computeIfAbsent(regex, Pattern::compile);
  }

  private String joined(Predicate<GuardText> wanted) {
    return list.stream().filter(wanted).map(GuardText::text).collect(Collectors.joining("\n"));
  }

  /** Leaves out the client's data. */
  @Override
  public String toString() {
    return "GuardTexts[" + list.size() + "]";
  }
}
