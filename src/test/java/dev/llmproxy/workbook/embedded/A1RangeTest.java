package dev.llmproxy.workbook.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class A1RangeTest {
  /** Columns: text | sheet | start row | end row (empty: open) | start column | end column. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "A1                | | 0 | 1  | 0   | 1",
        "$B$2              | | 1 | 2  | 1   | 2",
        "b2:a1             | | 0 | 2  | 0   | 2",
        "A1:J              | | 0 |    | 0   | 10",
        "A5:B              | | 4 |    | 0   | 2",
        "A:C               | | 0 |    | 0   | 3",
        "2:3               | | 1 | 3  | 0   |",
        "B3:3              | | 2 | 3  | 1   |",
        "AA10:AB11         | | 9 | 11 | 26  | 28",
        "Sheet1            | Sheet1          | 0 |   | 0 |",
        "Sheet1!A1:B2      | Sheet1          | 0 | 2 | 0 | 2",
        "User API Keys!A1:J | User API Keys  | 0 |   | 0 | 10",
        "'it''s'!A:A       | it's            | 0 |   | 0 | 1",
        "'it''s'           | it's            | 0 |   | 0 |",
        "'a!b'!C3          | a!b             | 2 | 3 | 2 | 3",
        "'A1'!A1           | A1              | 0 | 1 | 0 | 1",
        "_sync             | _sync           | 0 |   | 0 |",
        "test_at_example_dot_com!A2:A | test_at_example_dot_com | 1 | | 0 | 1",
      })
  void shouldParse(
      String text, String sheet, int startRow, Integer endRow, int startColumn, Integer endColumn) {
    GridRange expected =
        new GridRange(
            startRow,
            endRow == null ? GridRange.OPEN : endRow,
            startColumn,
            endColumn == null ? GridRange.OPEN : endColumn);
    assertThat(A1Range.parse(text)).isEqualTo(new A1Range(sheet, expected));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "!A1", "Sheet1!", "Sheet1!A0", "Sheet1!1A", "Sheet1!A", "Sheet1!A:3"})
  void shouldRefuseInvalidRanges(String text) {
    assertThatThrownBy(() -> A1Range.parse(text)).hasMessage("Unable to parse range: " + text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "Sheet1 | 0 | 2 | 0  | 2  | Sheet1!A1:B2",
        "Sheet1 | 4 | 5 | 26 | 27 | Sheet1!AA5",
        "it's   | 0 | 1 | 701 | 703 | 'it''s'!ZZ1:AAA1",
        "A1     | 0 | 1 | 0  | 1  | 'A1'!A1",
        "2024   | 0 | 1 | 0  | 1  | '2024'!A1",
      })
  void shouldFormat(
      String title, int startRow, int endRow, int startColumn, int endColumn, String expected) {
    GridRange cells = new GridRange(startRow, endRow, startColumn, endColumn);
    assertThat(A1Range.format(title, cells)).isEqualTo(expected);
  }
}
