package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.OwnHome;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command lists every problem with its place, and touches nothing. */
@Timeout(180)
class ValidateCommandTest {
  @TempDir private Path folder;

  private Path home;
  private int status;

  @BeforeEach
  void copyHome() throws IOException {
    home = OwnHome.copyTo(folder.resolve("home"));
  }

  @Test
  void shippedConfigurationIsValidAndNothingIsWritten() throws IOException {
    List<Path> before = files();

    assertThat(validate(Map.of())).isEqualTo("Settings, providers and routes are valid.\n");
    assertThat(status).isZero();
    assertThat(files()).isEqualTo(before);
    assertThat(folder.resolve("data")).doesNotExist();
  }

  @Test
  void problemsOfEveryKindAreListedAtOnce() throws IOException {
    append("application.properties", "CHAT_TURNS = none\n");
    append("application.properties", "OPTIONAL_ROUTES = nowhere\n");
    write("mcp.json", "{\"mcpServers\": {\"one\": {}}}");
    write("providers/mine.yaml", "label: Mine\nformat: opneai\n");
    write("providers/yours.yaml", "label: Yours\nformat: openai\nmodles: []\n");
    write("providers/routing.yaml", "aliases:\n  quick: nobody/model\n  slow: neither/model\n");
    replace("api-embeddings", "- to: direct:gate-limit", "- too: direct:gate-limit");
    replace("gate-limit", "ref: limits.count", "ref: limits.coun");
    replace("keys-refresh", "KEYS_REFRESH_SECONDS", "KEYS_REFRSH_SECONDS");
    replace("chat-events", "ref: chatCalls.next", "ref: chatCals.next");
    replace("api-chat", "to: direct:gate-limit", "to: direct:gate-limmit");
    replace("api-rerank", "/v1/rerank", "/v1/moderations");
    Files.copy(route("call-end"), route("copy"));
    write(
        "routes/tool-broken.camel.yaml",
        """
        - route:
            id: tool-broken
            description: Has no parameters
            from:
              uri: direct:tool-broken
              steps:
                - setBody:
                    constant: nothing
        """);

    String said = validate(Map.of("MCP_SERVERS", home.resolve("mcp.json").toString()));

    assertThat(status).isOne();
    assertThat(said)
        .contains("CHAT_TURNS is \"none\"")
        .contains("OPTIONAL_ROUTES names nowhere")
        .contains("the server \"one\" must have either command or url")
        .contains("providers/mine.yaml, line 2: format is `opneai`")
        .contains("providers/yours.yaml, line 3: ")
        .contains("providers/routing.yaml, line 2: the alias `quick`")
        .contains("providers/routing.yaml, line 3: the alias `slow`")
        .contains(place("api-embeddings", "- too:") + ": there is no step \"too\"")
        .contains(place("gate-limit", "limits.coun") + ": the bean \"limits\" has no method")
        .contains("there is no setting KEYS_REFRSH_SECONDS")
        .contains("there is no bean \"chatCals\"")
        .contains(place("api-chat", "limmit") + ": no route starts from direct:gate-limmit")
        .contains("POST /v1/moderations is also served by the route ")
        .contains("two routes have the id call-end")
        .contains("its first step must set the property parameters")
        .doesNotContain("org.apache", "Exception");
    assertThat(said.lines()).hasSize(15);
  }

  @Test
  void jsonHasFileLineAndReason() throws IOException {
    write("providers/mine.yaml", "label: Mine\nformat: opneai\n");

    JsonNode said = Json.parse(validate(Map.of("CHAT_TURNS", "0"), "--json"));

    assertThat(said.path("valid").asBoolean(true)).isFalse();
    assertThat(said.path("problems")).hasSize(2);
    assertThat(said.at("/problems/0/file").isNull()).as("the environment has no file").isTrue();
    assertThat(said.at("/problems/0/reason").asText()).startsWith("CHAT_TURNS is \"0\"");
    assertThat(said.at("/problems/1/file").asText()).isEqualTo("providers/mine.yaml");
    assertThat(said.at("/problems/1/line").asInt()).isEqualTo(2);
    assertThat(said.at("/problems/1/reason").asText()).startsWith("format is `opneai`");
  }

  @Test
  void routesWithoutAnyForRequestsAreRefused() throws IOException {
    try (Stream<Path> files = Files.list(home.resolve("routes"))) {
      for (Path file : files.toList()) {
        if (file.getFileName().toString().matches("(api|admin)-.*")) {
          Files.delete(file);
        }
      }
    }

    assertThat(validate(Map.of())).contains("no route in routes/ serves requests");
    assertThat(status).isOne();
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.sorted().toList();
    }
  }

  private String place(String route, String text) throws IOException {
    String before = Files.readString(route(route));
    long line = before.substring(0, before.indexOf(text)).lines().count();
    boolean within = !before.substring(0, before.indexOf(text)).endsWith("\n");
    return route(route) + ", line " + (within ? line : line + 1);
  }

  private Path route(String id) {
    return home.resolve("routes/%s.camel.yaml".formatted(id));
  }

  private void replace(String route, String right, String wrong) throws IOException {
    String text = Files.readString(route(route));
    assertThat(text).contains(right);
    Files.writeString(route(route), text.replace(right, wrong));
  }

  private void write(String file, String text) throws IOException {
    Files.writeString(home.resolve(file), text);
  }

  private void append(String file, String text) throws IOException {
    Files.writeString(home.resolve(file), text, StandardOpenOption.APPEND);
  }

  private String validate(Map<String, String> settings, String... options) {
    Map<String, String> environment = new HashMap<>(settings);
    environment.put("LLMPROXY_DATA", folder.resolve("data").toString());
    StringWriter out = new StringWriter();
    status =
        LlmProxyCommand.commandLine(Settings.load(home, environment))
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(out, true))
            .execute(
                Stream.concat(Stream.of("validate"), Stream.of(options)).toArray(String[]::new));
    return out.toString();
  }
}
