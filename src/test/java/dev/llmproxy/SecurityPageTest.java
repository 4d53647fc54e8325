package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/security.md: the tests that its threat model names, and what it says of serialization. */
class SecurityPageTest {
  private static final Path TESTS = Path.of("src/test/java/dev/llmproxy");
  private static final Pattern NAMED = Pattern.compile("`([A-Z]\\w+Test)(?:#(\\w+))?`");

  @Test
  void everyTestThatTheThreatModelNamesExists() throws IOException {
    String page = Files.readString(Path.of("docs/security.md"));
    String model = page.substring(page.indexOf("## Threat model"), page.indexOf("## Advisories"));
    List<String> missing = new ArrayList<>();
    List<MatchResult> named = NAMED.matcher(model).results().toList();
    for (MatchResult each : named) {
      String text = source(each.group(1));
      if (each.group(2) == null ? text.isEmpty() : !text.contains("void " + each.group(2) + "(")) {
        missing.add(each.group());
      }
    }

    assertThat(named).hasSizeGreaterThan(30);
    assertThat(missing).isEmpty();
    assertThat(model.lines().filter(line -> line.startsWith("| ")).skip(1))
        .allMatch(line -> NAMED.matcher(line).find());
  }

  @Test
  void noClassReadsSerializedObjectsAndTheLauncherRefusesAll() throws IOException {
    try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
      assertThat(sources.filter(Files::isRegularFile))
          .noneMatch(file -> read(file).contains("ObjectInputStream"));
    }
    assertThat(Files.readString(Path.of("llmproxy"))).contains("-Djdk.serialFilter=!*");
  }

  /** The source of a test class; empty when there is none. */
  private static String source(String test) throws IOException {
    try (Stream<Path> files = Files.walk(TESTS)) {
      return files
          .filter(file -> file.getFileName().toString().equals(test + ".java"))
          .findFirst()
          .map(SecurityPageTest::read)
          .orElse("");
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
