package dev.llmproxy.cli;

import dev.llmproxy.Json;
import dev.llmproxy.Settings;
import dev.llmproxy.gate.ApiKey;
import dev.llmproxy.workbook.ApiKeyBook;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Revokes an API key. */
@Command(
    name = "revoke-key",
    mixinStandardHelpOptions = true,
    description =
        "Revokes an API key: requests with it get 401 as soon as the server reads the sheet again.")
final class RevokeKeyCommand implements Runnable {
  private final Settings settings;

  @Parameters(
      index = "0",
      paramLabel = "KEY",
      description = "The key, or its masked form as list-keys shows it.")
  private String key;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec;

  RevokeKeyCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public void run() {
    ApiKeyRow row;
    try (Workbook workbook = Workbook.open(settings)) {
      ApiKeyBook book = new ApiKeyBook(workbook);
      row = find(book.rows());
      book.revoke(row);
    }
    String shown = ApiKey.shown(row.apiKey());
    spec.commandLine()
        .getOut()
        .println(
            json
                ? Json.text(
                    Json.object()
                        .put("key", shown)
                        .put("email", row.email())
                        .put("name", row.keyName())
                        .put("revoked", true))
                : "Revoked: %s of %s (%s). A running server knows within %s s."
                    .formatted(
                        shown, row.email(), row.keyName(), settings.text("KEYS_REFRESH_SECONDS")));
  }

  private ApiKeyRow find(List<ApiKeyRow> rows) {
    String hash = ApiKey.hash(key.strip());
    List<ApiKeyRow> found =
        rows.stream()
            .filter(row ->
                ApiKey.hashOfCell(row.apiKey()).map(hash::equals).orElse(false)
                    || ApiKey.shown(row.apiKey()).equals(key.strip()))
            .toList();
    if (found.size() != 1) {
      throw new WorkbookException(
          found.isEmpty()
              ? "No key in the workbook is "
                  + ApiKey.mask(key.strip())
                  + "; ./llmproxy list-keys shows them."
              : "Several keys look like "
                  + key.strip()
                  + "; give the whole key, or mark its row in the sheet.");
    }
    return found.get(0);
  }
}
