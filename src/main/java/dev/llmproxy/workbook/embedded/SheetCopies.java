package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** Copies whole sheets, within a spreadsheet and to another. */
final class SheetCopies {
  private final OpenSpreadsheet spreadsheet;

  SheetCopies(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  /**
   * The request {@code duplicateSheet} of a batch. Without an index in the request, the copy
   * becomes the first sheet.
   */
  ObjectNode duplicateSheet(ObjectNode request) {
    Sheet source = sheet(request.path("sourceSheetId"));
    ObjectNode properties = source.properties().deepCopy();
    properties.put("index", request.path("insertSheetIndex").asInt());
    properties.put(
        "title",
        request.hasNonNull("newSheetName")
            ? request.get("newSheetName").asText()
            : spreadsheet.sheets().titleOfCopy(source.title()));
    properties.set("sheetId", request.get("newSheetId"));
    ObjectNode reply = Json.object();
    reply.putObject("duplicateSheet").set("properties", copy(source, spreadsheet, properties));
    return reply;
  }

  /**
   * The method {@code spreadsheets.sheets.copyTo}.
   *
   * @return the API's {@code SheetProperties} of the copy, which is the destination's last sheet
   */
  ObjectNode copyTo(String sheetId, OpenSpreadsheet destination) {
    Sheet source = sheet(Json.MAPPER.valueToTree(Parameters.integer("sheetId", sheetId)));
    ObjectNode properties = source.properties().deepCopy();
    properties.remove("index");
    properties.remove("sheetId");
    properties.put("title", destination.sheets().titleOfCopy(source.title()));
    return copy(source, destination, properties);
  }

  private ObjectNode copy(Sheet source, OpenSpreadsheet destination, ObjectNode properties) {
    Sheet copy = destination.sheets().add(properties);
    spreadsheet.rows().copyAll(source, copy);
    destination.layout().copy(spreadsheet.layout().of(source), copy);
    return copy.properties();
  }

  private Sheet sheet(JsonNode sheetId) {
    return spreadsheet
        .sheets()
        .withId(sheetId.asInt())
        .orElseThrow(() -> SheetsException.invalid("No sheet with id: " + sheetId.asInt()));
  }
}
