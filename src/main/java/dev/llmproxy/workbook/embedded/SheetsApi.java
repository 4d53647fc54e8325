package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.TokenBuffer;
import com.google.api.client.util.GenericData;
import com.google.api.services.sheets.v4.model.AppendValuesResponse;
import com.google.api.services.sheets.v4.model.BatchClearValuesByDataFilterRequest;
import com.google.api.services.sheets.v4.model.BatchClearValuesByDataFilterResponse;
import com.google.api.services.sheets.v4.model.BatchClearValuesRequest;
import com.google.api.services.sheets.v4.model.BatchClearValuesResponse;
import com.google.api.services.sheets.v4.model.BatchGetValuesByDataFilterRequest;
import com.google.api.services.sheets.v4.model.BatchGetValuesByDataFilterResponse;
import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetResponse;
import com.google.api.services.sheets.v4.model.BatchUpdateValuesByDataFilterRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateValuesByDataFilterResponse;
import com.google.api.services.sheets.v4.model.BatchUpdateValuesRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateValuesResponse;
import com.google.api.services.sheets.v4.model.ClearValuesRequest;
import com.google.api.services.sheets.v4.model.ClearValuesResponse;
import com.google.api.services.sheets.v4.model.CopySheetToAnotherSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.GetSpreadsheetByDataFilterRequest;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import com.google.api.services.sheets.v4.model.UpdateValuesResponse;
import com.google.api.services.sheets.v4.model.ValueRange;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The table of methods: maps addresses to methods, with Google's types. */
final class SheetsApi {
  private static final String SPREADSHEET = "/([^/:]+)";
  private static final String VALUES = SPREADSHEET + "/values";

  private final WorkbookDatabase database;
  private final String rootUrl;
  private final SheetsQuota quota;

  /** The first match wins, so {@code :append} comes before a bare range. */
  private final List<Endpoint> endpoints =
      List.of(
          write("POST", "", Spreadsheet.class, Spreadsheet.class, this::create),
          read("GET", SPREADSHEET, Spreadsheet.class, this::get),
          write(
              "POST",
              SPREADSHEET + ":batchUpdate",
              BatchUpdateSpreadsheetRequest.class,
              BatchUpdateSpreadsheetResponse.class,
              this::batchUpdate),
          read(
              "POST",
              SPREADSHEET + ":getByDataFilter",
              GetSpreadsheetByDataFilterRequest.class,
              Spreadsheet.class,
              this::getByDataFilter),
          write(
              "POST",
              SPREADSHEET + "/sheets/([^/:]+):copyTo",
              CopySheetToAnotherSpreadsheetRequest.class,
              SheetProperties.class,
              SheetsApi::copyTo),
          read(
              "POST",
              VALUES + ":batchGetByDataFilter",
              BatchGetValuesByDataFilterRequest.class,
              BatchGetValuesByDataFilterResponse.class,
              (call, out) -> call.values().batchGetByDataFilter(call.body(), out)),
          write(
              "POST",
              VALUES + ":batchUpdateByDataFilter",
              BatchUpdateValuesByDataFilterRequest.class,
              BatchUpdateValuesByDataFilterResponse.class,
              call -> call.values().batchUpdateByDataFilter(call.body())),
          write(
              "POST",
              VALUES + ":batchClearByDataFilter",
              BatchClearValuesByDataFilterRequest.class,
              BatchClearValuesByDataFilterResponse.class,
              call -> call.values().batchClearByDataFilter(call.body())),
          read(
              "GET",
              VALUES + ":batchGet",
              BatchGetValuesResponse.class,
              (call, out) -> call.values().batchGet(call.parameters(), out)),
          write(
              "POST",
              VALUES + ":batchUpdate",
              BatchUpdateValuesRequest.class,
              BatchUpdateValuesResponse.class,
              call -> call.values().batchUpdate(call.body())),
          write(
              "POST",
              VALUES + ":batchClear",
              BatchClearValuesRequest.class,
              BatchClearValuesResponse.class,
              call -> call.values().batchClear(call.body())),
          write(
              "POST",
              VALUES + "/(.+):append",
              ValueRange.class,
              AppendValuesResponse.class,
              call -> call.values().append(call.range(), call.parameters(), call.body())),
          write(
              "POST",
              VALUES + "/(.+):clear",
              ClearValuesRequest.class,
              ClearValuesResponse.class,
              call -> call.values().clear(call.range())),
          read(
              "GET",
              VALUES + "/(.+)",
              ValueRange.class,
              (call, out) -> call.values().get(call.range(), call.parameters(), out)),
          write(
              "PUT",
              VALUES + "/(.+)",
              ValueRange.class,
              UpdateValuesResponse.class,
              call -> call.values().update(call.range(), call.parameters(), call.body())));

  SheetsApi(WorkbookDatabase database, String rootUrl, SheetsQuota quota) {
    this.database = database;
    this.quota = quota;
    this.rootUrl = rootUrl;
  }

  /** The destination of an answer. An answer may be long and is not held in memory. */
  interface Answer {
    /** Begins the answer; nothing is sent before this call. */
    JsonGenerator begin(FieldsMask mask) throws IOException;
  }

  /**
   * Runs a request.
   *
   * @param path still percent-encoded
   * @throws SheetsException when the request is refused
   * @throws IOException when the answer cannot be sent; a write is on disk nevertheless
   */
  void handle(String method, String path, Parameters parameters, ObjectNode body, Answer answer)
      throws IOException {
    for (Endpoint endpoint : endpoints) {
      Matcher matcher = endpoint.path().matcher(path);
      if (endpoint.method().equals(method) && matcher.matches()) {
        quota.take(endpoint.reading() != null);
        FieldsMask mask = mask(parameters, endpoint.response());
        GoogleModel.check(body, endpoint.request());
        handle(endpoint, Call.of(matcher, parameters, body), mask, answer);
        return;
      }
    }
    throw SheetsException.notFound("The embedded workbook has no method " + method + " " + path);
  }

  private void handle(Endpoint endpoint, Call call, FieldsMask mask, Answer answer)
      throws IOException {
    try {
      if (endpoint.writing() == null) {
        database.read(sql -> stream(endpoint.reading(), call.on(sql), mask, answer));
      } else {
        ObjectNode response = database.write(sql -> endpoint.writing().run(call.on(sql)));
        send((transaction, out) -> out.writeTree(response), call, mask, answer);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static void stream(Reading reading, Call call, FieldsMask mask, Answer answer) {
    try {
      send(reading, call, mask, answer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void send(Reading reading, Call call, FieldsMask mask, Answer answer)
      throws IOException {
    // No try-with-resources: closing after a failure would make half an answer look complete.
    JsonGenerator out = answer.begin(mask);
    reading.run(call, out);
    out.close();
  }

  private static FieldsMask mask(Parameters parameters, Class<? extends GenericData> response) {
    String fields = parameters.nonBlank("fields");
    if (fields == null) {
      return FieldsMask.EVERYTHING;
    }
    FieldsMask mask = FieldsMask.parse(fields);
    GoogleModel.check(mask, response);
    return mask;
  }

  private void get(Call call, JsonGenerator out) throws IOException {
    String fields = call.parameters().nonBlank("fields");
    // As Google documents, includeGridData is ignored if there is a mask.
    boolean withCells =
        fields == null
            ? call.parameters().isTrue("includeGridData")
            : FieldsMask.parse(fields).includes("sheets", "data");
    new SpreadsheetWriter(call.spreadsheet(), rootUrl)
        .write(call.parameters().all("ranges"), withCells, out);
  }

  private void getByDataFilter(Call call, JsonGenerator out) throws IOException {
    String fields = call.parameters().nonBlank("fields");
    boolean withCells =
        fields == null
            ? call.body().path("includeGridData").asBoolean()
            : FieldsMask.parse(fields).includes("sheets", "data");
    OpenSpreadsheet spreadsheet = call.spreadsheet();
    new SpreadsheetWriter(spreadsheet, rootUrl)
        .writePlaces(
            DataFilters.places(spreadsheet, call.body().path("dataFilters")), withCells, out);
  }

  private static ObjectNode copyTo(Call call) {
    String destination = call.body().path("destinationSpreadsheetId").asText();
    return new SheetCopies(call.spreadsheet())
        .copyTo(call.range(), OpenSpreadsheet.find(call.sql(), destination));
  }

  private ObjectNode create(Call call) {
    OpenSpreadsheet created = SpreadsheetFactory.create(call.sql(), call.body());
    return spreadsheetJson(created, List.of(), false);
  }

  private ObjectNode batchUpdate(Call call) {
    OpenSpreadsheet spreadsheet = call.spreadsheet();
    ObjectNode response = new BatchUpdate(spreadsheet).run(call.body());
    if (call.body().path("includeSpreadsheetInResponse").asBoolean()) {
      List<String> ranges = new ArrayList<>();
      call.body().path("responseRanges").forEach(range -> ranges.add(range.asText()));
      boolean withCells = call.body().path("responseIncludeGridData").asBoolean();
      response.set("updatedSpreadsheet", spreadsheetJson(spreadsheet, ranges, withCells));
    }
    return response;
  }

  private ObjectNode spreadsheetJson(
      OpenSpreadsheet spreadsheet, List<String> ranges, boolean withCells) {
    try (TokenBuffer buffer = new TokenBuffer(Json.MAPPER, false)) {
      new SpreadsheetWriter(spreadsheet, rootUrl).write(ranges, withCells, buffer);
      return Json.MAPPER.readTree(buffer.asParser());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Endpoint read(
      String method, String path, Class<? extends GenericData> response, Reading reading) {
    return read(method, path, GenericData.class, response, reading);
  }

  private static Endpoint read(
      String method,
      String path,
      Class<? extends GenericData> request,
      Class<? extends GenericData> response,
      Reading reading) {
    return new Endpoint(method, pattern(path), request, response, reading, null);
  }

  private static Endpoint write(
      String method,
      String path,
      Class<? extends GenericData> request,
      Class<? extends GenericData> response,
      Writing writing) {
    return new Endpoint(method, pattern(path), request, response, null, writing);
  }

  private static Pattern pattern(String path) {
    return Pattern.compile("/v4/spreadsheets" + path);
  }

  /** A method that only reads, and writes its answer while it reads. */
  @FunctionalInterface
  private interface Reading {
    void run(Call call, JsonGenerator out) throws IOException;
  }

  /** A method that makes changes; its answer is sent after the commit. */
  @FunctionalInterface
  private interface Writing {
    ObjectNode run(Call call);
  }

  /** One row of the table; exactly one of reading and writing is set. */
  private record Endpoint(
      String method,
      Pattern path,
      Class<? extends GenericData> request,
      Class<? extends GenericData> response,
      Reading reading,
      Writing writing) {}

  /**
   * One request.
   *
   * @param sql null until its transaction has begun
   * @param spreadsheetId null for {@code create}
   * @param range the range or the sheet's id in the path; null when the path has neither
   */
  private record Call(
      Sql sql, String spreadsheetId, String range, Parameters parameters, ObjectNode body) {
    static Call of(Matcher path, Parameters parameters, ObjectNode body) {
      return new Call(null, group(path, 1), group(path, 2), parameters, body);
    }

    private static String group(Matcher path, int number) {
      return number > path.groupCount() ? null : Parameters.decodePath(path.group(number));
    }

    Call on(Sql transaction) {
      return new Call(transaction, spreadsheetId, range, parameters, body);
    }

    OpenSpreadsheet spreadsheet() {
      return OpenSpreadsheet.find(sql, spreadsheetId);
    }

    ValuesMethods values() {
      return new ValuesMethods(spreadsheet());
    }
  }
}
