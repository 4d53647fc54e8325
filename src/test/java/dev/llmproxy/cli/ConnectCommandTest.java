package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ConnectCommandTest {
  /** A heading, the command, and the block that it prints. */
  private static final Pattern SECTION =
      Pattern.compile(
          "(?s)\\n### ([^\\n]+)\\n\\n`\\./llmproxy connect ([a-z0-9-]+)`[^\\n]*\\n\\n```[a-z]*\\n(.*?)```\\n");

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  static Stream<String> clients() {
    return ConnectCommand.CLIENTS.keySet().stream();
  }

  @MethodSource("clients")
  @ParameterizedTest
  void settingsHaveAddressKeyAndModel(String client) {
    int status =
        run(client, "--key", "sk-1", "--model", "groq/openai/x", "--url", "https://a.example/v1/");

    assertThat(status).isZero();
    String text = out.toString();
    assertThat(text).contains("https://a.example", "sk-1").doesNotContain("{{", "/v1/v1", "YOUR_");
    if (!List.of("openai", "anthropic").contains(client)) {
      assertThat(text).contains("groq/openai/x");
    }
  }

  @Test
  void everyClientHasTheSameLinesOnThePageOfClients() throws IOException {
    Map<String, String> blocks = new LinkedHashMap<>();
    List<String> titles = new ArrayList<>();
    Matcher section = SECTION.matcher(Files.readString(Path.of("docs/clients.md")));
    while (section.find()) {
      titles.add(section.group(1));
      blocks.put(section.group(2), section.group(3));
    }

    assertThat(blocks.keySet()).containsExactlyElementsOf(ConnectCommand.CLIENTS.keySet());
    assertThat(titles).containsExactlyElementsOf(ConnectCommand.CLIENTS.values());
    blocks.forEach((client, block) -> {
      out.getBuffer().setLength(0);
      run(client);
      assertThat(out.toString()).as(client).isEqualTo(block);
    });
  }

  @Test
  void settingsInJsonAndYamlAreValid() throws IOException {
    run("opencode");
    assertThat(Json.parse(out.toString()).at("/provider/llmproxy/options/apiKey").asText())
        .isEqualTo("YOUR_KEY");
    for (String client : List.of("continue", "librechat", "llm")) {
      out.getBuffer().setLength(0);
      run(client);
      assertThat(new YAMLMapper().readTree(out.toString()).findValuesAsText("models"))
          .as(client)
          .isNotNull();
    }
  }

  @Test
  void clientsAreListed() {
    assertThat(run()).isZero();
    assertThat(out.toString().lines()).hasSize(ConnectCommand.CLIENTS.size());
    assertThat(out.toString()).contains("claude       Claude Code");
  }

  @ParameterizedTest
  @CsvSource({
    "emacs, '', '', there is no client \"emacs\"; the clients are claude",
    "codex, --key, 'a\"b', --key has characters other than letters",
    "codex, --model, '$(x)', --model has characters other than letters",
    "codex, --url, localhost:3000, '--url is \"localhost:3000\"; it must begin with http'",
  })
  void wrongArgumentsAreRefused(String client, String option, String value, String why) {
    int status = option.isEmpty() ? run(client) : run(client, option, value);

    assertThat(status).isEqualTo(2);
    assertThat(err.toString()).contains(why);
    assertThat(out.toString()).isEmpty();
  }

  private int run(String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = "connect";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return LlmProxyCommand.run(
        Path.of(""), new PrintWriter(out, true), new PrintWriter(err, true), all);
  }
}
