package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** The API's {@code ValueRenderOption}: the form in which a read returns values. */
enum ValueRender {
  /** Everything as text, as the grid would show it. */
  FORMATTED_VALUE,
  /** Numbers and booleans in their JSON types. */
  UNFORMATTED_VALUE,
  /** Like UNFORMATTED_VALUE, but with the text of a formula instead of its result. */
  FORMULA;

  /** The number of digits that the grid's automatic number format shows. */
  private static final MathContext SHOWN_DIGITS = new MathContext(15);

  /** Parses the option; the API's default when it is missing. */
  static ValueRender parse(String option) {
    if (option == null) {
      return FORMATTED_VALUE;
    }
    for (ValueRender render : values()) {
      if (render.name().equals(option)) {
        return render;
      }
    }
    throw SheetsException.invalid("Invalid value at 'value_render_option', \"" + option + "\"");
  }

  /** The value of a stored cell; the empty text when it is blank. */
  JsonNode render(JsonNode cell) {
    JsonNode value = Cell.value(cell);
    if (value.isNull()) {
      return TextNode.valueOf("");
    }
    return this == FORMATTED_VALUE && !value.isTextual() ? TextNode.valueOf(format(value)) : value;
  }

  private static String format(JsonNode value) {
    if (value.isBoolean()) {
      return value.asText().toUpperCase(Locale.ROOT);
    }
    BigDecimal shown = value.decimalValue().round(SHOWN_DIGITS).stripTrailingZeros();
    boolean longNumber = shown.precision() - shown.scale() > SHOWN_DIGITS.getPrecision();
    return longNumber ? shown.toString() : shown.toPlainString();
  }
}
