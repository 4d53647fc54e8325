package dev.llmproxy.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.base.Settings.SettingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {
  @TempDir private Path home;

  @Test
  void theEnvironmentBeatsTheFile() throws IOException {
    Settings settings = settings("PORT = 3000\nHOST = 0.0.0.0\n", Map.of("PORT", "8080"));
    assertThat(settings.text("PORT")).isEqualTo("8080");
    assertThat(settings.text("HOST")).isEqualTo("0.0.0.0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "KEY =\n", "KEY =   \n", "# KEY = x\n"})
  void anAbsentOrBlankValueIsNotSet(String file) throws IOException {
    Settings settings = settings(file, Map.of("BLANK", "  "));
    assertThat(settings.find("KEY")).isEmpty();
    assertThat(settings.find("BLANK")).isEmpty();
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() -> settings.text("KEY"))
        .withMessageContaining("KEY");
  }

  @Test
  void valuesHaveNoSpaceAroundThemAndKeepTheirLetters() throws IOException {
    Settings settings = settings("NAME =  Zoë #1 \n", Map.of("KEY", " gsk-1 "));
    assertThat(settings.find("NAME")).contains("Zoë #1");
    assertThat(settings.find("KEY")).contains("gsk-1");
  }

  @Test
  void camelsOwnPropertiesAreNoSettings() throws IOException {
    Settings settings = settings("camel.main.name = llmproxy\nPORT = 1\n", Map.of());
    assertThat(settings.asMap()).containsOnlyKeys("PORT");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "10", " 5 "})
  void aWholeNumberIsWithinItsBounds(String value) throws IOException {
    assertThat(settings("", Map.of("N", value)).integer("N", 1, 10))
        .isEqualTo(Integer.parseInt(value.strip()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "11", "-1", "5.0", "five", "5 s", "99999999999"})
  void anyOtherNumberIsRefusedWithItsNameAndBounds(String value) throws IOException {
    Settings settings = settings("", Map.of("N", value));
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() -> settings.integer("N", 1, 10))
        .withMessage("N is \"%s\"; it must be a whole number from 1 to 10", value);
  }

  @Test
  void secondsAreADayAtMost() throws IOException {
    Settings settings =
        settings("", Map.of("CHAT_SECONDS", "86400", "KEYS_REFRESH_SECONDS", "86401"));
    assertThat(settings.seconds("CHAT_SECONDS")).isEqualTo(Duration.ofDays(1));
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() -> settings.seconds("KEYS_REFRESH_SECONDS"))
        .withMessageContaining("from 1 to 86400");
  }

  @Test
  void routesAreGivenNumbersWithoutSpacesAndZerosBefore() throws IOException {
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
  void camelsOwnMainIsNotLetPutZerosBehindASpace() throws IOException {
    String shipped = Files.readString(Path.of("application.properties"));
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(settings(shipped + "USAGE_FLUSH_SECONDS = 5 \n", Map.of())::checkForCamelsMain)
        .withMessage("USAGE_FLUSH_SECONDS must be written as 5, without spaces or other signs");
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(settings(shipped, Map.of("LLMPROXY_FSYNC", "never"))::checkForCamelsMain)
        .withMessage("LLMPROXY_FSYNC is \"never\"; it must be normal or full");
    settings(shipped + "USAGE_FLUSH_SECONDS = 5\n", Map.of()).checkForCamelsMain();
  }

  @ParameterizedTest
  @CsvSource({
    "on, true", "ON, true", "true, true", "Yes, true", "1, true",
    "off, false", "Off, false", "FALSE, false", "no, false", "0, false",
  })
  void isOnOrOff(String value, boolean on) throws IOException {
    assertThat(settings("", Map.of("SWITCH", value)).on("SWITCH")).isEqualTo(on);
  }

  @ParameterizedTest
  @ValueSource(strings = {"onn", "2", "enabled", "-"})
  void isNeitherOnNorOff(String value) throws IOException {
    Settings settings = settings("", Map.of("SWITCH", value));
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() -> settings.on("SWITCH"))
        .withMessage("SWITCH is \"%s\"; it must be on or off", value);
  }

  @Test
  void aRelativePathIsInTheHomeWhichIsAbsolute() throws IOException {
    Settings settings = settings("", Map.of("DATA", "./data/../data", "TEMP", home.toString()));
    assertThat(settings.path("DATA")).isEqualTo(home.toAbsolutePath().resolve("data"));
    assertThat(settings.path("TEMP")).isEqualTo(home);
    assertThat(settings.home()).isAbsolute().isEqualTo(home.toAbsolutePath().normalize());
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatExceptionOfType(SettingException.class)
        .isThrownBy(() -> Settings.load(home, Map.of()))
        .withMessageContaining(home.resolve("application.properties").toString());
  }

  @Test
  void theShippedFileDeclaresSettingsThatFit() {
    Settings shipped = Settings.load(Path.of(""), Map.of());
    assertThat(shipped.integer("PORT", 0, 65_535)).isEqualTo(3000);
    assertThat(shipped.on("LOCAL_MODEL")).isTrue();
    assertThat(shipped.seconds("KEYS_REFRESH_SECONDS")).isPositive();
    assertThat(shipped.find("GROQ_API_KEY")).isEmpty();
  }

  private Settings settings(String file, Map<String, String> environment) throws IOException {
    Files.writeString(home.resolve("application.properties"), file);
    return Settings.load(home, environment);
  }
}
