package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.Set;

/**
 * The stored form of a cell. A cell with only a value is a plain JSON string, number, boolean or
 * null, so that rows stay small and fast to read. Any other cell is an object with the user-entered
 * fields of the API's {@code CellData} (formula, format, note …).
 */
final class Cell {
  /** An empty cell. */
  static final JsonNode BLANK = NullNode.getInstance();

  private static final int MAX_CHARACTERS = 50_000;
  private static final double MAX_EXACT_INTEGER = 1L << 53;
  private static final String VALUE = "userEnteredValue";
  private static final String FORMULA = "formulaValue";

  /** Fields of CellData that the server computes and a client cannot set. */
  private static final Set<String> OUTPUT_ONLY =
      Set.of("effectiveValue", "formattedValue", "effectiveFormat", "hyperlink");

  private Cell() {}

  /** A cell with this exact text; blank for the empty text. */
  static JsonNode text(String text) {
    if (text.length() > MAX_CHARACTERS) {
      throw SheetsException.invalid(
          "Your input contains more than the maximum of 50000 characters in a single cell.");
    }
    return text.isEmpty() ? BLANK : TextNode.valueOf(text);
  }

  static JsonNode bool(boolean value) {
    return BooleanNode.valueOf(value);
  }

  /** A cell with this number; whole numbers are written without a fraction, as Google does. */
  static JsonNode number(double value) {
    if (value == Math.rint(value) && Math.abs(value) <= MAX_EXACT_INTEGER) {
      return LongNode.valueOf((long) value);
    }
    return DoubleNode.valueOf(value);
  }

  /**
   * A cell with a formula, which is stored and not evaluated.
   *
   * @param formula with its leading {@code =}
   */
  static JsonNode formula(String formula) {
    text(formula); // for its length check
    ObjectNode cell = Json.object();
    cell.putObject(VALUE).put(FORMULA, formula);
    return cell;
  }

  /** The cell's value: a string (a formula's text), number or boolean; null node when blank. */
  static JsonNode value(JsonNode cell) {
    if (!cell.isObject()) {
      return cell;
    }
    for (JsonNode value : cell.path(VALUE)) {
      return value; // an ExtendedValue has one field
    }
    return BLANK;
  }

  /** Whether a cell has a formula. */
  static boolean isFormula(JsonNode cell) {
    return cell.path(VALUE).has(FORMULA);
  }

  /** Whether a cell has no value; it may still have a format or a note. */
  static boolean isBlank(JsonNode cell) {
    return value(cell).isNull();
  }

  /** The cell with another value and the same format and note. */
  static JsonNode withValue(JsonNode cell, JsonNode newCell) {
    if (!cell.isObject()) {
      return newCell;
    }
    ObjectNode data = toData(cell);
    JsonNode value = toData(newCell).get(VALUE);
    if (value == null) {
      data.remove(VALUE);
    } else {
      data.set(VALUE, value);
    }
    return fromData(data);
  }

  /** The cell after the masked fields of a {@code CellData} were written to it. */
  static JsonNode merge(JsonNode cell, ObjectNode data, FieldsMask mask) {
    ObjectNode merged = toData(cell);
    mask.copy(data, merged);
    return fromData(merged);
  }

  /** The user-entered part of the API's {@code CellData}; empty for a blank cell. */
  static ObjectNode toData(JsonNode cell) {
    if (cell.isObject()) {
      return ((ObjectNode) cell).deepCopy();
    }
    ObjectNode data = Json.object();
    if (!cell.isNull()) {
      data.putObject(VALUE).set(valueField(cell), cell);
    }
    return data;
  }

  /** The whole {@code CellData} of the API: the entered and the computed fields. */
  static ObjectNode toFullData(JsonNode cell) {
    ObjectNode data = toData(cell);
    JsonNode value = value(cell);
    if (!value.isNull()) {
      data.putObject("effectiveValue").set(valueField(value), value);
      data.set("formattedValue", ValueRender.FORMATTED_VALUE.render(cell));
    }
    return data;
  }

  private static JsonNode fromData(ObjectNode data) {
    data.remove(OUTPUT_ONLY);
    JsonNode value = data.path(VALUE);
    if (value.size() > 1 || value.has("errorValue")) {
      throw SheetsException.invalid(
          "A userEnteredValue has exactly one of numberValue, stringValue, boolValue and"
              + " formulaValue.");
    }
    JsonNode plain = plain(value);
    if (plain.isNull()) {
      data.remove(VALUE);
    } else if (!value.has(FORMULA)) {
      ((ObjectNode) value).set(valueField(plain), plain);
    }
    if (data.isEmpty()) {
      return BLANK;
    }
    boolean onlyValue = data.size() == 1 && data.has(VALUE) && !value.has(FORMULA);
    return onlyValue ? plain : data;
  }

  private static JsonNode plain(JsonNode extendedValue) {
    for (JsonNode value : extendedValue) {
      if (value.isNumber()) {
        return number(value.doubleValue());
      }
      return value.isTextual() ? text(value.textValue()) : value;
    }
    return BLANK;
  }

  private static String valueField(JsonNode value) {
    if (value.isNumber()) {
      return "numberValue";
    }
    return value.isBoolean() ? "boolValue" : "stringValue";
  }
}
