package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ShownText;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.Appender;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.impl.Log4jLogEvent;
import org.apache.logging.log4j.core.time.MutableInstant;
import org.apache.logging.log4j.message.SimpleMessage;
import org.junit.jupiter.api.Test;

/** The two layouts of the log in log4j2.properties. */
class LogLayoutTest {
  private static final String HOSTILE =
      "a\nERROR forged\r\n\u001b[31mred\u0007\u009b2J\u202egnp.\tend";

  @Test
  void textLinesHaveDateAndZoneAndEscapeLineEndsAndControlCodes() {
    String line = written("text", HOSTILE, null);

    assertThat(line)
        .isEqualTo(
            "2025-10-09T08:53:20.000Z INFO  Some             a\\nERROR forged\\r\\n?[31mred??2J?gnp.?end\n");
  }

  @Test
  void linesHaveNoTerminalOrDirectionCodes() {
    String all =
        IntStream.rangeClosed(0, 0xffff)
            .filter(sign -> ShownText.isControl((char) sign))
            .mapToObj(sign -> "a" + (char) sign)
            .collect(Collectors.joining());
    String lines = written("text", all, new IllegalStateException(all));

    assertThat(lines.replaceAll("[\n\t]", ""))
        .contains("IllegalStateException: a?a?a?")
        .matches(text -> text.chars().noneMatch(sign -> ShownText.isControl((char) sign)));
  }

  @Test
  void linesOfAnExceptionAreIndented() {
    String lines =
        written("text", "It broke", new IllegalStateException("with\nERROR forged\u001b[31m"));

    assertThat(lines.lines().skip(1)).isNotEmpty().allMatch(line -> line.startsWith("  "));
    assertThat(lines).contains("IllegalStateException: with\n").doesNotContain("\u001b");
  }

  @Test
  void jsonLinesAreOneObjectEach() throws Exception {
    String line = written("json", HOSTILE, new IllegalStateException("with\nERROR forged"));

    assertThat(line.strip().lines()).hasSize(1);
    JsonNode json = Json.parse(line);
    assertThat(json.path("time").asText()).isEqualTo("2025-10-09T08:53:20.000Z");
    assertThat(json.path("level").asText()).isEqualTo("INFO");
    assertThat(json.path("logger").asText()).isEqualTo("dev.llmproxy.Some");
    assertThat(json.path("message").asText()).isEqualTo(HOSTILE);
    assertThat(json.path("exception").asText()).contains("IllegalStateException: with\n");
  }

  private static String written(String form, String message, Throwable thrown) {
    Map<String, Appender> appenders =
        LoggerContext.getContext(false).getConfiguration().getAppenders();
    MutableInstant time = new MutableInstant();
    time.initFromEpochSecond(1_760_000_000, 0);
    return new String(
        appenders
            .get(form)
            .getLayout()
            .toByteArray(
                Log4jLogEvent.newBuilder()
                    .setInstant(time)
                    .setLevel(Level.INFO)
                    .setLoggerName("dev.llmproxy.Some")
                    .setMessage(new SimpleMessage(message))
                    .setThrown(thrown)
                    .build()),
        StandardCharsets.UTF_8);
  }
}
