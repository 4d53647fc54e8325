package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.base.EmailAddress;
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

/** Shows the ledger's usage by user and model. */
@Command(
    name = "usage",
    mixinStandardHelpOptions = true,
    description = {
      "Shows usage and cost by user and model.",
      "Shows the ledger's requests, turns (calls to providers), tool calls, tokens and cost. A cost with ≥ does not"
          + " include requests whose price is unknown. Works with the server running or stopped."
    })
final class UsageCommand implements Runnable {
  private static final int MAX_DAYS = 100_000;

  private final Settings settings;

  @Parameters(
      index = "0",
      paramLabel = "EMAIL",
      arity = "0..1",
      description = "Shows this user's usage only.")
  private String email;

  @Option(
      names = "--days",
      paramLabel = "N",
      description = "Shows the last N days only, N being 1 or more (default: all).")
  private Integer days;

  @Option(
      names = "--json",
      description =
          "Prints a JSON list. cost does not include unpriced_requests, and is null when no price is known.")
  private boolean json;

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
    Instant since = days == null ? Instant.EPOCH : Instant.now().minus(Duration.ofDays(days));
    List<UsageTotal> totals =
        Ledger.totals(settings, since).stream()
            .filter(total ->
                email == null
                    || EmailAddress.folded(total.email()).equals(EmailAddress.folded(email)))
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

  /** Whether no request has a known price. Such a cost is not 0. */
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
