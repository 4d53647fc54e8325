package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Json;
import dev.llmproxy.Settings;
import dev.llmproxy.gate.ApiKey;
import dev.llmproxy.gate.RevokedKeys;
import dev.llmproxy.workbook.ApiKeyBook;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * Revokes an API key: first on this machine, which a running server sees within a moment, then in
 * the sheet.
 */
@Command(
    name = "revoke-key",
    mixinStandardHelpOptions = true,
    description =
        "Revokes an API key: a server that runs here refuses it at once, others as soon as they read the sheet again.",
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      "0:revoked, here and in the sheet",
      "1:nothing was revoked",
      "2:called wrongly",
      "3:revoked here, but the sheet could not be changed; run it again when it can"
    })
final class RevokeKeyCommand implements Callable<Integer> {
  private static final int ONLY_HERE = 3;

  private final Settings settings;

  @Parameters(
      index = "0",
      paramLabel = "KEY",
      description = "The key, its cell in the sheet, or its masked form as list-keys shows it.")
  private String key;

  @Option(
      names = "--json",
      description = "Prints one JSON object; in_sheet says whether the sheet was changed.")
  private boolean json;

  @Spec private CommandSpec spec;

  RevokeKeyCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() {
    RevokedKeys here = new RevokedKeys(settings.path("LLMPROXY_DATA"));
    Optional<String> given = ApiKey.hashOfCell(key);
    given.ifPresent(here::add);
    Set<String> hashes = given.map(Set::of).orElse(Set.of());
    List<ApiKeyRow> rows;
    try (Workbook workbook = Workbook.open(settings)) {
      ApiKeyBook book = new ApiKeyBook(workbook);
      rows = book.rows().stream().filter(row -> isMeant(row, given)).toList();
      hashes =
          rows.stream()
              .map(row -> ApiKey.hashOfCell(row.apiKey()).orElseThrow())
              .collect(Collectors.toSet());
      if (hashes.size() == 1) {
        hashes.forEach(here::add);
        book.revoke(rows.get(0));
      }
    } catch (WorkbookException e) {
      return hashes.isEmpty() ? fail(cannotLookUp(e)) : onlyHere(e);
    }
    if (hashes.size() != 1) {
      given.ifPresent(here::remove);
      return fail(hashes.isEmpty() ? none() : several());
    }
    return everywhere(rows.get(0));
  }

  /** Keys are told apart by their hash; a masked form by what list-keys shows. */
  private boolean isMeant(ApiKeyRow row, Optional<String> given) {
    Optional<String> hash = ApiKey.hashOfCell(row.apiKey());
    return hash.isPresent()
        && (given.isPresent()
            ? hash.equals(given)
            : ApiKey.shown(row.apiKey()).equals(key.strip()));
  }

  private int everywhere(ApiKeyRow row) {
    String shown = ApiKey.shown(row.apiKey());
    print(
        result(shown, true).put("email", row.email()).put("name", row.keyName()),
        "Revoked: %s of %s (%s). A server that runs here refuses it now, any other within %s s."
            .formatted(shown, row.email(), row.keyName(), settings.text("KEYS_REFRESH_SECONDS")));
    return 0;
  }

  private int onlyHere(WorkbookException why) {
    String shown = ApiKey.shown(key);
    print(
        result(shown, false).put("problem", why.getMessage()),
        """
        Revoked on this server: %s. One that runs here refuses it now, and after each start.
        The sheet could not be changed: %s
        Other servers still take the key. Run this again when the workbook can be reached.\
        """
            .formatted(shown, why.getMessage()));
    return ONLY_HERE;
  }

  private int fail(String why) {
    spec.commandLine().getErr().println("llmproxy: " + why);
    return 1;
  }

  private String none() {
    return "No key in the workbook is "
        + ApiKey.mask(key.strip())
        + "; ./llmproxy list-keys shows them.";
  }

  private String several() {
    return "Several keys look like "
        + key.strip()
        + "; give the whole key, or mark its row in the sheet.";
  }

  private static String cannotLookUp(WorkbookException why) {
    return why.getMessage()
        + " Until it can, give the whole key to revoke it on this server; a masked one is looked up in the sheet.";
  }

  private static ObjectNode result(String shown, boolean inSheet) {
    return Json.object().put("key", shown).put("revoked", true).put("in_sheet", inSheet);
  }

  private void print(ObjectNode object, String text) {
    spec.commandLine().getOut().println(json ? Json.text(object) : text);
  }
}
