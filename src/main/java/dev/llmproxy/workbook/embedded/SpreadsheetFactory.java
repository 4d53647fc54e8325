package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.security.SecureRandom;
import java.util.Base64;

/**
 * Creates spreadsheets for {@code spreadsheets.create}, with one sheet unless the request lists
 * others.
 */
final class SpreadsheetFactory {
  private static final int ID_BYTES = 33; // 44 characters, the length of Google's ids
  private static final SecureRandom RANDOM = new SecureRandom();

  private SpreadsheetFactory() {}

  /**
   * Creates a spreadsheet with a random id.
   *
   * @param wanted the API's {@code Spreadsheet}: properties, sheets and their cells
   */
  static OpenSpreadsheet create(Sql sql, ObjectNode wanted) {
    byte[] id = new byte[ID_BYTES];
    RANDOM.nextBytes(id);
    return create(sql, Base64.getUrlEncoder().withoutPadding().encodeToString(id), wanted);
  }

  /** Creates a spreadsheet with the given id, which must be unused. */
  static OpenSpreadsheet create(Sql sql, String id, ObjectNode wanted) {
    ObjectNode properties =
        Json.object()
            .put("title", "Untitled spreadsheet")
            .put("locale", "en_US")
            .put("autoRecalc", "ON_CHANGE")
            .put("timeZone", "Etc/GMT");
    if (wanted.get("properties") instanceof ObjectNode given) {
      properties.setAll(given);
    }
    OpenSpreadsheet spreadsheet = OpenSpreadsheet.create(sql, id, properties);
    if (wanted.path("sheets").isEmpty()) {
      spreadsheet.sheets().add(Json.object().put("sheetId", 0).put("title", "Sheet1"));
    }
    int number = 0;
    for (JsonNode sheet : wanted.path("sheets")) {
      try {
        addSheet(spreadsheet, sheet);
      } catch (SheetsException e) {
        throw e.within("sheets[" + number + "]");
      }
      number++;
    }
    return spreadsheet;
  }

  private static void addSheet(OpenSpreadsheet spreadsheet, JsonNode wanted) {
    ObjectNode properties =
        wanted.get("properties") instanceof ObjectNode given ? given : Json.object();
    Sheet sheet = spreadsheet.sheets().add(properties);
    CellRequests cells = new CellRequests(spreadsheet);
    for (JsonNode data : wanted.path("data")) {
      cells.write(
          sheet,
          data.path("startRow").asInt(),
          data.path("startColumn").asInt(),
          data.path("rowData"),
          FieldsMask.EVERYTHING);
    }
  }
}
