package dev.llmproxy.keys;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ApiKeyTest {
  private static final String KEY = "sk-Ab1cdefghijklmnopqrstuvwxx9Yz";
  private static final String ABC_SHA256 =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @Test
  void newKeysAreLongAndDiffer() {
    SecureRandom random = new SecureRandom();
    String key = ApiKey.generate(random);
    assertThat(key).matches("sk-[A-Za-z0-9]{48}").isNotEqualTo(ApiKey.generate(random));
  }

  @Test
  void hashesAsSha256InLowerCaseHex() {
    assertThat(ApiKey.hash("abc")).isEqualTo(ABC_SHA256);
  }

  @ParameterizedTest
  @CsvSource({
    "sk-Ab1cdefghijklmnopqrstuvwxx9Yz, sk-Ab1…x9Yz",
    "0123456789abcdef, 012345…cdef",
    "0123456789abcde, …",
    "short, …",
  })
  void masksAllButTheEndsOfALongKey(String key, String mask) {
    assertThat(ApiKey.mask(key)).isEqualTo(mask);
  }

  @Test
  void aCellHoldsTheMaskAndTheHashButNotTheKey() {
    assertThat(ApiKey.cell(KEY))
        .isEqualTo("sk-Ab1…x9Yz sha256:" + ApiKey.hash(KEY))
        .doesNotContain(KEY);
  }

  @Test
  void cellMatchesItsKeyInClearAndHashed() {
    String hash = ApiKey.hash(KEY);
    assertThat(ApiKey.hashOfCell(KEY)).contains(hash);
    assertThat(ApiKey.hashOfCell("  " + KEY + "\t")).contains(hash);
    assertThat(ApiKey.hashOfCell(ApiKey.cell(KEY))).contains(hash);
    assertThat(ApiKey.hashOfCell("sha256:" + hash)).contains(hash);
    assertThat(ApiKey.hashOfCell("of the laptop sha256:" + hash.toUpperCase(Locale.ROOT) + " "))
        .contains(hash);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "short",
        "two words",
        "sk-Ab1…x9Yz",
        "sk-kéy-with-accent",
        "sk-Ab1…x9Yz sha256:0f3a",
        "line\nbreak-in-a-key"
      })
  void cellWithoutKeyMatchesNone(String cell) {
    assertThat(ApiKey.hashOfCell(cell)).isEmpty();
  }

  @Test
  void shownCellDoesNotContainTheKey() {
    assertThat(ApiKey.shown(KEY)).isEqualTo("sk-Ab1…x9Yz");
    assertThat(ApiKey.shown(" " + KEY + " ")).isEqualTo("sk-Ab1…x9Yz");
    assertThat(ApiKey.shown(ApiKey.cell(KEY))).isEqualTo("sk-Ab1…x9Yz");
    assertThat(ApiKey.shown("short")).isEqualTo("…");
  }
}
