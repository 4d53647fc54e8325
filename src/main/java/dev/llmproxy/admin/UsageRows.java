package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.CsvCell;
import dev.llmproxy.base.Json;
import dev.llmproxy.ledger.UsageBy;
import dev.llmproxy.ledger.UsageRow;
import dev.llmproxy.ledger.UsageSum;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.Function;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/** Rows of usage as JSON and as CSV, for the management API and the command {@code usage}. */
public final class UsageRows {
  private UsageRows() {}

  /**
   * A row as a JSON object. Fields with unknown values are absent.
   *
   * @param keyName the name of a row's key; empty when it has none
   */
  public static ObjectNode json(UsageRow row, Function<UsageRow, String> keyName) {
    ObjectNode json = Json.object().put("name", row.name());
    if (row.keyHash() != null) {
      json.put("key_hash", row.keyHash()).put("key_name", keyName.apply(row));
    }
    return sum(json, row.sum());
  }

  /**
   * Rows as CSV (RFC 4180) with a header. A text that a spreadsheet would take for a formula gets
   * an apostrophe.
   *
   * @param by what the rows stand for: the name of the first column
   * @param keyName the name of a row's key; empty when it has none
   * @param lineEnd CRLF as in the RFC, or LF for a terminal
   */
  public static String csv(
      UsageBy by, List<UsageRow> rows, Function<UsageRow, String> keyName, String lineEnd) {
    CSVFormat format = CSVFormat.RFC4180.builder().setRecordSeparator(lineEnd).get();
    StringBuilder text = new StringBuilder();
    try (CSVPrinter csv = new CSVPrinter(text, format)) {
      csv.printRecord(
          by.name().toLowerCase(Locale.ROOT),
          "key_name",
          "key_hash",
          "requests",
          "failed",
          "cancelled",
          "turns",
          "tool_calls",
          "tokens_in",
          "tokens_out",
          "cost_usd",
          "unpriced_requests",
          "mean_ms",
          "p50_ms",
          "p95_ms");
      for (UsageRow row : rows) {
        UsageSum sum = row.sum();
        csv.printRecord(
            CsvCell.harmless(row.name()),
            CsvCell.harmless(keyName.apply(row)),
            row.keyHash(),
            sum.requests(),
            sum.failed(),
            sum.cancelled(),
            sum.turns(),
            sum.toolCalls(),
            sum.tokensIn(),
            sum.tokensOut(),
            sum.costUnknown() ? "" : plain(sum.cost()),
            sum.unpriced(),
            sum.meanMillis(),
            text(sum.medianMillis()),
            text(sum.p95Millis()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  /** Adds the sums. The cost is a decimal number in a text, because its digits are exact. */
  static ObjectNode sum(ObjectNode json, UsageSum sum) {
    json.put("requests", sum.requests())
        .put("failed", sum.failed())
        .put("cancelled", sum.cancelled())
        .put("turns", sum.turns())
        .put("tool_calls", sum.toolCalls())
        .put("tokens_in", sum.tokensIn())
        .put("tokens_out", sum.tokensOut())
        .put("cost", sum.costUnknown() ? null : plain(sum.cost()))
        .put("unpriced_requests", sum.unpriced())
        .put("mean_ms", sum.meanMillis());
    sum.medianMillis().ifPresent(millis -> json.put("p50_ms", millis));
    sum.p95Millis().ifPresent(millis -> json.put("p95_ms", millis));
    return json;
  }

  /** US dollars without an exponent and without zeros at the end. */
  public static String plain(BigDecimal dollars) {
    return dollars.signum() == 0 ? "0" : dollars.stripTrailingZeros().toPlainString();
  }

  private static String text(OptionalLong number) {
    return number.isPresent() ? Long.toString(number.getAsLong()) : "";
  }
}
