package dev.llmproxy.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.base.Settings.SettingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {
  @TempDir private Path home;

  @Test
  void environmentOverridesTheFile() throws IOException {
    Settings settings = settings("PORT = 3000\nHOST = 0.0.0.0\n", Map.of("PORT", "8080"));
    assertThat(settings.text("PORT")).isEqualTo("8080");
    assertThat(settings.text("HOST")).isEqualTo("0.0.0.0");
  }

  @Test
  void settingOfAFileHasItsContent() throws IOException {
    Path secret = Files.writeString(home.resolve("secret"), "sk-secret\n");
    Files.createDirectories(home.resolve("providers"));
    Files.writeString(home.resolve("providers/hub.yaml"), "key: [HF_TOKEN]\n");
    Settings settings =
        settings(
            "BRAVE_API_KEY_FILE = secret\nDATABASE_URL = of-the-file\n",
            Map.of(
                "ACME_API_KEY_FILE", secret.toString(),
                "HF_TOKEN_FILE", secret.toString(),
                "DATABASE_URL_FILE", secret.toString()));

    assertThat(settings.text("BRAVE_API_KEY")).isEqualTo("sk-secret");
    assertThat(settings.text("ACME_API_KEY")).isEqualTo("sk-secret");
    assertThat(settings.text("HF_TOKEN")).isEqualTo("sk-secret");
    assertThat(settings.text("DATABASE_URL")).isEqualTo("sk-secret");
    assertThat(settings.where("DATABASE_URL")).isEqualTo("a file named in the environment");
    assertThat(settings.where("BRAVE_API_KEY")).contains("application.properties");
  }

  @Test
  void filesOfOtherProgramsAreNotRead() throws IOException {
    Settings settings =
        settings(
            "LOCAL_MODEL_FILE = models/none.gguf\n",
            Map.of("AWS_WEB_IDENTITY_TOKEN_FILE", "/none", "SSL_CERT_FILE", "/none"));

    assertThat(settings.asMap()).doesNotContainKeys("LOCAL_MODEL", "AWS_WEB_IDENTITY_TOKEN");
  }

  @Test
  void everyFileThatCannotBeUsedIsListed() throws IOException {
    Path empty = Files.writeString(home.resolve("empty"), " \n");
    Path large = Files.writeString(home.resolve("large"), "x".repeat(70_000));

    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() ->
            settings(
                "",
                Map.of(
                    "GROQ_API_KEY_FILE", "/no/such/file",
                    "OPENAI_API_KEY_FILE", empty.toString(),
                    "BRAVE_API_KEY_FILE", large.toString(),
                    "DATABASE_URL", "x",
                    "DATABASE_URL_FILE", empty.toString())))
        .satisfies(problem ->
            assertThat(problem.getMessage().lines())
                .hasSize(4)
                .anyMatch(line -> line.startsWith("GROQ_API_KEY_FILE is \"/no/such/file\""))
                .anyMatch(line -> line.contains("it is empty"))
                .anyMatch(line -> line.contains("more than 65536 bytes"))
                .anyMatch(line -> line.contains("DATABASE_URL and DATABASE_URL_FILE")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "KEY =\n", "KEY =   \n", "# KEY = x\n"})
  void absentOrBlankValueIsNotSet(String file) throws IOException {
    Settings settings = settings(file, Map.of("BLANK", "  "));
    assertThat(settings.find("KEY")).isEmpty();
    assertThat(settings.find("BLANK")).isEmpty();
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() -> settings.text("KEY"))
        .withMessageContaining("KEY");
  }

  @Test
  void valuesAreStrippedAndKeepTheirCase() throws IOException {
    Settings settings = settings("NAME =  Zoë #1 \n", Map.of("KEY", " gsk-1 "));
    assertThat(settings.find("NAME")).contains("Zoë #1");
    assertThat(settings.find("KEY")).contains("gsk-1");
  }

  @Test
  void camelPropertiesAreNoSettings() throws IOException {
    Settings settings = settings("camel.main.name = llmproxy\nPORT = 1\n", Map.of());
    assertThat(settings.asMap()).containsOnlyKeys("PORT");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "10", " 5 "})
  void numberWithinBoundsIsAccepted(String value) throws IOException {
    int number = read("N", value, in -> in.number("N", 1, 10));
    assertThat(number).isEqualTo(Integer.parseInt(value.strip()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "11", "-1", "5.0", "five", "5 s", "99999999999"})
  void otherNumberIsRefusedWithNameAndBounds(String value) throws IOException {
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() -> read("N", value, in -> in.number("N", 1, 10)))
        .withMessage("N is \"%s\"; it must be a whole number from 1 to 10 (environment)", value);
  }

  @Test
  void secondsAboveADayAreRefused() throws IOException {
    Duration day = read("N", "86400", in -> in.seconds("N"));
    assertThat(day).isEqualTo(Duration.ofDays(1));
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() -> read("N", "86401", in -> in.seconds("N")))
        .withMessageContaining("from 1 to 86400");
  }

  @Test
  void routesGetNumbersWithoutSpacesAndLeadingZeros() throws IOException {
    Settings settings =
        settings(
            "USAGE_FLUSH_SECONDS = 5 \n",
            Map.of("KEYS_REFRESH_SECONDS", "010 ", "LOG_CONVERSATIONS", "Ledger", "OTHER", " 010"));
    assertThat(settings.asMap())
        .containsEntry("USAGE_FLUSH_SECONDS", "5")
        .containsEntry("KEYS_REFRESH_SECONDS", "10")
        .containsEntry("LOG_CONVERSATIONS", "ledger")
        .containsEntry("OTHER", "010");
  }

  @Test
  void camelRunRefusesNumbersWithSpaces() throws IOException {
    String shipped = Files.readString(Path.of("application.properties"));
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(settings(shipped + "USAGE_FLUSH_SECONDS = 5 \n", Map.of())::checkForCamelsMain)
        .withMessage(
            "USAGE_FLUSH_SECONDS must be written as 5, without spaces or other characters (application.properties, line %d)",
            shipped.lines().count() + 1);
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(settings(shipped, Map.of("LLMPROXY_FSYNC", "never"))::checkForCamelsMain)
        .withMessage("LLMPROXY_FSYNC is \"never\"; it must be normal or full (environment)");
    settings(shipped + "USAGE_FLUSH_SECONDS = 5\n", Map.of()).checkForCamelsMain();
  }

  @ParameterizedTest
  @CsvSource({
    "on, true", "ON, true", "true, true", "Yes, true", "1, true",
    "off, false", "Off, false", "FALSE, false", "no, false", "0, false",
  })
  void switchAcceptsOnOffAndSynonyms(String value, boolean on) throws IOException {
    boolean read = read("SWITCH", value, in -> in.on("SWITCH"));
    assertThat(read).isEqualTo(on);
  }

  @ParameterizedTest
  @ValueSource(strings = {"onn", "2", "enabled", "-"})
  void otherSwitchValueIsRefused(String value) throws IOException {
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() -> read("SWITCH", value, in -> in.on("SWITCH")))
        .withMessage("SWITCH is \"%s\"; it must be on or off (environment)", value);
  }

  @Test
  void relativePathStartsAtTheAbsoluteHome() throws IOException {
    Settings settings = settings("", Map.of("DATA", "./data/../data", "TEMP", home.toString()));
    assertThat(settings.path("DATA")).isEqualTo(home.toAbsolutePath().resolve("data"));
    assertThat(settings.path("TEMP")).isEqualTo(home);
    assertThat(settings.home()).isAbsolute().isEqualTo(home.toAbsolutePath().normalize());
  }

  @Test
  void missingFileFailsWithItsPath() {
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() -> Settings.load(home, Map.of()))
        .withMessageContaining(home.resolve("application.properties").toString());
  }

  @Test
  void shippedSettingsAreValid() {
    Settings shipped = Settings.load(Path.of(""), Map.of());
    AllSettings values = AllSettings.of(shipped);
    assertThat(values.http().port()).isEqualTo(3000);
    assertThat(values.providers().localModel()).isTrue();
    assertThat(values.keys().refresh()).isPositive();
    assertThat(shipped.find("GROQ_API_KEY")).isEmpty();
  }

  @Test
  void everyWrongValueIsListedWithItsNameAndLine() throws IOException {
    String shipped = Files.readString(Path.of("application.properties"));
    long line = shipped.lines().count() + 1;
    Settings settings =
        settings(
            shipped + "# a comment \\\nCHAT_TURNS = \\\n  none\nPORT = 70000\nMAX_BODY_MB =\n",
            Map.of("KEYS_REFRESH_SECONDS", "0", "RATE_LIMIT_PRO", "lots"));
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() -> AllSettings.of(settings))
        .withMessage(
            """
            CHAT_TURNS is "none"; it must be a whole number from 1 to 2147483647 (application.properties, line %d)
            KEYS_REFRESH_SECONDS is "0"; it must be a whole number from 1 to 86400 (environment)
            MAX_BODY_MB is not set; application.properties has its default
            PORT is "70000"; it must be a whole number from 0 to 65535 (application.properties, line %d)
            RATE_LIMIT_PRO is "lots"; it must be a whole number from 1 to 1000000, or unlimited (environment)\
            """,
            line + 1, line + 3);
  }

  @Test
  void limitsMayBeUnlimited() {
    Settings settings =
        Settings.load(
            Path.of(""),
            Map.of(
                "RATE_LIMIT_PRO", "Unlimited",
                "MAX_CONNECTIONS_PER_ADDRESS", "unlimited",
                "SHEETS_DETAIL_ROWS_PER_DAY", "unlimited",
                "CONVERSATION_DAYS", "unlimited",
                "CHAT_COST_DOLLARS", "unlimited"));
    AllSettings values = AllSettings.of(settings);
    assertThat(values.limits().requestsPerMinute().get("RATE_LIMIT_PRO")).isEmpty();
    assertThat(values.limits().requestsPerMinute().get("RATE_LIMIT_FREE")).hasValue(100);
    assertThat(values.http().maxConnectionsPerAddress()).isEmpty();
    assertThat(values.flush().detailRowsPerDay()).isEmpty();
    assertThat(values.conversations().age()).isEmpty();
    assertThat(values.tools().chatDollars()).isEmpty();
  }

  private <T> T read(String name, String value, Function<SettingsReader, T> type)
      throws IOException {
    return settings("", Map.of(name, value)).read(type);
  }

  private Settings settings(String file, Map<String, String> environment) throws IOException {
    Files.writeString(home.resolve("application.properties"), file);
    return Settings.load(home, environment);
  }
}
