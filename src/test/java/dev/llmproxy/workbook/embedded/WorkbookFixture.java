package dev.llmproxy.workbook.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.api.client.googleapis.json.GoogleJsonResponseException;
import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.api.client.json.gson.GsonFactory;
import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetResponse;
import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.ExtendedValue;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.ValueRange;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Google's Java client on an embedded workbook, with helpers for tests. */
final class WorkbookFixture {
  static final String ID = EmbeddedWorkbook.SPREADSHEET_ID;

  final Sheets sheets;

  WorkbookFixture(EmbeddedWorkbook workbook) {
    this(workbook.rootUrl());
  }

  WorkbookFixture(String rootUrl) {
    this.sheets =
        new Sheets.Builder(new NetHttpTransport(), GsonFactory.getDefaultInstance(), null)
            .setRootUrl(rootUrl)
            .setApplicationName("test")
            .build();
  }

  BatchUpdateSpreadsheetResponse batch(Request... requests) throws IOException {
    var body = new BatchUpdateSpreadsheetRequest().setRequests(List.of(requests));
    return sheets.spreadsheets().batchUpdate(ID, body).execute();
  }

  void update(String range, List<List<Object>> values) throws IOException {
    sheets
        .spreadsheets()
        .values()
        .update(ID, range, new ValueRange().setValues(values))
        .setValueInputOption("RAW")
        .execute();
  }

  /** The values of a range, unformatted; null when it is blank. */
  List<List<Object>> values(String range) throws IOException {
    return sheets
        .spreadsheets()
        .values()
        .get(ID, range)
        .setValueRenderOption("UNFORMATTED_VALUE")
        .execute()
        .getValues();
  }

  /** A row of cells with text, numbers and booleans; null leaves a cell blank. */
  static RowData row(Object... values) {
    return new RowData().setValues(Arrays.stream(values).map(WorkbookFixture::cell).toList());
  }

  private static CellData cell(Object value) {
    ExtendedValue entered = new ExtendedValue();
    switch (value) {
      case null -> {
        return new CellData();
      }
      case String text -> entered.setStringValue(text);
      case Boolean truth -> entered.setBoolValue(truth);
      case Number number -> entered.setNumberValue(number.doubleValue());
      default -> throw new IllegalArgumentException(value.toString());
    }
    return new CellData().setUserEnteredValue(entered);
  }

  /** Expects an error in Google's form, with this code and this message. */
  static void assertRefused(int code, String message, ThrowingCallable call) {
    var refusal = catchThrowableOfType(GoogleJsonResponseException.class, call);
    assertThat(refusal).isNotNull();
    assertThat(refusal.getStatusCode()).isEqualTo(code);
    assertThat(refusal.getDetails().getCode()).isEqualTo(code);
    assertThat(refusal.getDetails().getMessage()).isEqualTo(message);
    assertThat(refusal.getDetails().get("status"))
        .isEqualTo(code == 404 ? "NOT_FOUND" : "INVALID_ARGUMENT");
  }
}
