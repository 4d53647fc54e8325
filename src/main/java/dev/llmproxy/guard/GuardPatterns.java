package dev.llmproxy.guard;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * The step of the route {@code guard-patterns}: finds regular expressions of a file in texts. They
 * are expressions of RE2, whose time is linear in the length of the text, whatever the text is.
 */
public final class GuardPatterns {
  private static final Set<String> FIELDS =
      Set.of("name", "regex", "check", "action", "replacement", "reason");
  private static final int MOST_DIGITS = 19;
  private static final int LEAST_DIGITS = 12;

  private final List<Rule> rules;

  private enum Action {
    REDACT,
    REFUSE,
    MARK
  }

  private record Rule(
      String name,
      Pattern pattern,
      Predicate<String> check,
      Action action,
      String replacement,
      String reason) {}

  private GuardPatterns(List<Rule> rules) {
    this.rules = rules;
  }

  /**
   * Reads the rules of a file.
   *
   * @throws IllegalArgumentException when the file is missing or wrong; names file and line
   */
  public static GuardPatterns read(Path file) {
    try {
      String text = Files.readString(file);
      JsonNode list = new YAMLMapper().readTree(text);
      if (!list.isArray() || list.isEmpty()) {
        throw new IllegalArgumentException(file + ": it must be a list of patterns");
      }
      List<Integer> lines = lines(text);
      List<Rule> rules = new ArrayList<>();
      Set<String> names = new HashSet<>();
      for (int i = 0; i < list.size(); i++) {
        try {
          Rule rule = rule(list.get(i));
          if (!names.add(rule.name())) {
            throw new IllegalArgumentException("there are two patterns named " + rule.name());
          }
          rules.add(rule);
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException(
              "%s, line %d: %s.".formatted(file, lines.get(i), e.getMessage()), e);
        }
      }
      return new GuardPatterns(List.copyOf(rules));
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "%s (GUARD_PATTERNS) cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  /** The line of each entry, from 1. */
  private static List<Integer> lines(String text) {
    Node root = new Compose(LoadSettings.builder().build()).composeString(text).orElseThrow();
    return root instanceof SequenceNode sequence
        ? sequence.getValue().stream()
            .map(node -> node.getStartMark().map(mark -> mark.getLine() + 1).orElse(0))
            .toList()
        : List.of();
  }

  private static Rule rule(JsonNode entry) {
    Set<String> unknown = new TreeSet<>();
    entry.fieldNames().forEachRemaining(unknown::add);
    unknown.removeAll(FIELDS);
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "%s is not one of %s"
              .formatted(unknown.iterator().next(), String.join(", ", new TreeSet<>(FIELDS))));
    }
    String name = entry.path("name").asText("");
    if (name.isBlank()) {
      throw new IllegalArgumentException("the pattern has no name");
    }
    return new Rule(
        name,
        pattern(entry.path("regex").asText("")),
        check(entry.path("check").asText("none")),
        action(entry.path("action").asText("redact")),
        entry.path("replacement").asText("[" + name + "]"),
        entry
            .path("reason")
            .asText("The content has something that may not be sent: %s.".formatted(name)));
  }

  private static Pattern pattern(String regex) {
    if (regex.isEmpty()) {
      throw new IllegalArgumentException("the pattern has no regex");
    }
    try {
      Pattern pattern = Pattern.compile(regex);
      if (pattern.matcher("").matches()) {
        throw new IllegalArgumentException("the regex matches the empty text");
      }
      return pattern;
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException("the regex is wrong: " + e.getDescription(), e);
    }
  }

  private static Predicate<String> check(String name) {
    return switch (name) {
      case "none" -> found -> true;
      case "luhn" -> GuardPatterns::hasLuhnDigit;
      default -> throw new IllegalArgumentException("check is neither luhn nor none: " + name);
    };
  }

  private static Action action(String name) {
    return switch (name) {
      case "redact" -> Action.REDACT;
      case "refuse" -> Action.REFUSE;
      case "mark" -> Action.MARK;
      default ->
          throw new IllegalArgumentException("action is not redact, refuse or mark: " + name);
    };
  }

  /** Decides about the texts, as a guard's route does: sets refuse, mark, or other texts. */
  public void check(@ExchangeProperty("texts") GuardTexts texts, Exchange exchange) {
    GuardTexts now = texts;
    List<String> marks = new ArrayList<>();
    for (Rule rule : rules) {
      switch (rule.action()) {
        case REDACT -> now = now.changed(text -> redacted(rule, text));
        case REFUSE -> {
          if (found(rule, now)) {
            exchange.setProperty("refuse", rule.reason());
            return;
          }
        }
        case MARK -> {
          if (found(rule, now)) {
            marks.add(rule.name());
          }
        }
      }
    }
    if (!marks.isEmpty()) {
      exchange.setProperty("mark", String.join("/", marks));
    }
    exchange.setProperty("texts", now);
  }

  private static boolean found(Rule rule, GuardTexts texts) {
    return texts.list().stream()
        .map(GuardText::text)
        .anyMatch(text -> {
          Matcher matcher = rule.pattern().matcher(text);
          while (matcher.find()) {
            if (rule.check().test(matcher.group())) {
              return true;
            }
          }
          return false;
        });
  }

  private static String redacted(Rule rule, String text) {
    Matcher matcher = rule.pattern().matcher(text);
    StringBuilder left = null;
    int end = 0;
    while (matcher.find()) {
      if (rule.check().test(matcher.group())) {
        left = left == null ? new StringBuilder() : left;
        left.append(text, end, matcher.start()).append(rule.replacement());
        end = matcher.end();
      }
    }
    return left == null ? text : left.append(text, end, text.length()).toString();
  }

  /**
   * Whether the digits end with the check digit of ISO/IEC 7812-1, as those of a payment card do.
   */
  static boolean hasLuhnDigit(String text) {
    int sum = 0;
    int digits = 0;
    for (int i = text.length() - 1; i >= 0; i--) {
      int digit = Character.digit(text.charAt(i), 10);
      if (digit >= 0) {
        int doubled = digits % 2 == 1 ? digit * 2 : digit;
        sum += doubled > 9 ? doubled - 9 : doubled;
        digits++;
      }
    }
    return digits >= LEAST_DIGITS && digits <= MOST_DIGITS && sum % 10 == 0;
  }
}
