package dev.llmproxy.flush;

import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.RowData;
import dev.llmproxy.call.Status;
import dev.llmproxy.ledger.UsageRecord;
import dev.llmproxy.workbook.WorkbookSchema;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * A row of a user's sheet: one record, or several records of one minute, model, type and status,
 * rolled up.
 *
 * @param timestamp when the request was admitted, or the minute of a roll-up
 * @param email the user's address
 * @param type {@code chat} or {@code embedding}
 * @param model the model id
 * @param provider the way the request came in
 * @param tokensIn prompt tokens, summed up
 * @param tokensOut completion tokens, summed up
 * @param cost in US dollars, summed up; null when no record has a known price
 * @param durationMillis summed up
 * @param status the outcome
 * @param requestId empty for a roll-up
 * @param requests the number of records in the row
 */
public record UsageLine(
    Instant timestamp,
    String email,
    String type,
    String model,
    String provider,
    long tokensIn,
    long tokensOut,
    BigDecimal cost,
    long durationMillis,
    Status status,
    String requestId,
    long requests) {

  /** The columns of a user's sheet, in the order of a new sheet. */
  static final List<String> HEADERS =
      List.of(
          "Timestamp",
          "Email",
          "Type",
          "Model",
          "Provider",
          "Tokens In",
          "Tokens Out",
          "Cost",
          "Duration",
          "Status",
          "Request ID",
          "Requests");

  // The bytes of JSON around twelve cells, without their texts.
  private static final int FRAME_BYTES = 560;

  /** A row for one record. */
  static UsageLine of(UsageRecord record) {
    return new UsageLine(
        record.timestamp(),
        record.email(),
        record.type(),
        record.model(),
        record.provider(),
        record.tokensIn(),
        record.tokensOut(),
        record.cost(),
        record.durationMillis(),
        record.status(),
        record.requestId(),
        1);
  }

  /** Starts a roll-up with this row. */
  UsageLine rolledUp() {
    return new UsageLine(
        timestamp.truncatedTo(ChronoUnit.MINUTES),
        email,
        type,
        model,
        provider,
        tokensIn,
        tokensOut,
        cost,
        durationMillis,
        status,
        "",
        requests);
  }

  /** The values that all records of a roll-up share. */
  List<Object> group() {
    return List.of(email, timestamp, type, model, provider, status);
  }

  /** Adds two rows of one roll-up. */
  UsageLine plus(UsageLine other) {
    BigDecimal sum = cost == null ? other.cost : other.cost == null ? cost : cost.add(other.cost);
    return new UsageLine(
        timestamp,
        email,
        type,
        model,
        provider,
        saturatedSum(tokensIn, other.tokensIn),
        saturatedSum(tokensOut, other.tokensOut),
        sum,
        saturatedSum(durationMillis, other.durationMillis),
        status,
        "",
        requests + other.requests);
  }

  /** Adds two numbers that are not negative. */
  private static long saturatedSum(long one, long other) {
    return one > Long.MAX_VALUE - other ? Long.MAX_VALUE : one + other;
  }

  /** The approximate number of bytes that the row adds to a request. */
  int bytes() {
    return FRAME_BYTES + email.length() + model.length() + provider.length() + requestId.length();
  }

  /**
   * The row for a sheet with these headers. Columns that the sheet lacks are left out; columns that
   * people have added stay blank.
   *
   * @param headers the sheet's first row; if it has none of the server's headers, the usual order
   *     applies
   * @param columns the number of columns of the sheet
   */
  RowData row(List<?> headers, int columns) {
    List<String> usual = HEADERS.stream().map(UsageLine::normal).toList();
    List<String> found = headers.stream().map(UsageLine::normal).toList();
    List<String> order = Collections.disjoint(usual, found) ? usual : found;
    List<CellData> cells = new ArrayList<>();
    for (int i = 0; i < Math.min(order.size(), columns); i++) {
      // If a header appears twice, only the first column gets the value.
      boolean first = order.indexOf(order.get(i)) == i;
      cells.add(first ? cell(order.get(i)) : new CellData());
    }
    return WorkbookSchema.row(cells);
  }

  private CellData cell(String header) {
    return switch (header) {
      case "timestamp" -> WorkbookSchema.text(iso(timestamp));
      case "email" -> WorkbookSchema.text(email);
      case "type" -> WorkbookSchema.text(type);
      case "model" -> WorkbookSchema.text(model);
      case "provider" -> WorkbookSchema.text(provider);
      case "tokens in" -> WorkbookSchema.number(tokensIn);
      case "tokens out" -> WorkbookSchema.number(tokensOut);
      case "cost" -> WorkbookSchema.number(cost);
      case "duration" -> WorkbookSchema.number(durationMillis);
      case "status" -> WorkbookSchema.text(status.name());
      case "request id" -> WorkbookSchema.text(requestId);
      case "requests" -> WorkbookSchema.number(requests);
      default -> new CellData();
    };
  }

  public static String iso(Instant instant) {
    return instant.truncatedTo(ChronoUnit.MILLIS).toString();
  }

  private static String normal(Object header) {
    return String.valueOf(header).strip().toLowerCase(Locale.ROOT);
  }
}
