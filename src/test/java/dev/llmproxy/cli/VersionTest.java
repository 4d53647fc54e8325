package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Version;
import dev.llmproxy.format.openai.OpenApi;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The version is written in pom.xml only. */
class VersionTest {
  private static String version;

  @BeforeAll
  static void readPom() throws Exception {
    var pom = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse("pom.xml");
    version = XPathFactory.newInstance().newXPath().evaluate("/project/version", pom);
  }

  @Test
  void commandLineAndApiDescriptionShowTheVersionOfThePom() throws Exception {
    assertThat(version).matches("\\d+\\.\\d+\\.\\d+.*");
    assertThat(Version.current()).isEqualTo(version);
    assertThat(
            LlmProxyCommand.commandLine(Settings.load(Path.of(""), Map.of()))
                .getCommandSpec()
                .version())
        .containsExactly("llmproxy " + version);
    assertThat(Json.parse(new OpenApi().document()).at("/info/version").asText())
        .isEqualTo(version);
  }

  @Test
  void noSourceFileRepeatsTheVersion() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("src/main"))) {
      List<Path> repeating =
          files.filter(Files::isRegularFile).filter(VersionTest::repeatsTheVersion).toList();
      assertThat(repeating).isEmpty();
    }
  }

  private static boolean repeatsTheVersion(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1).contains("\"" + version);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
