package dev.llmproxy.workbook;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SheetCountTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "12,345 | 12345",
        "1 234 | 1234",
        "1\u00a0234\u00a0567 | 1234567",
        "1\u202f234 | 1234",
        "1.234 | 1234",
        "1.234.567 | 1234567",
        "1'234 | 1234",
        "1,23,456 | 123456",
        "12,345.00 | 12345",
        "1.234,00 | 1234",
        "12345.0 | 12345",
        "1.2 | 1",
        "1e3 | 1000",
        "007 | 7",
        "'' | 0",
      })
  void typedCountsAreParsed(String text, long count) {
    assertThat(SheetCount.of(text)).hasValue(count);
  }

  @ParameterizedTest
  @ValueSource(strings = {"many", "12,34", "1,2345", "1,234.567", "12 345,678 x", "#REF!"})
  void textThatIsNotACountGivesEmpty(String text) {
    assertThat(SheetCount.of(text)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(doubles = {1.234, 1, 1.9})
  void numberIsReadUnchanged(double number) {
    assertThat(SheetCount.of(number)).hasValue(1);
  }
}
