package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.UsageTotal;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows what has been used, from the ledger. */
@Command(
    name = "usage",
    mixinStandardHelpOptions = true,
    description =
        "Shows requests, turns (calls to providers), tools run, tokens and cost by user and model, from the ledger. A cost with ≥ lacks"
            + " requests whose price is unknown. Works while the server runs or not.")
final class UsageCommand implements Runnable {
  private static final int MOST_DAYS = 100_000;

  private final Settings settings;

  @Parameters(index = "0", paramLabel = "EMAIL", arity = "0..1", description = "Only this user's.")
  private String email;

  @Option(
      names = "--days",
      paramLabel = "N",
      description = "Only the last N days, 1 or more (default: all).")
  private Integer days;

  @Option(
      names = "--json",
      description =
          "Prints a JSON list. cost is null when no price is known; unpriced_requests are not in it.")
  private boolean json;

  @Spec private CommandSpec spec;

  UsageCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public void run() {
    if (days != null && (days < 1 || days > MOST_DAYS)) {
      throw new ParameterException(
          spec.commandLine(), "--days must be a whole number from 1 to " + MOST_DAYS + ".");
    }
    Instant since = days == null ? Instant.EPOCH : Instant.now().minus(Duration.ofDays(days));
    List<UsageTotal> totals =
        Ledger.totals(settings, since).stream()
            .filter(total -> email == null || total.email().equalsIgnoreCase(email))
            .toList();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
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
            .put("cost", unknown(total) ? null : total.cost().stripTrailingZeros())
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
          cost(total));
    }
    out.println(totals.isEmpty() ? "No usage has been recorded." : table.toString());
  }

  /** Models without a price have no cost that is known, which is not 0. */
  private static boolean unknown(UsageTotal total) {
    return total.unpriced() > 0 && total.cost().signum() == 0;
  }

  private static String cost(UsageTotal total) {
    if (unknown(total)) {
      return "unknown";
    }
    String known =
        total.cost().signum() == 0 ? "0" : total.cost().stripTrailingZeros().toPlainString();
    return total.unpriced() == 0 ? known : "≥ " + known;
  }
}
