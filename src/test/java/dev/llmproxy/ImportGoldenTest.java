package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.base.Settings;
import dev.llmproxy.migration.ImportException;
import dev.llmproxy.migration.ImportPlan;
import dev.llmproxy.migration.LiteLlmImport;
import dev.llmproxy.migration.LiteLlmKeys;
import dev.llmproxy.migration.NewApiImport;
import dev.llmproxy.migration.PlanText;
import dev.llmproxy.migration.PlanWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations of other gateways beside what becomes of them. */
class ImportGoldenTest {
  private static final Path FOLDER = Path.of("src/test/resources/fixtures/migration");
  private static final Path HOME = Path.of("");
  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

  @TempDir Path folder;

  @ValueSource(strings = {"quickstart", "azure", "own-servers"})
  @ParameterizedTest
  void liteLlmConfigurationBecomesProvidersAliasesAndSettings(String name) {
    check(name, LiteLlmImport.read(HOME, FOLDER.resolve(name + ".yaml")));
  }

  @Test
  void liteLlmKeysBecomeRowsWithTheirHashes() {
    ImportPlan plan = LiteLlmImport.read(HOME, FOLDER.resolve("quickstart.yaml"));

    LiteLlmKeys.read(FOLDER.resolve("litellm-keys.csv"), plan, "pro", null, NOW);

    check("litellm-keys", plan);
    assertThat(plan.keys())
        .singleElement()
        .satisfies(key ->
            assertThat(key.row())
                .containsEntry(
                    "API Key",
                    "sk-…Ab12 sha256:1b1fca1d7e0e42fcaf9aab8ee3d6e5ffa8d6ca0ff1ec80fc8ec68ac0ebd3e5a6"));
  }

  @Test
  void newApiDatabaseBecomesProvidersAliasesAndKeys() throws SQLException, IOException {
    ImportPlan plan = NewApiImport.read(HOME, newApiDatabase(folder), "free", null, NOW);

    check("new-api", plan);
  }

  @Test
  void newApiListOfChannelsBecomesProvidersAndAliases() {
    check(
        "new-api-channels",
        NewApiImport.read(HOME, FOLDER.resolve("new-api-channels.json"), "free", null, NOW));
  }

  @CsvSource(
      delimiter = '|',
      value = {
        "broken-syntax.yaml | broken-syntax.yaml:5: invalid YAML: found unexpected end of stream",
        "broken-model.yaml | broken-model.yaml:5: an entry of model_list needs model_name and litellm_params.model",
        "broken-number.yaml | broken-number.yaml:5: the value of rpm is `many`; it must be a number",
        "litellm-keys.csv | litellm-keys.csv:1: the value must be a map of names and values",
        "missing.yaml | missing.yaml does not exist"
      })
  @ParameterizedTest
  void brokenConfigurationIsRefusedWithFileAndLine(String file, String message) {
    assertThatThrownBy(() -> LiteLlmImport.read(HOME, FOLDER.resolve(file)))
        .isInstanceOf(ImportException.class)
        .hasMessageContaining(message);
  }

  @Test
  void otherFilesAreNoDatabaseOfNewApi() throws IOException, SQLException {
    Path text = Files.writeString(folder.resolve("text.db"), "hello");
    Path other = folder.resolve("other.db");
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + other);
        Statement statement = connection.createStatement()) {
      statement.execute("create table notes (id integer)");
    }

    assertThatThrownBy(() -> NewApiImport.read(HOME, text, "free", null, NOW))
        .hasMessageContaining("is neither a SQLite database nor JSON");
    assertThatThrownBy(() -> NewApiImport.read(HOME, other, "free", null, NOW))
        .hasMessageContaining("is not a database of new-api")
        .hasMessageContaining("channels");
  }

  /** A database of new-api with the rows of the fixture. */
  static Path newApiDatabase(Path folder) throws SQLException, IOException {
    Path file = folder.resolve("one-api.db");
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = connection.createStatement()) {
      for (String command :
          Files.readString(FOLDER.resolve("new-api.sql")).strip().split(";\n", -1)) {
        statement.execute(command);
      }
    }
    return file;
  }

  private static void check(String name, ImportPlan plan) {
    new PlanWriter(Settings.load(HOME, Map.of()), plan).check();
    String text = PlanText.of(plan);
    Golden.ofThisRun().check(FOLDER.resolve(name + ".expected.txt"), text);
    plan.settings()
        .forEach((setting, value) -> {
          if (plan.isSecret(setting)) {
            assertThat(text).as("the secret in " + setting).doesNotContain(value);
          }
        });
  }
}
