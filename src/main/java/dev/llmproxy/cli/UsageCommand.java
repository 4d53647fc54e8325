package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.Json;
import dev.llmproxy.Settings;
import dev.llmproxy.usage.Ledger;
import dev.llmproxy.usage.UsageTotal;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows what has been used, from the ledger. */
@Command(
    name = "usage",
    mixinStandardHelpOptions = true,
    description =
        "Shows requests, turns (calls to providers), tools run, tokens and cost by user and model, from the ledger. Works while the server runs or not.")
final class UsageCommand implements Runnable {
  private final Settings settings;

  @Parameters(index = "0", paramLabel = "EMAIL", arity = "0..1", description = "Only this user's.")
  private String email;

  @Option(names = "--days", paramLabel = "N", description = "Only the last N days (default: all).")
  private Integer days;

  @Option(names = "--json", description = "Prints a JSON list.")
  private boolean json;

  @Spec private CommandSpec spec;

  UsageCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public void run() {
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
            .put("cost", total.cost().stripTrailingZeros());
      }
      out.println(Json.pretty(list));
      return;
    }
    Table table =
        new Table(
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
          total.cost().signum() == 0 ? "0" : total.cost().stripTrailingZeros().toPlainString());
    }
    out.println(totals.isEmpty() ? "No usage has been recorded." : table.toString());
  }
}
