package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** The request of a batch that replaces text in cells. */
final class FindReplaceRequests {
  private final OpenSpreadsheet spreadsheet;

  FindReplaceRequests(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  /** A changed cell is parsed as if the new text had been typed, as in the grid. */
  ObjectNode findReplace(ObjectNode request) {
    Search search = Search.of(request);
    ObjectNode counts = Json.object();
    for (Place place : places(request)) {
      int[] changedRows = {0};
      spreadsheet
          .rows()
          .scan(
              place.sheet(),
              place.asked().startRow(),
              place.asked().endRow(),
              (row, cells) -> {
                if (replace(cells, place.asked(), search, counts)) {
                  spreadsheet.rows().put(place.sheet(), row, cells);
                  changedRows[0]++;
                }
              });
      add(counts, "rowsChanged", changedRows[0]);
      add(counts, "sheetsChanged", changedRows[0] > 0 ? 1 : 0);
    }
    ObjectNode reply = Json.object();
    reply.set("findReplace", counts);
    return reply;
  }

  private List<Place> places(ObjectNode request) {
    boolean all = request.path("allSheets").asBoolean();
    int scopes = (all ? 1 : 0) + (request.has("range") ? 1 : 0) + (request.has("sheetId") ? 1 : 0);
    if (scopes != 1) {
      throw SheetsException.invalid("Exactly one of range, sheetId and allSheets must be set.");
    }
    if (all) {
      return spreadsheet.sheets().all().stream()
          .map(sheet -> new Place(sheet, sheet.clip(GridRange.WHOLE_SHEET)))
          .toList();
    }
    return List.of(
        spreadsheet.grid(
            request.has("range")
                ? request.get("range")
                : Json.object().set("sheetId", request.get("sheetId"))));
  }

  private static boolean replace(
      ArrayNode cells, GridRange range, Search search, ObjectNode counts) {
    boolean changed = false;
    for (int column = range.startColumn();
        column < Math.min(range.endColumn(), cells.size());
        column++) {
      JsonNode cell = cells.get(column);
      boolean formula = Cell.isFormula(cell);
      Matcher matcher = search.pattern().matcher(ValueRender.FORMATTED_VALUE.render(cell).asText());
      int found = formula && !search.formulas() ? 0 : (int) matcher.results().count();
      if (found > 0) {
        String text = matcher.reset().replaceAll(search.replacement());
        JsonNode typed = ValueInput.USER_ENTERED.toCell(Json.MAPPER.valueToTree(text));
        cells.set(column, Cell.withValue(cell, typed));
        add(counts, formula ? "formulasChanged" : "valuesChanged", 1);
        add(counts, "occurrencesChanged", found);
        changed = true;
      }
    }
    return changed;
  }

  private static void add(ObjectNode counts, String name, int count) {
    if (count > 0) {
      counts.put(name, counts.path(name).asInt() + count);
    }
  }

  /**
   * The text to find, its replacement, and the kind of cells to search.
   *
   * @param replacement for {@link Matcher#replaceAll(String)}
   * @param formulas whether to search formulas too
   */
  private record Search(Pattern pattern, String replacement, boolean formulas) {
    static Search of(ObjectNode request) {
      String find = request.path("find").asText();
      if (find.isEmpty()) {
        throw SheetsException.invalid("The text to find must not be empty.");
      }
      boolean regex = request.path("searchByRegex").asBoolean();
      boolean entire = request.path("matchEntireCell").asBoolean();
      boolean matchCase = request.path("matchCase").asBoolean();
      String sought = regex ? find : Pattern.quote(find);
      String replacement = request.path("replacement").asText();
      int flags = matchCase ? 0 : Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE;
      try {
        return new Search(
            Pattern.compile(entire ? "\\A(?:" + sought + ")\\z" : sought, flags),
            regex ? replacement : Matcher.quoteReplacement(replacement),
            request.path("includeFormulas").asBoolean());
      } catch (PatternSyntaxException e) {
        throw SheetsException.invalid("Invalid regular expression: " + e.getDescription());
      }
    }
  }
}
