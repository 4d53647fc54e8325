package dev.llmproxy.catalogue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.catalogue.Model.Price;
import java.math.BigDecimal;
import java.time.LocalDate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelTest {
  /** Columns: dollars for a million tokens in and out, tokens in and out | dollars. */
  @ParameterizedTest
  @CsvSource({
    "0.59, 0.79, 0, 0, 0",
    "0.59, 0.79, 1, 0, 0.00000059",
    "0.59, 0.79, 0, 1, 0.00000079",
    "0.59, 0.79, 1000000, 1000000, 1.38",
    "0.15, 0.60, 333, 777, 0.00051615",
    "0.1, 0.2, 3, 3, 0.0000009",
    "2.50, 10.00, 123456789, 987654321, 10185.1851825",
    "0.0375, 0.15, 7, 11, 0.0000019125",
    "0, 0, 5000, 5000, 0",
    "0.59, 0.79, 9000000000000, 0, 5310000",
  })
  void costIsExact(
      BigDecimal input, BigDecimal output, long promptTokens, long completionTokens, String cost) {
    Price price = new Price(input, output, LocalDate.of(2026, 1, 1), "a page");
    assertThat(price.of(promptTokens, completionTokens)).isEqualByComparingTo(cost);
  }

  /** Columns: dollars for a million tokens cached, tokens in, of them cached, out | dollars. */
  @ParameterizedTest
  @CsvSource({
    "0.075, 10000, 9000, 10, 0.000831",
    "0.075, 10000, 0, 10, 0.001506",
    "0.075, 7, 7, 0, 0.000000525",
    "0, 7, 7, 0, 0",
    ", 10000, 9000, 10, 0.001506",
  })
  void cachedTokensCostLess(BigDecimal cached, long in, long kept, long out, String cost) {
    Price price =
        new Price(
            new BigDecimal("0.15"),
            cached,
            new BigDecimal("0.60"),
            LocalDate.of(2026, 1, 1),
            "a page");
    assertThat(price.of(in, kept, out)).isEqualByComparingTo(cost);
  }

  @Test
  void fileWithoutAbilitiesGivesNone() {
    assertThat(new Model("m", "M", null, 0, 0, null, null).abilities()).isEmpty();
  }
}
