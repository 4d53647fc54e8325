package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.OwnHome;
import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A mistake in a route fails the start with one line: file, line and reason. */
class RouteProblemTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "api-embeddings | '        - to: direct:gate-limit' | '       - to: direct:gate-limit' | invalid YAML",
        "api-embeddings | '- to: direct:gate-limit' | '- too: direct:gate-limit' | there is no step \"too\"",
        "chat-events | ref: chatCalls.next | ref: chatCals.next | there is no bean \"chatCals\"",
        "gate-limit | ref: limits.count | ref: rateLimits.take | there is no bean \"rateLimits\"",
        "gate-limit | ref: limits.count | ref: limits.coun | the bean \"limits\" has no method \"coun\"",
        "api-embeddings | 'to: direct:gate-limit' | 'to: kafcka:topic' | there is no endpoint \"kafcka:topic\"",
        "keys-refresh | KEYS_REFRESH_SECONDS | KEYS_REFRSH_SECONDS | there is no setting KEYS_REFRSH_SECONDS"
      })
  @Timeout(120)
  void mistakeIsReportedWithFileLineAndReason(
      String route, String right, String wrong, String reason) throws IOException {
    Path home = OwnHome.copyTo(folder.resolve("a home"));
    Path file = home.resolve("routes/%s.camel.yaml".formatted(route));
    String text = Files.readString(file);
    assertThat(text).contains(right);
    Files.writeString(file, text.replace(right, wrong));
    long line = text.substring(0, text.indexOf(right)).lines().count();

    String said = start(home);

    assertThat(said.lines()).hasSize(1);
    assertThat(said).startsWith("llmproxy: " + file + ", line ").contains(reason);
    int named = Integer.parseInt(said.replaceFirst("(?s).*, line (\\d+):.*", "$1"));
    assertThat(named).isBetween((int) line, (int) line + 2);
    assertThat(said).doesNotContain("org.", "Exception");
  }

  @Test
  @Timeout(120)
  void duplicateRouteIdIsReported() throws IOException {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.copy(home.resolve("routes/call-end.camel.yaml"), home.resolve("routes/copy.camel.yaml"));

    assertThat(start(home))
        .contains(home.resolve("routes").toString(), "call-end")
        .doesNotContain("org.");
  }

  private String start(Path home) {
    Map<String, String> environment =
        Map.of(
            "LLMPROXY_DATA",
            folder.resolve("data").toString(),
            "LOCAL_MODEL",
            "off",
            "HOST",
            "127.0.0.1",
            "PORT",
            "0");
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
