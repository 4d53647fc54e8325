package dev.llmproxy.flush;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.ledger.Ledger;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SheetTitlesTest {
  private Ledger ledger;
  private SheetTitles titles;

  @BeforeEach
  void open(@TempDir Path folder) {
    ledger = Ledger.open(folder);
    titles = new SheetTitles(ledger);
  }

  @AfterEach
  void close() {
    ledger.close();
  }

  @Test
  void titleResemblesTheAddress() {
    assertThat(titles.of("test@example.com")).isEqualTo("test_at_example_dot_com");
    assertThat(titles.of(" Test@Example.com")).isEqualTo("test_at_example_dot_com");
  }

  @Test
  void twoAddressesNeverShareASheet() {
    assertThat(titles.of("a.b@x.io")).isEqualTo("a_dot_b_at_x_dot_io");
    assertThat(titles.of("a_dot_b@x.io")).matches("a_dot_b_at_x_dot_io_[0-9a-f]{6}");
    assertThat(titles.of("a.b@x.io")).isEqualTo("a_dot_b_at_x_dot_io");
  }

  @Test
  void addressEqualToAnotherUsersTitleGetsItsOwnTitle() {
    titles.of("a.b@x.io");
    String digest = dev.llmproxy.base.Sha256.hex("a_dot_b@x.io");
    String taken = titles.of("a_dot_b_at_x_dot_io_" + digest.substring(0, 6));

    assertThat(titles.of("a_dot_b@x.io"))
        .isNotEqualTo(taken)
        .isEqualTo("a_dot_b_at_x_dot_io_" + digest.substring(0, 12));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\u212aai@x.io",
        "ka\u0130@x.io",
        "\uff4bai@x.io",
        "ka\u0131@x.io",
        "ka\ufb01@x.io",
        "\u212bsa@x.io"
      })
  void lookAlikeLettersDoNotShareASheet(String odd) {
    String plain =
        Normalizer.normalize(odd, Normalizer.Form.NFKC)
            .toUpperCase(Locale.ROOT)
            .toLowerCase(Locale.ROOT);

    String first = titles.of(plain);
    assertThat(titles.of(odd)).isNotEqualToIgnoringCase(first).matches(".*_[0-9a-f]{6}");
    assertThat(titles.of(odd)).isEqualTo(titles.of(odd));
  }

  @Test
  void capitalsOfOtherScriptsGiveTheSameSheet() {
    assertThat(titles.of("ÄNNE@x.io"))
        .isEqualTo(titles.of("änne@x.io"))
        .isEqualTo("änne_at_x_dot_io");
  }

  @Test
  void titleStaysWithinGooglesLimits() {
    assertThat(titles.of("x".repeat(200) + "@example.com")).hasSizeLessThanOrEqualTo(100);
    assertThat(titles.of("a'b*c/d?e[f]:\\@x.io")).matches("[\\w+-]+");
  }

  @Test
  void titleNeverEqualsTheTitleOfAServerSheet() {
    assertThat(titles.of("_sync")).isNotEqualTo("_sync");
    assertThat(titles.of("User API Keys")).isNotEqualToIgnoringCase("User API Keys");
  }
}
