package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.StartedProduct;
import dev.llmproxy.base.KnownSettings;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The real command accepts every documented value of every setting. */
class DocumentedSettingsTest {
  /** Settings that the tests choose: free ports, and no wait at the stop. */
  private static final Set<String> GIVEN = Set.of("PORT", "WORKBOOK_PORT", "DRAIN_DELAY_SECONDS");

  @TempDir private Path folder;

  /**
   * The environments of several starts. Each start uses the next documented value of every setting.
   */
  static Stream<Map<String, String>> starts() {
    int most =
        KnownSettings.all().values().stream()
            .mapToInt(setting -> setting.kind().examples().size())
            .max()
            .orElseThrow();
    return IntStream.range(0, most)
        .mapToObj(start -> {
          Map<String, String> environment = new HashMap<>();
          KnownSettings.all()
              .forEach((name, setting) -> {
                List<String> values = setting.kind().examples();
                if (!values.isEmpty() && !GIVEN.contains(name)) {
                  environment.put(name, values.get(start % values.size()));
                }
              });
          return environment;
        });
  }

  @ParameterizedTest
  @MethodSource("starts")
  void everyDocumentedValueOfEverySettingStarts(Map<String, String> environment)
      throws IOException {
    try (StartedProduct product =
        StartedProduct.start(Path.of("").toAbsolutePath(), folder, environment)) {
      assertThat(product.firstKey()).startsWith("sk-");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tr", "az"})
  void serverWorksInLocalesWithADotlessI(String language) throws Exception {
    Map<String, String> environment =
        Map.of("JAVA_TOOL_OPTIONS", "-Duser.language=%s -Duser.country=".formatted(language));
    try (StartedProduct product =
        StartedProduct.start(Path.of("").toAbsolutePath(), folder, environment)) {
      assertThat(product.post("/v1/chat/completions", product.firstKey(), "{}").statusCode())
          .isEqualTo(400);
    }
  }

  @Test
  void settingsOfTheFileAreTheKnownSettings() throws IOException {
    Properties file = new Properties();
    try (Reader reader = Files.newBufferedReader(Path.of("application.properties"))) {
      file.load(reader);
    }
    file.keySet().removeIf(name -> name.toString().startsWith("camel."));
    Map<String, KnownSettings.Setting> known = new HashMap<>(KnownSettings.all());
    known.values().removeIf(KnownSettings.Setting::environmentAlone);

    assertThat(file.stringPropertyNames()).containsExactlyInAnyOrderElementsOf(known.keySet());
  }
}
