package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.TokenBuffer;
import dev.llmproxy.workbook.embedded.OpenSpreadsheet.Place;
import dev.llmproxy.workbook.embedded.ValuesWriter.Written;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** The methods of {@code spreadsheets.values}. */
final class ValuesMethods {
  private final OpenSpreadsheet spreadsheet;
  private final ValuesWriter writer;

  ValuesMethods(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
    this.writer = new ValuesWriter(spreadsheet);
  }

  void get(String range, Parameters parameters, JsonGenerator out) throws IOException {
    reader(parameters).write(spreadsheet.place(range), out);
  }

  void batchGet(Parameters parameters, JsonGenerator out) throws IOException {
    // All ranges are looked up before the first byte is sent, while an error answer is still
    // possible.
    List<Place> places = parameters.all("ranges").stream().map(spreadsheet::place).toList();
    ValueRangeWriter reader = reader(parameters);
    out.writeStartObject();
    out.writeStringField("spreadsheetId", spreadsheet.id());
    out.writeArrayFieldStart("valueRanges");
    for (Place place : places) {
      reader.write(place, out);
    }
    out.writeEndArray();
    out.writeEndObject();
  }

  ObjectNode update(String range, Parameters parameters, ObjectNode body) {
    ValueInput input = ValueInput.parse(parameters.first("valueInputOption"));
    Place place = spreadsheet.place(range);
    if (body.hasNonNull("range") && !spreadsheet.place(body.get("range").asText()).equals(place)) {
      throw SheetsException.invalid(
          "The range of the address, %s, and of the body, %s, must be the same."
              .formatted(range, body.get("range").asText()));
    }
    Written written = writer.write(place, rows(body), input);
    ObjectNode response = writer.response(written, place);
    if (parameters.isTrue("includeValuesInResponse")) {
      response.set("updatedData", echo(written, parameters.first("responseValueRenderOption")));
    }
    return response;
  }

  ObjectNode batchUpdate(ObjectNode body) {
    return batchUpdate(
        body, data -> spreadsheet.place(data.path("range").asText()), (response, data) -> {});
  }

  /**
   * Writes each element of {@code data}.
   *
   * @param complete adds the fields of this kind of batch to the response for an element
   */
  private ObjectNode batchUpdate(
      ObjectNode body,
      Function<JsonNode, Place> placeOf,
      BiConsumer<ObjectNode, JsonNode> complete) {
    ValueInput input = ValueInput.parse(body.path("valueInputOption").asText(null));
    ObjectNode response = Json.object().put("spreadsheetId", spreadsheet.id());
    Totals totals = new Totals();
    ArrayNode responses = Json.array();
    int number = 0;
    for (JsonNode data : body.path("data")) {
      try {
        Place place = placeOf.apply(data);
        Written written = writer.write(place, rows(data), input);
        totals.add(written);
        ObjectNode one = writer.response(written, place);
        if (body.path("includeValuesInResponse").asBoolean()) {
          one.set(
              "updatedData", echo(written, body.path("responseValueRenderOption").asText(null)));
        }
        complete.accept(one, data);
        responses.add(one);
      } catch (SheetsException e) {
        throw e.within("data[" + number + "]");
      }
      number++;
    }
    totals.writeTo(response);
    response.set("responses", responses);
    return response;
  }

  void batchGetByDataFilter(ObjectNode body, JsonGenerator out) throws IOException {
    JsonNode filters = body.path("dataFilters");
    List<Place> places = DataFilters.places(spreadsheet, filters);
    ValueRangeWriter reader =
        reader(
            body.path("majorDimension").asText(null), body.path("valueRenderOption").asText(null));
    out.writeStartObject();
    out.writeStringField("spreadsheetId", spreadsheet.id());
    out.writeArrayFieldStart("valueRanges");
    for (int i = 0; i < places.size(); i++) {
      out.writeStartObject();
      out.writeFieldName("valueRange");
      reader.write(places.get(i), out);
      out.writeArrayFieldStart("dataFilters");
      out.writeTree(filters.get(i));
      out.writeEndArray();
      out.writeEndObject();
    }
    out.writeEndArray();
    out.writeEndObject();
  }

  ObjectNode batchUpdateByDataFilter(ObjectNode body) {
    return batchUpdate(
        body,
        data -> DataFilters.place(spreadsheet, data.path("dataFilter")),
        (response, data) -> {
          response.remove("spreadsheetId"); // each is an UpdateValuesByDataFilterResponse
          response.set("dataFilter", data.path("dataFilter"));
        });
  }

  ObjectNode batchClearByDataFilter(ObjectNode body) {
    return clear(DataFilters.places(spreadsheet, body.path("dataFilters")));
  }

  ObjectNode append(String range, Parameters parameters, ObjectNode body) {
    ValueInput input = ValueInput.parse(parameters.first("valueInputOption"));
    Place place = spreadsheet.place(range);
    Optional<GridRange> table = new TableFinder(spreadsheet.rows()).find(place);
    ArrayNode values = rows(body);
    Place target = appendTarget(place, table, values, parameters);
    Written written = writer.write(target, values, input);
    ObjectNode response = Json.object().put("spreadsheetId", spreadsheet.id());
    table.ifPresent(
        found -> response.put("tableRange", A1Range.format(place.sheet().title(), found)));
    ObjectNode updates = writer.response(written, target);
    if (parameters.isTrue("includeValuesInResponse")) {
      updates.set("updatedData", echo(written, parameters.first("responseValueRenderOption")));
    }
    response.set("updates", updates);
    return response;
  }

  ObjectNode clear(String range) {
    Place place = spreadsheet.place(range);
    writer.clear(place);
    return Json.object().put("spreadsheetId", spreadsheet.id()).put("clearedRange", place.a1());
  }

  ObjectNode batchClear(ObjectNode body) {
    List<Place> places = new ArrayList<>();
    body.path("ranges").forEach(range -> places.add(spreadsheet.place(range.asText())));
    return clear(places);
  }

  private ObjectNode clear(List<Place> places) {
    ObjectNode response = Json.object().put("spreadsheetId", spreadsheet.id());
    ArrayNode cleared = response.putArray("clearedRanges");
    for (Place place : places) {
      writer.clear(place);
      cleared.add(place.a1());
    }
    return response;
  }

  /** The cells to write to. The grid gets more rows if needed, as Google's does. */
  private Place appendTarget(
      Place place, Optional<GridRange> table, ArrayNode values, Parameters parameters) {
    int row = table.map(GridRange::endRow).orElse(place.asked().startRow());
    int column = table.map(GridRange::startColumn).orElse(place.asked().startColumn());
    Sheet sheet = place.sheet();
    GridRange target =
        GridRange.sized(
            row, column, Math.max(1, values.size()), Math.max(1, ValuesWriter.width(values)));
    boolean insert = "INSERT_ROWS".equals(parameters.first("insertDataOption"));
    if (insert && row < sheet.rowCount()) {
      spreadsheet.rows().shift(sheet, row, values.size());
      spreadsheet.layout().shift(sheet, Dimension.ROWS, Shift.insert(row, values.size()));
      sheet = spreadsheet.sheets().resize(sheet, Dimension.ROWS, sheet.rowCount() + values.size());
    }
    if (target.endRow() > sheet.rowCount()) {
      sheet = spreadsheet.sheets().resize(sheet, Dimension.ROWS, target.endRow());
    }
    return new Place(sheet, target);
  }

  private ValueRangeWriter reader(Parameters parameters) {
    return reader(parameters.first("majorDimension"), parameters.first("valueRenderOption"));
  }

  private ValueRangeWriter reader(String majorDimension, String renderOption) {
    return new ValueRangeWriter(
        spreadsheet.rows(), Dimension.parseMajor(majorDimension), ValueRender.parse(renderOption));
  }

  private static ArrayNode rows(JsonNode valueRange) {
    Dimension major = Dimension.parseMajor(valueRange.path("majorDimension").asText(null));
    return ValuesWriter.toRows(valueRange.path("values"), major);
  }

  /** The written values, read back. */
  private JsonNode echo(Written written, String renderOption) {
    if (written.isEmpty()) {
      return Json.object();
    }
    try (TokenBuffer buffer = new TokenBuffer(Json.MAPPER, false)) {
      new ValueRangeWriter(spreadsheet.rows(), Dimension.ROWS, ValueRender.parse(renderOption))
          .write(written.place(), buffer);
      return Json.MAPPER.readTree(buffer.asParser());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sums over the ranges of one {@code batchUpdate}. */
  private static final class Totals {
    private final Set<Integer> sheets = new HashSet<>();
    private int rows;
    private int columns;
    private int cells;

    void add(Written written) {
      if (!written.isEmpty()) {
        sheets.add(written.sheet().sheetId());
        rows += written.range().rows();
        columns += written.range().columns();
        cells += written.cells();
      }
    }

    void writeTo(ObjectNode response) {
      if (!sheets.isEmpty()) {
        response
            .put("totalUpdatedRows", rows)
            .put("totalUpdatedColumns", columns)
            .put("totalUpdatedCells", cells)
            .put("totalUpdatedSheets", sheets.size());
      }
    }
  }
}
