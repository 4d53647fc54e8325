package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.Gateway;
import dev.llmproxy.OwnHome;
import dev.llmproxy.base.Settings;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.keys.ApiKey;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Does what docs/migration.md says, and uses the result. */
class MigrationPageTest {
  private static final Pattern COMMAND = Pattern.compile("(?m)^\\./llmproxy (import .*)$");
  private static final String OLD_KEY = "sk-key-from-before-0123456789";

  @TempDir Path folder;
  private Path home;
  private String page;

  @BeforeEach
  void freshInstallation() throws IOException {
    home = OwnHome.copyTo(folder.resolve("home"));
    page = Files.readString(Path.of("docs/migration.md"));
  }

  @Test
  void clientsOfLiteLlmKeepTheirKeysAndNamesOfModels() throws Exception {
    try (ScriptedProvider server = ScriptedProvider.start()) {
      Files.writeString(
          folder.resolve("config.yaml"),
          """
          model_list:
            - model_name: house
              litellm_params:
                model: openai/qwen3-32b
                api_base: %s
                api_key: it's-$ecret
          router_settings:
            model_group_alias: {other: house}
          """
              .formatted(server.baseUrl()));
      Files.writeString(
          folder.resolve("keys.csv"),
          """
          token,key_name,key_alias,user_id,models
          %s,sk-...6789,laptop,ann@example.com,{house}
          %s,sk-...0000,build,7,{}
          """
              .formatted(ApiKey.hash(OLD_KEY), ApiKey.hash("sk-other-key-of-a-machine")));

      List<String> commands = commands("litellm");

      assertThat(commands).hasSize(3);
      assertThat(run(commands.get(0)))
          .contains("house: ", "Nothing has been written. Add --write.");
      assertThat(home.resolve("imported.env")).doesNotExist();
      assertThat(run(commands.get(1))).contains("Wrote providers/routing.yaml");
      assertThat(run(commands.get(2))).contains("Added 2 of 2 keys");
      assertThat(run(commands.get(2))).contains("Added 0 of 2 keys");
      assertThat(Files.getPosixFilePermissions(home.resolve("imported.env")))
          .isEqualTo(PosixFilePermissions.fromString("rw-------"));
      try (var files = Files.list(home.resolve("providers"))) {
        for (Path file : files.toList()) {
          assertThat(Files.readString(file)).doesNotContain("it's-$ecret");
        }
      }

      try (Gateway gateway = Gateway.startAt(home, folder.resolve("data"), environment())) {
        gateway.awaitKnown(OLD_KEY, true);

        HttpResponse<String> answer = gateway.chat(OLD_KEY, "house", false, "hello");

        assertThat(answer.body()).contains("You said: hello");
        assertThat(server.lastRequest().header("authorization")).isEqualTo("Bearer it's-$ecret");
        assertThat(server.lastRequest().body().path("model").asText()).isEqualTo("qwen3-32b");
        assertThat(gateway.chat(OLD_KEY, "openai/gpt-4o", false, "hello").statusCode())
            .as("a model that the key may not use")
            .isEqualTo(403);
      }
    }
  }

  @Test
  void clientsOfNewApiKeepTheirKeysAndNamesOfModels() throws Exception {
    try (ScriptedProvider server = ScriptedProvider.start()) {
      database(
          """
          create table channels (id integer primary key, type integer, key text, status integer, name text, weight integer, base_url text, models text, "group" text, model_mapping text, priority integer);
          create table tokens (id integer primary key, user_id integer, key text, status integer, name text, expired_time bigint, remain_quota integer, unlimited_quota numeric, deleted_at datetime);
          create table users (id integer primary key, username text, email text, status integer);
          insert into users values (1, 'ann', 'ann@example.com', 1);
          insert into channels values (1, 1, 'first-key', 1, 'House', 0, '%s', 'house', 'default', '{"house":"qwen3-32b"}', 0);
          insert into tokens values (1, 1, 'key-from-before-0123456789', 1, 'laptop', -1, 0, 1, null);
          """
              .formatted(server.baseUrl().replaceFirst("/v1$", "")));

      List<String> commands = commands("new-api");
      commands.forEach(this::run);

      assertThat(commands).hasSize(2);
      try (Gateway gateway = Gateway.startAt(home, folder.resolve("data"), environment())) {
        gateway.awaitKnown(OLD_KEY, true);

        assertThat(gateway.chat(OLD_KEY, "house", false, "hello").body())
            .contains("You said: hello");
        assertThat(server.lastRequest().header("authorization")).isEqualTo("Bearer first-key");
        assertThat(server.lastRequest().body().path("model").asText()).isEqualTo("qwen3-32b");
      }
    }
  }

  @Test
  void editedFileIsKeptUnlessForced() throws IOException {
    Files.writeString(
        folder.resolve("config.yaml"),
        """
        model_list:
          - model_name: fast
            litellm_params: {model: groq/llama-3.1-8b-instant, api_key: gsk-1}
        """);
    String command = "import litellm config.yaml --write";
    Path routing = home.resolve("providers/routing.yaml");
    run(command);
    assertThat(run(command)).as("its own file").contains("Wrote providers/routing.yaml");
    String edited = Files.readString(routing) + "  mine: openai/gpt-4o\n";
    Files.writeString(routing, edited);

    assertThat(run(1, command)).contains("routing.yaml is there and was edited", "--force");
    assertThat(routing).hasContent(edited);

    run(command + " --force");
    assertThat(Files.readString(routing)).doesNotContain("mine");
    assertThat(home.resolve("providers/routing.yaml.before-import")).hasContent(edited);
  }

  @Test
  void resultThatWouldNotStartIsNotWritten() throws IOException {
    Files.writeString(
        folder.resolve("config.yaml"),
        """
        model_list:
          - model_name: house
            litellm_params: {model: openai/qwen, api_base: "ftp://10.0.0.5/v1", api_key: k}
        """);

    assertThat(run(1, "import litellm config.yaml --write"))
        .contains("the result would not start", "begins with ftp://");
    assertThat(home.resolve("imported.env")).doesNotExist();
  }

  /** The page's commands for a gateway, with the files in the test's folder. */
  private List<String> commands(String gateway) {
    Matcher matcher = COMMAND.matcher(page);
    return matcher
        .results()
        .map(each -> each.group(1))
        .filter(each -> each.startsWith("import " + gateway))
        .toList();
  }

  /** The settings that a shell has after the page's line. */
  private Map<String, String> environment() throws IOException, InterruptedException {
    Matcher line = Pattern.compile("(?m)^set -a; \\. \\./imported\\.env; set \\+a$").matcher(page);
    assertThat(line.find()).isTrue();
    Process shell =
        new ProcessBuilder("sh", "-c", line.group() + "; env -0")
            .directory(home.toFile())
            .redirectErrorStream(true)
            .start();
    String variables = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(shell.waitFor()).as(variables).isZero();
    Map<String, String> settings = new HashMap<>();
    for (String variable : variables.replaceFirst("\0$", "").split("\0", -1)) {
      String[] parts = variable.split("=", 2);
      if (!parts[1].equals(System.getenv(parts[0]))) {
        settings.put(parts[0], parts[1]);
      }
    }
    return settings;
  }

  private void database(String commands) throws SQLException {
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("one-api.db"));
        Statement statement = connection.createStatement()) {
      for (String command : commands.strip().split(";\n", -1)) {
        statement.execute(command);
      }
    }
  }

  private String run(String command) {
    return run(0, command);
  }

  private String run(int expected, String command) {
    StringWriter out = new StringWriter();
    String[] arguments = command.split(" ", -1);
    for (int i = 0; i < arguments.length; i++) {
      if (arguments[i].matches("config\\.yaml|keys\\.csv|one-api\\.db")) {
        arguments[i] = folder.resolve(arguments[i]).toString();
      }
    }
    Settings settings =
        Settings.load(home, Map.of("LLMPROXY_DATA", folder.resolve("data").toString()));
    int status =
        LlmProxyCommand.commandLine(settings)
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(out, true))
            .execute(arguments);
    assertThat(status).as(out.toString()).isEqualTo(expected);
    return out.toString();
  }
}
