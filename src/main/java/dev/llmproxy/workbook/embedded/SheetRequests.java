package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.SpreadsheetProperties;

/** Requests of a batch about whole sheets, and about the spreadsheet's properties. */
final class SheetRequests {
  private final OpenSpreadsheet spreadsheet;

  SheetRequests(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  ObjectNode addSheet(ObjectNode request) {
    ObjectNode wanted =
        request.get("properties") instanceof ObjectNode given ? given : Json.object();
    Sheet sheet = spreadsheet.sheets().add(wanted);
    ObjectNode reply = Json.object();
    reply.putObject("addSheet").set("properties", sheet.properties());
    return reply;
  }

  ObjectNode deleteSheet(ObjectNode request) {
    Sheet sheet = sheet(request);
    if (spreadsheet.sheets().all().size() == 1) {
      throw SheetsException.invalid("You can't remove all the sheets in a document.");
    }
    spreadsheet.rows().delete(sheet, 0, sheet.rowCount());
    spreadsheet.layout().forget(sheet);
    spreadsheet.sheets().delete(sheet);
    return Json.object();
  }

  ObjectNode updateSheetProperties(ObjectNode request) {
    FieldsMask mask = FieldsMask.parseRequired(request);
    GoogleModel.check(mask, SheetProperties.class);
    ObjectNode given =
        request.get("properties") instanceof ObjectNode object ? object : Json.object();
    Sheet sheet = sheet(given);
    ObjectNode properties = sheet.properties().deepCopy();
    mask.copy(given, properties);
    restoreRequired(sheet, properties);
    Sheet saved = spreadsheet.sheets().save(sheet, properties);
    deleteCellsOutside(sheet, saved);
    boolean moved = given.has("index") && mask.includes("index");
    if (moved) {
      spreadsheet.sheets().move(saved, given.get("index").asInt());
    }
    return Json.object();
  }

  ObjectNode updateSpreadsheetProperties(ObjectNode request) {
    FieldsMask mask = FieldsMask.parseRequired(request);
    GoogleModel.check(mask, SpreadsheetProperties.class);
    ObjectNode given =
        request.get("properties") instanceof ObjectNode object ? object : Json.object();
    ObjectNode properties = spreadsheet.properties();
    mask.copy(given, properties);
    spreadsheet
        .properties()
        .properties()
        .forEach(old -> {
          // Every property is required: one that the mask selects and the request lacks stays
          // unchanged.
          if (!properties.has(old.getKey())) {
            properties.set(old.getKey(), old.getValue());
          }
        });
    spreadsheet.save(properties);
    return Json.object();
  }

  /** Restores the required properties, which a mask of {@code *} may have removed. */
  private static void restoreRequired(Sheet sheet, ObjectNode properties) {
    properties.put("sheetId", sheet.sheetId());
    properties.put("index", sheet.index());
    properties.put("sheetType", "GRID");
    if (!properties.has("title")) {
      properties.put("title", sheet.title());
    }
    ObjectNode grid = properties.withObject("gridProperties");
    for (Dimension dimension : Dimension.values()) {
      if (!grid.has(dimension.countField())) {
        grid.put(dimension.countField(), sheet.count(dimension));
      }
    }
  }

  /** Deletes the cells outside a grid that has become smaller. */
  private void deleteCellsOutside(Sheet before, Sheet after) {
    for (Dimension dimension : Dimension.values()) {
      int count = after.count(dimension);
      if (count < before.count(dimension)) {
        spreadsheet.layout().shift(after, dimension, Shift.delete(count, GridRange.OPEN));
      }
    }
    if (after.rowCount() < before.rowCount()) {
      spreadsheet.rows().delete(after, after.rowCount(), before.rowCount());
    }
    if (after.columnCount() < before.columnCount()) {
      spreadsheet
          .rows()
          .replaceAll(
              after,
              0,
              after.rowCount(),
              cells -> {
                while (cells.size() > after.columnCount()) {
                  cells.remove(cells.size() - 1);
                }
                return cells;
              });
    }
  }

  private Sheet sheet(JsonNode place) {
    int sheetId = place.path("sheetId").asInt();
    return spreadsheet
        .sheets()
        .withId(sheetId)
        .orElseThrow(() -> SheetsException.invalid("No sheet with id: " + sheetId));
  }
}
