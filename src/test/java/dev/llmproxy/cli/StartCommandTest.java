package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.OwnHome;
import dev.llmproxy.Settings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StartCommandTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "CHAT_COST_DOLLARS | abc",
        "CHAT_SECONDS | 0",
        "CHAT_TURNS | 0",
        "FETCH_PORTS | abc",
        "KEYS_REFRESH_SECONDS | soon",
        "MAX_BODY_MB | 0",
        "SEARCH_ENGINE_SECONDS | abc",
        "TOOL_RESULT_CHARACTERS | 0",
        "TOOL_TIMEOUT_SECONDS | abc"
      })
  // A server that starts does not end by itself.
  @Timeout(120)
  void aValueThatIsWrongEndsTheStartWithASentenceThatNamesIt(String name, String value) {
    String said = start(Path.of(""), Map.of(name, value));

    assertThat(said).startsWith("llmproxy: %s is \"%s\"; it must be ".formatted(name, value));
    assertThat(said.lines()).hasSize(1);
    assertThat(folder.resolve("data")).as("nothing is made").doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "localhost:3976/v1     | must begin with http:// or https://",
        "ftp://h/v1            | begins with ftp://",
        "http://user:p@ss@h/v1 | has a user name or password in it",
        "http://h/v1/chat/completions | ends in /chat/completions",
      })
  @Timeout(120)
  void aBaseUrlThatIsNoneEndsTheStartWithASentence(String value, String why) {
    String said = start(Path.of(""), Map.of("OPENAI_BASE_URL", value));

    assertThat(said).startsWith("llmproxy: OPENAI_BASE_URL " + why).doesNotContain("p@ss");
    assertThat(said.lines()).hasSize(1);
    assertThat(folder.resolve("data")).as("nothing is made").doesNotExist();
  }

  @Test
  @Timeout(120)
  void aProvidersFileThatIsWrongEndsTheStartWithItsNameAndLine() throws IOException {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(home.resolve("providers/mine.yaml"), "label: Mine\nformat: opneai\n");

    assertThat(start(home, Map.of()).strip())
        .isEqualTo(
            "llmproxy: providers/mine.yaml, line 2: format is `opneai`; there is local, openai");
  }

  @Test
  @Timeout(120)
  void ofSeveralThatAreWrongEachIsNamedAndOneThatMayBeEmptyIsNot() throws IOException {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(
        home.resolve("application.properties"),
        "CORS_ORIGINS =\nSEARCH_DOCS =\nWIKIPEDIA_BASE_URL =\nFETCH_PORTS =\n",
        StandardOpenOption.APPEND);

    String said = start(home, Map.of("CHAT_TURNS", "none"));

    assertThat(said).contains("CHAT_TURNS is \"none\"", "FETCH_PORTS is not set");
    assertThat(said).doesNotContain("CORS_ORIGINS", "SEARCH_DOCS", "WIKIPEDIA_BASE_URL");
  }

  /** What a start with these settings says before it ends. */
  private String start(Path home, Map<String, String> settings) {
    Map<String, String> environment = new HashMap<>(settings);
    environment.put("LLMPROXY_DATA", folder.resolve("data").toString());
    environment.put("LOCAL_MODEL", "off");
    environment.put("PORT", "0");
    StringWriter errors = new StringWriter();
    int status =
        LlmProxyCommand.commandLine(Settings.load(home, environment))
            .setOut(new PrintWriter(new StringWriter(), true))
            .setErr(new PrintWriter(errors, true))
            .execute("start");
    assertThat(status).isOne();
    return errors.toString();
  }
}
