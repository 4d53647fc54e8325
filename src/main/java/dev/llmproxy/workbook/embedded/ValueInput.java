package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.regex.Pattern;

/** The API's {@code ValueInputOption}: how a written value is parsed. */
enum ValueInput {
  /** Text stays text, so {@code =1+1} is not a formula. */
  RAW,
  /** Text is parsed as if it had been typed into the grid. */
  USER_ENTERED;

  private static final Pattern NUMBER =
      Pattern.compile(
          "[+-]?(?:\\d+|\\d{1,3}(?:,\\d{3})+)?(?:\\.\\d+|(?<=\\d)\\.?)(?:[eE][+-]?\\d+)?");

  /**
   * Parses the option, which has no default.
   *
   * @throws SheetsException when the option is missing or unknown
   */
  static ValueInput parse(String option) {
    for (ValueInput input : values()) {
      if (input.name().equals(option)) {
        return input;
      }
    }
    throw SheetsException.invalid(
        option == null || option.equals("INPUT_VALUE_OPTION_UNSPECIFIED")
            ? "'valueInputOption' is required but not specified"
            : "Invalid value at 'value_input_option', \"" + option + "\"");
  }

  /**
   * The cell for a value of a {@code ValueRange}.
   *
   * @param value a JSON string, number or boolean
   * @throws SheetsException for an object or array
   */
  JsonNode toCell(JsonNode value) {
    if (value.isContainerNode()) {
      throw SheetsException.invalid(
          "Invalid values: a cell takes a string, number or boolean, not " + value);
    }
    if (value.isNumber()) {
      return Cell.number(value.doubleValue());
    }
    if (value.isBoolean()) {
      return value;
    }
    return this == RAW ? Cell.text(value.textValue()) : typed(value.textValue());
  }

  private static JsonNode typed(String text) {
    String trimmed = text.strip();
    if (trimmed.startsWith("=") && trimmed.length() > 1) {
      return Cell.formula(trimmed);
    }
    if (text.startsWith("'")) {
      return Cell.text(text.substring(1)); // the grid's own mark for "this is text"
    }
    String upper = trimmed.toUpperCase(Locale.ROOT);
    if (upper.equals("TRUE") || upper.equals("FALSE")) {
      return Cell.bool(upper.equals("TRUE"));
    }
    if (NUMBER.matcher(trimmed).matches()) {
      double number = Double.parseDouble(trimmed.replace(",", ""));
      return Double.isFinite(number) ? Cell.number(number) : Cell.text(text);
    }
    return Cell.text(text);
  }
}
