package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * The method {@code spreadsheets.batchUpdate}: runs requests one after the other in one
 * transaction, which the first refused one undoes as a whole.
 */
final class BatchUpdate {
  /** Kind of request → what runs it and makes its reply. */
  private final Map<String, UnaryOperator<ObjectNode>> kinds;

  private final OpenSpreadsheet spreadsheet;

  BatchUpdate(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
    SheetRequests sheets = new SheetRequests(spreadsheet);
    CellRequests cells = new CellRequests(spreadsheet);
    DimensionRequests dimensions = new DimensionRequests(spreadsheet);
    this.kinds =
        Map.of(
            "addSheet", sheets::addSheet,
            "deleteSheet", sheets::deleteSheet,
            "updateSheetProperties", sheets::updateSheetProperties,
            "appendCells", cells::appendCells,
            "updateCells", cells::updateCells,
            "insertDimension", dimensions::insertDimension,
            "deleteDimension", dimensions::deleteDimension,
            "appendDimension", dimensions::appendDimension,
            "sortRange", new SortRequests(spreadsheet)::sortRange);
  }

  /**
   * Runs a batch.
   *
   * @param body the API's {@code BatchUpdateSpreadsheetRequest}
   * @return its response, without the updated spreadsheet
   * @throws SheetsException naming the first request that is refused; the caller rolls back
   */
  ObjectNode run(ObjectNode body) {
    JsonNode requests = body.path("requests");
    if (requests.isEmpty()) {
      throw SheetsException.invalid("Must specify at least one request.");
    }
    ObjectNode response = Json.object().put("spreadsheetId", spreadsheet.id());
    ArrayNode replies = response.putArray("replies");
    for (int i = 0; i < requests.size(); i++) {
      replies.add(run(requests.get(i), "requests[" + i + "]"));
    }
    return response;
  }

  private ObjectNode run(JsonNode request, String place) {
    if (request.size() != 1) {
      throw SheetsException.invalid(
          "Invalid %s: exactly one kind of request must be set.".formatted(place));
    }
    String kind = request.fieldNames().next();
    String named = place + "." + kind;
    UnaryOperator<ObjectNode> action = kinds.get(kind);
    try {
      if (action == null) {
        throw SheetsException.invalid("The embedded workbook does not support this request.");
      }
      return action.apply(request.get(kind) instanceof ObjectNode body ? body : Json.object());
    } catch (SheetsException e) {
      throw e.within(named);
    }
  }
}
