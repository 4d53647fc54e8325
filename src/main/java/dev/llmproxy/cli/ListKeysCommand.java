package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.flush.FlushBook;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.KeyExpiry;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.Workbook;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists the API keys of the workbook. */
@Command(
    name = "list-keys",
    mixinStandardHelpOptions = true,
    description = "Lists the API keys of the workbook, masked, with their usage.")
final class ListKeysCommand implements Runnable {
  private final Settings settings;

  @Option(names = "--json", description = "Prints a JSON list.")
  private boolean json;

  @Spec private CommandSpec spec;

  ListKeysCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public void run() {
    List<ApiKeyRow> rows;
    try (Workbook workbook = Workbook.open(settings)) {
      rows =
          new ApiKeyBook(
                  workbook, FlushBook.sheetMemory(settings), Tiers.of(settings, workbook)::rows)
              .rows();
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ArrayNode list = Json.array();
      for (ApiKeyRow row : rows) {
        list.addObject()
            .put("key", ApiKey.shown(row.apiKey()))
            .put("email", row.email())
            .put("name", row.keyName())
            .put("tier", row.tier())
            .put("created_at", row.createdAt())
            .put("last_used", row.lastUsed())
            .put("requests", row.requests())
            .put("tokens", row.tokens())
            .put("expires_at", expires(row))
            .put("allowed_models", row.allowedModels())
            .put("revoked", KeyDirectory.revoked(row.revoked()));
      }
      out.println(Json.pretty(list));
      return;
    }
    Table table =
        new Table(
            settings,
            "Key",
            "User",
            "Name",
            "Tier",
            "Last used (UTC)",
            "Requests",
            "Tokens",
            "Expires (UTC)",
            "Models");
    for (ApiKeyRow row : rows) {
      table.add(
          ApiKey.shown(row.apiKey()),
          row.email(),
          row.keyName(),
          row.tier(),
          Table.time(row.lastUsed()),
          Long.toString(row.requests()),
          Long.toString(row.tokens()),
          KeyDirectory.revoked(row.revoked()) ? "revoked" : Table.time(expires(row)),
          row.allowedModels());
    }
    out.println(
        rows.isEmpty()
            ? "There are no keys yet: ./llmproxy create-api-key EMAIL \"NAME\""
            : table.toString());
  }

  /** The time in ISO-8601 UTC; an unreadable cell is returned unchanged. */
  private static String expires(ApiKeyRow row) {
    return row.expiresAt().isEmpty()
        ? ""
        : KeyExpiry.ofCell(row.expiresAt()).map(Instant::toString).orElse(row.expiresAt());
  }
}
