package dev.llmproxy.workbook.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CellTest {
  private static final FieldsMask VALUE = FieldsMask.parse("userEnteredValue");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "12            | 12",
        "-1.50         | -1.5",
        "1,234.5       | 1234.5",
        "1e3           | 1000",
        ".5            | 0.5",
        "true          | true",
        "FALSE         | false",
        "1,23          | \"1,23\"",
        "12 apples     | \"12 apples\"",
        "2026-01-01    | \"2026-01-01\"",
        "-             | \"-\"",
        "''007         | \"007\"",
        "''=1+1        | \"=1+1\"",
        "=A1           | {\"userEnteredValue\":{\"formulaValue\":\"=A1\"}}",
      })
  void shouldParseTypedText(String typed, String stored) {
    String text = typed.replace("''", "'");
    assertThat(ValueInput.USER_ENTERED.toCell(TextNode.valueOf(text))).hasToString(stored);
    assertThat(ValueInput.RAW.toCell(TextNode.valueOf(text))).isEqualTo(TextNode.valueOf(text));
  }

  @ParameterizedTest
  @CsvSource({
    "0.30000000000000004, 0.3",
    "1234567, 1234567",
    "0.000001, 0.000001",
    "1e21, 1E+21",
    "-2, -2"
  })
  void shouldFormatNumbersAsTheGridDoes(double number, String shown) {
    JsonNode cell = Cell.number(number);
    assertThat(ValueRender.FORMATTED_VALUE.render(cell).textValue()).isEqualTo(shown);
    assertThat(ValueRender.UNFORMATTED_VALUE.render(cell).doubleValue()).isEqualTo(number);
  }

  @Test
  void shouldKeepFormatAndNoteWhenOnlyTheValueIsWritten() {
    ObjectNode bold = Json.readObject("{\"userEnteredFormat\":{\"textFormat\":{\"bold\":true}}}");
    JsonNode cell = Cell.merge(Cell.BLANK, bold, FieldsMask.EVERYTHING);
    JsonNode written = Cell.merge(cell, value("stringValue", "\"x\""), VALUE);
    assertThat(Cell.value(written)).isEqualTo(TextNode.valueOf("x"));
    assertThat(Cell.withValue(written, Cell.BLANK)).isEqualTo(cell);
  }

  @Test
  void shouldStoreAPlainValueWithoutCellData() {
    assertThat(Cell.merge(Cell.BLANK, value("numberValue", "5.0"), VALUE)).hasToString("5");
    assertThat(Cell.merge(Cell.text("x"), value("stringValue", "\"\""), VALUE))
        .isEqualTo(Cell.BLANK);
  }

  @Test
  void shouldRefuseTooLongTextAndArrays() {
    assertThatThrownBy(() -> Cell.text("x".repeat(50_001))).hasMessageContaining("50000");
    assertThatThrownBy(() -> ValueInput.RAW.toCell(Json.array()))
        .isInstanceOf(SheetsException.class);
  }

  private static ObjectNode value(String field, String json) {
    return Json.readObject("{\"userEnteredValue\":{\"%s\":%s}}".formatted(field, json));
  }
}
