package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * The method {@code spreadsheets.batchUpdate}: runs requests in order in one transaction. The first
 * refused request rolls back the whole batch.
 */
final class BatchUpdate {
  /** Maps the kind of a request to the code that runs it and makes its reply. */
  private final Map<String, UnaryOperator<ObjectNode>> kinds;

  private final OpenSpreadsheet spreadsheet;

  BatchUpdate(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
    SheetRequests sheets = new SheetRequests(spreadsheet);
    CellRequests cells = new CellRequests(spreadsheet);
    FormatRequests formats = new FormatRequests(spreadsheet);
    CopyRequests copies = new CopyRequests(spreadsheet);
    RangeRequests ranges = new RangeRequests(spreadsheet);
    DimensionRequests dimensions = new DimensionRequests(spreadsheet);
    DimensionPropertyRequests sizes = new DimensionPropertyRequests(spreadsheet);
    LayoutRequests layout = new LayoutRequests(spreadsheet);
    this.kinds =
        Map.ofEntries(
            entry("addSheet", sheets::addSheet),
            entry("deleteSheet", sheets::deleteSheet),
            entry("duplicateSheet", new SheetCopies(spreadsheet)::duplicateSheet),
            entry("updateSheetProperties", sheets::updateSheetProperties),
            entry("updateSpreadsheetProperties", sheets::updateSpreadsheetProperties),
            entry("appendCells", cells::appendCells),
            entry("updateCells", cells::updateCells),
            entry("repeatCell", formats::repeatCell),
            entry("setDataValidation", formats::setDataValidation),
            entry("copyPaste", copies::copyPaste),
            entry("cutPaste", copies::cutPaste),
            entry("insertRange", ranges::insertRange),
            entry("deleteRange", ranges::deleteRange),
            entry("findReplace", new FindReplaceRequests(spreadsheet)::findReplace),
            entry("sortRange", new SortRequests(spreadsheet)::sortRange),
            entry("insertDimension", dimensions::insertDimension),
            entry("deleteDimension", dimensions::deleteDimension),
            entry("appendDimension", dimensions::appendDimension),
            entry("moveDimension", dimensions::moveDimension),
            entry("updateDimensionProperties", sizes::updateDimensionProperties),
            entry("autoResizeDimensions", sizes::autoResizeDimensions),
            entry("setBasicFilter", layout::setBasicFilter),
            entry("clearBasicFilter", layout::clearBasicFilter),
            entry("addNamedRange", layout::addNamedRange),
            entry("deleteNamedRange", layout::deleteNamedRange),
            entry("addProtectedRange", layout::addProtectedRange),
            entry("deleteProtectedRange", layout::deleteProtectedRange));
  }

  /**
   * Runs a batch.
   *
   * @param body the API's {@code BatchUpdateSpreadsheetRequest}
   * @return its response, without the updated spreadsheet
   * @throws SheetsException when a request is refused; the message names that request, and the
   *     caller rolls back
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

  private static Map.Entry<String, UnaryOperator<ObjectNode>> entry(
      String kind, UnaryOperator<ObjectNode> action) {
    return Map.entry(kind, action);
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
        throw SheetsException.unsupported("this request");
      }
      return action.apply(request.get(kind) instanceof ObjectNode body ? body : Json.object());
    } catch (SheetsException e) {
      throw e.within(named);
    }
  }
}
