package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Each rule in docs/wire-contract.md has an id, and a test that names the id. */
class WireContractTest {
  private static final Path CONTRACT = Path.of("docs/wire-contract.md");
  private static final Path JAVA_TESTS = Path.of("src/test/java");
  private static final Path CLIENT_TESTS = Path.of("sdk-tests");
  private static final Set<String> NOT_OURS = Set.of("node_modules", ".venv", "target");

  private static final Pattern RULE =
      Pattern.compile("^- \\*\\*(\\S+)\\*\\* (.+)$", Pattern.MULTILINE);
  private static final Pattern LATER = Pattern.compile(".*\\*\\(comes with .+\\)\\*$");
  private static final Pattern MARK = Pattern.compile("@Wire\\(([^)]*)\\)");
  private static final Pattern MARKED_TEST =
      Pattern.compile(MARK.pattern() + "\\s+@(?:Parameterized)?Test\\b");
  private static final Pattern QUOTED = Pattern.compile("\"([^\"]+)\"");
  private static final Pattern CLIENT_MARK =
      Pattern.compile("\\bwire ([1-9]\\.\\w+(?:, [1-9]\\.\\w+)*)");

  @Test
  void everyRuleIsNamedByATest() throws IOException {
    Set<String> unheld = new TreeSet<>(rules(false));
    unheld.removeAll(named());

    assertThat(unheld).isEmpty();
  }

  @Test
  void testsNameOnlyExistingRulesThatAreInForce() throws IOException {
    Set<String> unknown = named();
    unknown.removeAll(rules(false));

    assertThat(unknown).isEmpty();
  }

  @Test
  void ruleIdsAreUniqueAndInTheirSection() throws IOException {
    List<String> sections = new ArrayList<>();
    String section = "";
    for (String line : Files.readAllLines(CONTRACT)) {
      if (line.startsWith("## ")) {
        section = line.substring(3).split(" ", 2)[0];
      }
      for (MatchResult rule : RULE.matcher(line).results().toList()) {
        assertThat(rule.group(1)).startsWith(section + ".");
        sections.add(rule.group(1));
      }
    }

    assertThat(sections).hasSizeGreaterThan(70).doesNotHaveDuplicates();
    assertThat(rules(true)).doesNotContainAnyElementsOf(rules(false));
  }

  /**
   * A {@link Wire} annotation on a method that is not a test would count a rule without testing it.
   */
  @Test
  void wireAnnotationsAreOnTests() {
    for (String source : sources(JAVA_TESTS, ".java")) {
      assertThat(MARK.matcher(source).results().count())
          .isEqualTo(MARKED_TEST.matcher(source).results().count());
    }
  }

  /** The ids of the rules in force, or of later rules. */
  private static Set<String> rules(boolean later) throws IOException {
    return RULE.matcher(Files.readString(CONTRACT))
        .results()
        .filter(rule -> LATER.matcher(rule.group(2)).matches() == later)
        .map(rule -> rule.group(1))
        .collect(Collectors.toSet());
  }

  private static Set<String> named() {
    Set<String> named = new TreeSet<>();
    for (String source : sources(JAVA_TESTS, ".java")) {
      MARKED_TEST
          .matcher(source)
          .results()
          .flatMap(mark -> QUOTED.matcher(mark.group(1)).results())
          .forEach(id -> named.add(id.group(1)));
    }
    for (String ending : List.of(".py", ".js", ".go", ".java")) {
      for (String source : sources(CLIENT_TESTS, ending)) {
        CLIENT_MARK
            .matcher(source)
            .results()
            .flatMap(mark -> Stream.of(mark.group(1).split(", ", -1)))
            .forEach(named::add);
      }
    }
    return named;
  }

  private static List<String> sources(Path folder, String ending) {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> file.getFileName().toString().endsWith(ending))
          .filter(file -> !file.equals(JAVA_TESTS.resolve("dev/llmproxy/WireContractTest.java")))
          .filter(file -> Stream.of(file.toString().split("/", -1)).noneMatch(NOT_OURS::contains))
          .map(WireContractTest::read)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
