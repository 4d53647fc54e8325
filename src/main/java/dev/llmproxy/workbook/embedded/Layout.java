package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.workbook.embedded.Shift.Stretch;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The parts of a spreadsheet besides cells and properties: widths and hidden rows, the filter,
 * protected and named ranges. They move with their cells when rows or columns are inserted, deleted
 * or moved.
 */
final class Layout {
  /** The field of a sheet's layout with the API's {@code BasicFilter}. */
  static final String FILTER = "basicFilter";

  /** The field of a sheet's layout with an array of the API's {@code ProtectedRange}. */
  static final String PROTECTED = "protectedRanges";

  private final Sql sql;
  private final String spreadsheetId;

  Layout(Sql sql, String spreadsheetId) {
    this.sql = sql;
    this.spreadsheetId = spreadsheetId;
  }

  /** The layout of a sheet. The caller may change the object and then {@link #save} it. */
  ObjectNode of(Sheet sheet) {
    return sql.first(
            "SELECT layout FROM sheet WHERE key = ?",
            row -> Json.readObject(row.getString(1)),
            sheet.key())
        .orElseThrow();
  }

  void save(Sheet sheet, ObjectNode layout) {
    sql.update("UPDATE sheet SET layout = ? WHERE key = ?", layout.toString(), sheet.key());
  }

  /** The API's {@code NamedRange}s. The caller may change them and then save them. */
  ArrayNode namedRanges() {
    return sql.first(
            "SELECT named_ranges FROM spreadsheet WHERE id = ?",
            row -> Json.readArray(row.getString(1)),
            spreadsheetId)
        .orElseThrow();
  }

  void saveNamedRanges(ArrayNode ranges) {
    sql.update(
        "UPDATE spreadsheet SET named_ranges = ? WHERE id = ?", ranges.toString(), spreadsheetId);
  }

  /** The sizes and the hidden rows or columns in a sheet's layout. */
  static Stretches dimensions(ObjectNode layout, Dimension dimension) {
    return Stretches.fromJson(layout.path(dimension.name()));
  }

  /** Moves everything that is bound to rows or columns of a sheet. */
  void shift(Sheet sheet, Dimension dimension, Shift shift) {
    ObjectNode layout = of(sheet);
    if (!layout.isEmpty()) {
      Stretches dimensions = dimensions(layout, dimension);
      dimensions.shift(shift);
      layout.set(dimension.name(), dimensions.toJson());
      if (layout.has(FILTER) && !moved(layout.get(FILTER), dimension, shift)) {
        layout.remove(FILTER);
      }
      keepMoved(layout.path(PROTECTED), dimension, shift);
      save(sheet, layout);
    }
    ArrayNode named = namedRanges();
    if (!named.isEmpty()) {
      keepMoved(named, sheet, dimension, shift);
      saveNamedRanges(named);
    }
  }

  /** Deletes the named ranges of a deleted sheet. */
  void forget(Sheet sheet) {
    ArrayNode named = namedRanges();
    if (!named.isEmpty()) {
      removeIf(named, range -> isOn(range, sheet));
      saveNamedRanges(named);
    }
  }

  /** Copies the layout of another sheet. */
  void copy(ObjectNode layout, Sheet to) {
    ObjectNode copy = layout.deepCopy();
    if (copy.path(FILTER).get("range") instanceof ObjectNode range) {
      range.put("sheetId", to.sheetId());
    }
    for (JsonNode each : copy.path(PROTECTED)) {
      ((ObjectNode) each).put("protectedRangeId", Ids.random());
      ((ObjectNode) each.get("range")).put("sheetId", to.sheetId());
    }
    save(to, copy);
  }

  private static void keepMoved(JsonNode ranges, Dimension dimension, Shift shift) {
    if (ranges instanceof ArrayNode array) {
      removeIf(array, range -> !moved(range, dimension, shift));
    }
  }

  private static void keepMoved(ArrayNode ranges, Sheet sheet, Dimension dimension, Shift shift) {
    removeIf(ranges, range -> isOn(range, sheet) && !moved(range, dimension, shift));
  }

  private static void removeIf(ArrayNode array, Predicate<JsonNode> test) {
    for (int i = array.size() - 1; i >= 0; i--) {
      if (test.test(array.get(i))) {
        array.remove(i);
      }
    }
  }

  private static boolean isOn(JsonNode holder, Sheet sheet) {
    return holder.path("range").path("sheetId").asInt() == sheet.sheetId();
  }

  /** Moves the range of a holder; false when nothing of the range is left. */
  private static boolean moved(JsonNode holder, Dimension dimension, Shift shift) {
    ObjectNode range = (ObjectNode) holder.get("range");
    String word = dimension == Dimension.ROWS ? "Row" : "Column";
    String startField = "start" + word + "Index";
    String endField = "end" + word + "Index";
    Optional<Stretch> after =
        shift.of(
            new Stretch(
                range.path(startField).asInt(0), range.path(endField).asInt(GridRange.OPEN)));
    after.ifPresent(stretch -> {
      if (range.has(startField) || stretch.start() > 0) {
        range.put(startField, stretch.start());
      }
      if (stretch.end() != GridRange.OPEN) {
        range.put(endField, stretch.end());
      }
    });
    return after.isPresent();
  }
}
