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
 * One row of a user's sheet: one record, or many of one minute, model and status rolled up into
 * one.
 *
 * @param timestamp when it was admitted, or the minute
 * @param email whose it is
 * @param type {@code chat} or {@code embedding}
 * @param model the model id
 * @param provider how it came
 * @param tokensIn prompt tokens, summed up
 * @param tokensOut completion tokens, summed up
 * @param cost in US dollars, summed up; null when none of them has a known price
 * @param durationMillis summed up
 * @param status how it ended
 * @param requestId empty when there are several
 * @param requests how many records it stands for
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

  /** Columns of a user's sheet, in the order in which a new one gets them. */
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

  // What JSON needs for twelve cells, texts apart.
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

  /** This row as the first of a roll-up. */
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

  /** What rows that are rolled up into one have in common. */
  List<Object> group() {
    return List.of(email, timestamp, type, model, provider, status);
  }

  /** Both rolled up. */
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

  /** Of two numbers from 0 on. */
  private static long saturatedSum(long one, long other) {
    return one > Long.MAX_VALUE - other ? Long.MAX_VALUE : one + other;
  }

  /** About how many bytes the row adds to a request. */
  int bytes() {
    return FRAME_BYTES + email.length() + model.length() + provider.length() + requestId.length();
  }

  /**
   * The row for a sheet with these headers: columns that it does not have are left out, columns
   * that people have added stay blank.
   *
   * @param headers the sheet's first row; when none of ours is in it, the usual order counts
   * @param columns how many the sheet has
   */
  RowData row(List<?> headers, int columns) {
    List<String> usual = HEADERS.stream().map(UsageLine::normal).toList();
    List<String> found = headers.stream().map(UsageLine::normal).toList();
    List<String> order = Collections.disjoint(usual, found) ? usual : found;
    List<CellData> cells = new ArrayList<>();
    for (int i = 0; i < Math.min(order.size(), columns); i++) {
      // A header that is there twice gets its value once.
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
