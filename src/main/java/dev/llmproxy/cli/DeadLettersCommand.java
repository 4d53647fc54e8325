package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.flush.DeadLetter;
import dev.llmproxy.flush.FlushBook;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows the usage records that the workbook has refused. */
@Command(
    name = "dead-letters",
    mixinStandardHelpOptions = true,
    description = {
      "Shows the usage records that the workbook has refused, with the reason.",
      "They are in the ledger, but not in a sheet and not in a key's counters. Works with the server running or stopped."
    })
final class DeadLettersCommand implements Runnable {
  private final Settings settings;

  @Option(
      names = "--retry",
      description = "Makes the server try all of them again, now or after its next start.")
  private boolean retry;

  @Option(names = "--json", description = "Prints a JSON list.")
  private boolean json;

  @Spec private CommandSpec spec;

  DeadLettersCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    if (retry) {
      out.println(FlushBook.retryDeadLetters(settings) + " records will be tried again.");
      return;
    }
    List<DeadLetter> letters = FlushBook.deadLetters(settings);
    if (json) {
      ArrayNode list = Json.array();
      for (DeadLetter letter : letters) {
        list.addObject()
            .put("request_id", letter.requestId())
            .put("timestamp", letter.timestamp().toString())
            .put("email", letter.email())
            .put("model", letter.model())
            .put("parked_at", letter.parkedAt().toString())
            .put("error", letter.error())
            .put("retrying", letter.retrying());
      }
      out.println(Json.pretty(list));
      return;
    }
    Table table =
        new Table(settings, "Request ID", "Time (UTC)", "User", "Model", "Refused (UTC)", "Reason");
    for (DeadLetter letter : letters) {
      table.add(
          letter.requestId(),
          Table.time(letter.timestamp().toString()),
          letter.email(),
          letter.model(),
          letter.retrying() ? "to be tried again" : Table.time(letter.parkedAt().toString()),
          letter.error());
    }
    out.println(letters.isEmpty() ? "The workbook has refused no usage record." : table.toString());
  }
}
