package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.OwnHome;
import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
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
        "BRAVE_BASE_URL | api.search.brave.com",
        "CAMEL_LOG_LEVEL | VERBOSE",
        "KEYS_REFRESH_SECONDS | soon",
        "KEYS_REFRESH_SECONDS | 0",
        "LLMPROXY_LOG_LEVEL | LOUD",
        "LOG_CONVERSATIONS | on",
        "LOG_FORMAT | xml",
        "PROVIDER_SILENCE_SECONDS | 0",
        "SEARXNG_URL | '\"http://127.0.0.1:8080\"'",
        "USAGE_FLUSH_SECONDS | 0",
        "MAX_BODY_MB | 0",
        "SEARCH_ENGINE_SECONDS | abc",
        "TOOL_RESULT_CHARACTERS | 0",
        "TOOL_TIMEOUT_SECONDS | abc"
      })
  // A server that starts by mistake would run forever.
  @Timeout(120)
  void invalidValueFailsStartupWithItsName(String name, String value) {
    String said = start(Path.of(""), Map.of(name, value));

    assertThat(said).startsWith("llmproxy: %s is \"%s\"; it must be ".formatted(name, value));
    assertThat(said.lines()).hasSize(1);
    assertThat(folder.resolve("data")).as("nothing is created").doesNotExist();
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
  void invalidBaseUrlFailsStartupWithTheReason(String value, String why) {
    String said = start(Path.of(""), Map.of("OPENAI_BASE_URL", value));

    assertThat(said).startsWith("llmproxy: OPENAI_BASE_URL " + why).doesNotContain("p@ss");
    assertThat(said.lines()).hasSize(1);
    assertThat(folder.resolve("data")).as("nothing is created").doesNotExist();
  }

  @Test
  @Timeout(120)
  void invalidProviderFileFailsStartupWithItsNameAndLine() throws IOException {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(home.resolve("providers/mine.yaml"), "label: Mine\nformat: opneai\n");

    assertThat(start(home, Map.of()).strip())
        .startsWith("llmproxy: providers/mine.yaml, line 2: format is `opneai`; the formats are ")
        .endsWith("local, openai");
  }

  @Test
  @Timeout(120)
  void everyInvalidSettingIsNamedAndEmptyOptionalOnesAreNot() throws IOException {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(
        home.resolve("application.properties"),
        "CORS_ORIGINS =\nSEARCH_DOCS =\nWIKIPEDIA_BASE_URL =\nFETCH_PORTS =\n",
        StandardOpenOption.APPEND);

    String said = start(home, Map.of("CHAT_TURNS", "none"));

    assertThat(said).contains("CHAT_TURNS is \"none\"", "FETCH_PORTS is not set");
    assertThat(said).doesNotContain("CORS_ORIGINS", "SEARCH_DOCS", "WIKIPEDIA_BASE_URL");
  }

  @Test
  @Timeout(120)
  void invalidProxyFailsStartupAndItsPasswordIsNotPrinted() {
    String said = start(Path.of(""), Map.of("HTTPS_PROXY", "socks://ann:secret@proxy.invalid"));

    assertThat(said).startsWith("llmproxy: https_proxy is no address of an HTTP proxy");
    assertThat(said).doesNotContain("secret").doesNotContain("Exception");
    assertThat(said.lines()).hasSize(1);
    assertThat(folder.resolve("data")).doesNotExist();
  }

  @Test
  @Timeout(120)
  void hostOfAnotherMachineFailsStartup() {
    for (String host : List.of("nobody.invalid", "192.0.2.1")) {
      String said = start(Path.of(""), Map.of("HOST", host));

      assertThat(said)
          .startsWith(
              "llmproxy: HOST is \"%s\"; it must be an address of this machine".formatted(host));
      assertThat(said.lines()).hasSize(1);
      assertThat(folder.resolve("data")).doesNotExist();
    }
  }

  @Test
  @Timeout(120)
  void takenPortFailsStartupBeforeAKeyIsCreated() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());

      assertThat(start(Path.of(""), Map.of("HOST", "127.0.0.1"), "--first-key", "--port", port))
          .contains("Cannot listen on 127.0.0.1:" + port, "Set PORT to a free port");
      assertThat(folder.resolve("data")).as("no key is lost").doesNotExist();
    }
  }

  /** The error output of a start that fails with these settings. */
  private String start(Path home, Map<String, String> settings, String... options) {
    Map<String, String> environment = new HashMap<>(settings);
    environment.putIfAbsent("LLMPROXY_DATA", folder.resolve("data").toString());
    environment.put("LOCAL_MODEL", "off");
    environment.put("PORT", "0");
    StringWriter errors = new StringWriter();
    int status =
        LlmProxyCommand.commandLine(Settings.load(home, environment))
            .setOut(new PrintWriter(new StringWriter(), true))
            .setErr(new PrintWriter(errors, true))
            .execute(Stream.concat(Stream.of("start"), Stream.of(options)).toArray(String[]::new));
    assertThat(status).isOne();
    return errors.toString();
  }
}
