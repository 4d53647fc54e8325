package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter.NopIndenter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.core.util.Separators.Spacing;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/**
 * Compares JSON and texts with golden files. With the system property {@code golden=write} ({@code
 * make golden}) it writes the files that differ; the test then fails, because the new files are not
 * reviewed. On a CI server it does not write.
 *
 * @param write whether files that differ are written
 * @param ci whether this is a CI server
 */
record Golden(boolean write, boolean ci) {
  private static final JsonMapper UNSORTED =
      JsonMapper.builder().disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES).build();
  private static final JsonMapper SORTED =
      UNSORTED.rebuild().enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED).build();
  private static final Separators SEPARATORS =
      Separators.createDefaultInstance()
          .withObjectFieldValueSpacing(Spacing.AFTER)
          .withObjectEmptySeparator("")
          .withArrayEmptySeparator("");
  private static final DefaultPrettyPrinter MANY_LINES =
      new DefaultPrettyPrinter(SEPARATORS)
          .withObjectIndenter(new DefaultIndenter("  ", "\n"))
          .withArrayIndenter(new DefaultIndenter("  ", "\n"));
  private static final DefaultPrettyPrinter ONE_LINE =
      new DefaultPrettyPrinter(
              SEPARATORS.withObjectEntrySpacing(Spacing.AFTER).withArrayValueSpacing(Spacing.AFTER))
          .withObjectIndenter(NopIndenter.instance)
          .withArrayIndenter(NopIndenter.instance);

  /** The mode of this run of the tests. */
  static Golden ofThisRun() {
    return new Golden("write".equals(System.getProperty("golden")), System.getenv("CI") != null);
  }

  /**
   * Checks a result.
   *
   * @throws AssertionError when the file is missing or differs, even if it was written
   */
  void check(Path file, JsonNode actual) {
    try {
      String expected = Files.exists(file) ? comparable(Json.parse(Files.readAllBytes(file))) : "";
      if (expected.equals(comparable(actual))) {
        return;
      }
      if (!write) {
        assertThat(comparable(actual))
            .as("%s; if the new result is right, run: make golden", file)
            .isEqualTo(expected);
      }
      if (ci) {
        throw new AssertionError(file + " is not written because CI is set");
      }
      Files.writeString(file, written(actual));
      throw new AssertionError(file + " was written; review it with git diff");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Checks a text; see {@link #check(Path, JsonNode)}. */
  void check(Path file, String actual) {
    try {
      String expected = Files.exists(file) ? Files.readString(file) : "";
      if (expected.equals(actual)) {
        return;
      }
      if (!write) {
        assertThat(actual)
            .as("%s; if the new result is right, run: make golden", file)
            .isEqualTo(expected);
      }
      if (ci) {
        throw new AssertionError(file + " is not written because CI is set");
      }
      Files.writeString(file, actual);
      throw new AssertionError(file + " was written; review it with git diff");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sorted fields, all digits of numbers, one value a line. */
  static String comparable(JsonNode json) {
    try {
      return SORTED.writerWithDefaultPrettyPrinter().writeValueAsString(json);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A list has one line for each element, an object one for each value. */
  private static String written(JsonNode json) throws JsonProcessingException {
    if (!json.isArray()) {
      return UNSORTED.writer(MANY_LINES).writeValueAsString(json) + "\n";
    }
    return json.valueStream()
        .map(Golden::line)
        .collect(Collectors.joining(",\n  ", "[\n  ", "\n]\n"));
  }

  private static String line(JsonNode json) {
    try {
      return UNSORTED.writer(ONE_LINE).writeValueAsString(json);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }
}
