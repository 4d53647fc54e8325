package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;
import java.util.ArrayList;
import java.util.List;

/** The API's {@code DataFilter}s: ranges by A1 notation or by numbers. */
final class DataFilters {
  private DataFilters() {}

  /** The range that each filter selects, in order. */
  static List<Place> places(OpenSpreadsheet spreadsheet, JsonNode filters) {
    List<Place> places = new ArrayList<>();
    for (int i = 0; i < filters.size(); i++) {
      try {
        places.add(place(spreadsheet, filters.get(i)));
      } catch (SheetsException e) {
        throw e.within("dataFilters[" + i + "]");
      }
    }
    return places;
  }

  /**
   * The range that one filter selects.
   *
   * @throws SheetsException when it does not have exactly one range, or selects by developer
   *     metadata
   */
  static Place place(OpenSpreadsheet spreadsheet, JsonNode filter) {
    if (filter.has("developerMetadataLookup")) {
      throw SheetsException.unsupported("developer metadata");
    }
    if (filter.has("a1Range") == filter.has("gridRange")) {
      throw SheetsException.invalid("Exactly one of 'a1Range' and 'gridRange' must be set.");
    }
    return filter.has("a1Range")
        ? spreadsheet.place(filter.get("a1Range").asText())
        : spreadsheet.grid(filter.get("gridRange"));
  }
}
