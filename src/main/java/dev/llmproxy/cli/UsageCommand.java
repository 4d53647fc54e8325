package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.admin.UsageRows;
import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.keys.KeySnapshot;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.UsageBy;
import dev.llmproxy.ledger.UsageFilter;
import dev.llmproxy.ledger.UsageOrder;
import dev.llmproxy.ledger.UsageRow;
import dev.llmproxy.ledger.UsageStatistics;
import dev.llmproxy.ledger.UsageSum;
import dev.llmproxy.ledger.UsageTotal;
import dev.llmproxy.workbook.Workbook;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows the ledger's usage by user and model, or by one of day, model, key, user and status. */
@Command(
    name = "usage",
    mixinStandardHelpOptions = true,
    description = {
      "Shows usage and cost by user and model, or with --by by another thing.",
      "Shows the ledger's requests, turns (calls to providers), tool calls, tokens and cost. A cost with ≥ does not"
          + " include requests whose price is unknown. Works with the server running or stopped."
    })
final class UsageCommand implements Runnable {
  private static final int MAX_DAYS = 100_000;
  private static final int MOST_ROWS = 100_000;
  private static final int HASH_START = 12;

  private final Settings settings;

  @Parameters(
      index = "0",
      paramLabel = "EMAIL",
      arity = "0..1",
      description = "Shows this user's usage only.")
  private String email;

  @Option(
      names = "--by",
      paramLabel = "WHAT",
      description =
          "Shows a row for each day, model, key, user or status, as the page Usage does: ${COMPLETION-CANDIDATES}.")
  private By by;

  @Option(
      names = "--days",
      paramLabel = "N",
      description =
          "Shows the last N days only, N being 1 or more (default: all). With --by, a day begins at midnight UTC, and today is the last one.")
  private Integer days;

  @ArgGroup private Format format = new Format();

  /** The form of the output; a table without an option. */
  private static final class Format {
    @Option(
        names = "--json",
        description =
            "Prints a JSON list. cost does not include unpriced_requests, and is null when no price is known.")
    private boolean json;

    @Option(names = "--csv", description = "Prints CSV with a header. Needs --by.")
    private boolean csv;
  }

  /** The words of {@code --by}. */
  private enum By {
    day,
    model,
    key,
    user,
    status
  }

  @Spec private CommandSpec spec;

  UsageCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public void run() {
    if (days != null && (days < 1 || days > MAX_DAYS)) {
      throw new ParameterException(
          spec.commandLine(), "--days must be a whole number from 1 to " + MAX_DAYS + ".");
    }
    if (format.csv && by == null) {
      throw new ParameterException(spec.commandLine(), "--csv needs --by.");
    }
    if (by != null) {
      showBy(UsageBy.valueOf(by.name().toUpperCase(Locale.ROOT)));
      return;
    }
    Instant since = days == null ? Instant.EPOCH : Instant.now().minus(Duration.ofDays(days));
    List<UsageTotal> totals =
        Ledger.totals(settings, since).stream()
            .filter(total ->
                email == null
                    || EmailAddress.folded(total.email()).equals(EmailAddress.folded(email)))
            .toList();
    PrintWriter out = spec.commandLine().getOut();
    if (format.json) {
      ArrayNode list = Json.array();
      for (UsageTotal total : totals) {
        list.addObject()
            .put("email", total.email())
            .put("model", total.model())
            .put("requests", total.requests())
            .put("turns", total.turns())
            .put("tool_calls", total.toolCalls())
            .put("tokens_in", total.tokensIn())
            .put("tokens_out", total.tokensOut())
            .put(
                "cost",
                unknown(total.cost(), total.unpriced()) ? null : total.cost().stripTrailingZeros())
            .put("unpriced_requests", total.unpriced());
      }
      out.println(Json.pretty(list));
      return;
    }
    Table table =
        new Table(
            settings,
            "User",
            "Model",
            "Requests",
            "Turns",
            "Tool calls",
            "Tokens in",
            "Tokens out",
            "Cost (USD)");
    for (UsageTotal total : totals) {
      table.add(
          total.email(),
          total.model(),
          Long.toString(total.requests()),
          Long.toString(total.turns()),
          Long.toString(total.toolCalls()),
          Long.toString(total.tokensIn()),
          Long.toString(total.tokensOut()),
          cost(total.cost(), total.unpriced()));
    }
    out.println(totals.isEmpty() ? "No usage has been recorded." : table.toString());
  }

  private void showBy(UsageBy dimension) {
    LocalDate today = LocalDate.now(ZoneOffset.UTC);
    UsageFilter filter =
        UsageFilter.of(days == null ? LocalDate.EPOCH : today.minusDays(days - 1L), today)
            .ofPerson(email);
    boolean byDay = dimension == UsageBy.DAY;
    UsageOrder order = byDay ? UsageOrder.NAME : UsageOrder.COST;
    List<UsageRow> rows =
        Ledger.inspect(
            settings,
            connection ->
                UsageStatistics.page(connection, dimension, filter, order, !byDay, 0, MOST_ROWS)
                    .rows(),
            List.of());
    Map<String, String> names =
        dimension == UsageBy.KEY
            ? new KeySnapshot(settings.path("LLMPROXY_DATA"), Workbook.idIn(settings)).names()
            : Map.of();
    Function<UsageRow, String> keyName =
        row -> row.keyHash() == null ? "" : names.getOrDefault(row.keyHash(), "");
    PrintWriter out = spec.commandLine().getOut();
    if (format.csv) {
      out.print(UsageRows.csv(dimension, rows, keyName, "\n"));
    } else if (format.json) {
      ArrayNode list = Json.array();
      rows.forEach(row -> list.add(UsageRows.json(row, keyName)));
      out.println(Json.pretty(list));
    } else {
      out.println(rows.isEmpty() ? "No usage has been recorded." : table(rows, keyName));
    }
  }

  private Table table(List<UsageRow> rows, Function<UsageRow, String> keyName) {
    String first =
        by == By.key
            ? "User"
            : by.name().substring(0, 1).toUpperCase(Locale.ROOT) + by.name().substring(1);
    Table table =
        new Table(
            settings,
            first,
            "Key",
            "Requests",
            "Failed",
            "Tokens in",
            "Tokens out",
            "Cost (USD)",
            "Mean (ms)");
    for (UsageRow row : rows) {
      UsageSum sum = row.sum();
      table.add(
          row.name(),
          key(row, keyName),
          Long.toString(sum.requests()),
          Long.toString(sum.failed()),
          sum.tokensIn().toString(),
          sum.tokensOut().toString(),
          cost(sum.cost(), sum.unpriced()),
          Long.toString(sum.meanMillis()));
    }
    return table;
  }

  /** The name of a row's key; the begin of its hash when the name is unknown. */
  private static String key(UsageRow row, Function<UsageRow, String> keyName) {
    String hash = row.keyHash() == null ? "" : row.keyHash();
    String name = keyName.apply(row);
    return name.isEmpty() ? ShownText.cut(hash, HASH_START) : name;
  }

  /** Whether no request has a known price. Such a cost is not 0. */
  private static boolean unknown(BigDecimal cost, long unpriced) {
    return unpriced > 0 && cost.signum() == 0;
  }

  private static String cost(BigDecimal cost, long unpriced) {
    if (unknown(cost, unpriced)) {
      return "unknown";
    }
    String known = UsageRows.plain(cost);
    return unpriced == 0 ? known : "≥ " + known;
  }
}
