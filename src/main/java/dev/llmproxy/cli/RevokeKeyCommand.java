package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.flush.FlushBook;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.RevokedKeys;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * Revokes API keys: first in the data folder, which a running server reads within a second, then in
 * the sheet.
 */
@Command(
    name = "revoke-key",
    mixinStandardHelpOptions = true,
    description = {
      "Revokes an API key.",
      "The server that uses this data folder refuses the key at once, other servers when they next read the sheet."
    },
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {
      "0:revoked on this server and in the sheet",
      "1:nothing was revoked",
      "2:invalid arguments",
      "3:revoked on this server only: the sheet could not be changed; run the command again later"
    })
final class RevokeKeyCommand implements Callable<Integer> {
  private static final int ONLY_HERE = 3;
  private static final Pattern EMAIL = Pattern.compile("[^\\s@]+@[^\\s@]+");

  private final Settings settings;

  @Parameters(
      index = "0",
      paramLabel = "KEY",
      arity = "0..1",
      description =
          "The key, its cell in the sheet, its masked form of list-keys, or its owner's address. - reads the key from"
              + " standard input, so that it does not appear in the process list. Without KEY, the command uses a piped"
              + " key, else LLMPROXY_KEY. At a terminal it uses LLMPROXY_KEY, else it asks for the key.")
  private String argument;

  @Parameters(
      index = "1",
      paramLabel = "NAME",
      arity = "0..1",
      description = "The key's name, when KEY is its owner's address.")
  private String name;

  @Option(names = "--all", description = "Revokes all matching keys.")
  private boolean all;

  @Option(
      names = "--json",
      description =
          "Prints one JSON object for each revoked key; in_sheet is true when the sheet was changed.")
  private boolean json;

  @Spec private CommandSpec spec;

  RevokeKeyCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() {
    String meant =
        new KeySource(settings, spec, System.in)
            .read(argument, KeySource.First.STANDARD_INPUT)
            .strip();
    boolean email = argument != null && EMAIL.matcher(meant).matches();
    if (name != null && !email) {
      throw new ParameterException(
          spec.commandLine(),
          "NAME needs an owner's address, and \"" + ApiKey.mask(meant) + "\" is not one");
    }
    RevokedKeys here = new RevokedKeys(settings.path("LLMPROXY_DATA"));
    return email ? byOwner(here, meant) : byKey(here, meant);
  }

  /** Revokes a complete key on this server first, because the sheet may be unreachable. */
  private int byKey(RevokedKeys here, String key) {
    Optional<String> given = ApiKey.hashOfCell(key);
    given.ifPresent(here::add);
    try (Workbook workbook = Workbook.open(settings)) {
      ApiKeyBook book =
          new ApiKeyBook(
              workbook, FlushBook.sheetMemory(settings), Tiers.of(settings, workbook)::rows);
      Map<String, ApiKeyRow> rows =
          rows(
              book,
              row ->
                  given.isPresent()
                      ? ApiKey.hashOfCell(row.apiKey()).equals(given)
                      : ApiKey.shown(row.apiKey()).equals(key));
      if (rows.isEmpty()) {
        given.ifPresent(here::remove);
        return fail(
            "No key in the workbook matches "
                + ApiKey.mask(key)
                + "; ./llmproxy list-keys lists all keys.");
      }
      return revoke(here, book, rows);
    } catch (WorkbookException e) {
      return given.isPresent() ? onlyHere(ApiKey.shown(key), e) : fail(cannotLookUp(e));
    }
  }

  private int byOwner(RevokedKeys here, String email) {
    try (Workbook workbook = Workbook.open(settings)) {
      ApiKeyBook book =
          new ApiKeyBook(
              workbook, FlushBook.sheetMemory(settings), Tiers.of(settings, workbook)::rows);
      // A key that somebody typed into the sheet may look like an address.
      Map<String, ApiKeyRow> rows =
          rows(book, row -> ApiKey.hashOfCell(row.apiKey()).equals(ApiKey.hashOfCell(email)));
      if (rows.isEmpty() || name != null) {
        rows = rows(book, row -> belongsTo(row, email));
      }
      if (rows.isEmpty()) {
        return fail(
            "No key in the workbook belongs to %s%s; ./llmproxy list-keys lists all keys."
                .formatted(email, name == null ? "" : " and has the name \"" + name + "\""));
      }
      // A key that is revoked already matches only when there is no other.
      Map<String, ApiKeyRow> usable = new LinkedHashMap<>(rows);
      usable.values().removeIf(row -> KeyDirectory.revoked(row.revoked()));
      return revoke(here, book, usable.isEmpty() ? rows : usable);
    } catch (WorkbookException e) {
      return fail(cannotLookUp(e));
    }
  }

  private boolean belongsTo(ApiKeyRow row, String email) {
    return EmailAddress.folded(row.email()).equals(EmailAddress.folded(email))
        && (name == null || row.keyName().strip().equals(name.strip()));
  }

  /** The first row of each matching key, by the key's hash. */
  private static Map<String, ApiKeyRow> rows(ApiKeyBook book, Predicate<ApiKeyRow> matching) {
    Map<String, ApiKeyRow> rows = new LinkedHashMap<>();
    for (ApiKeyRow row : book.rows()) {
      ApiKey.hashOfCell(row.apiKey())
          .filter(hash -> matching.test(row))
          .ifPresent(hash -> rows.putIfAbsent(hash, row));
    }
    return rows;
  }

  private int revoke(RevokedKeys here, ApiKeyBook book, Map<String, ApiKeyRow> rows) {
    if (rows.size() > 1 && !all) {
      return fail(severalMatch(rows.values()));
    }
    rows.keySet().forEach(here::add);
    for (ApiKeyRow row : rows.values()) {
      try {
        book.revoke(row);
      } catch (WorkbookException e) {
        return onlyHere(
            rows.values().stream()
                .map(each -> ApiKey.shown(each.apiKey()))
                .collect(Collectors.joining(", ")),
            e);
      }
      printRevoked(row);
    }
    return 0;
  }

  private void printRevoked(ApiKeyRow row) {
    String shown = ApiKey.shown(row.apiKey());
    print(
        result(shown, true).put("email", row.email()).put("name", row.keyName()),
        "Revoked: %s of %s (%s). This server refuses it now, other servers within %s s."
            .formatted(shown, row.email(), row.keyName(), settings.text("KEYS_REFRESH_SECONDS")));
  }

  private int onlyHere(String shown, WorkbookException why) {
    print(
        result(shown, false).put("problem", why.getMessage()),
        """
        Revoked on this server: %s. The server refuses it now and after each restart.
        The sheet could not be changed: %s
        Other servers still accept the key. Run this again when the workbook can be reached.\
        """
            .formatted(shown, why.getMessage()));
    return ONLY_HERE;
  }

  private int fail(String why) {
    spec.commandLine().getErr().println("llmproxy: " + why);
    return 1;
  }

  private String severalMatch(Collection<ApiKeyRow> rows) {
    Table table = new Table(settings, "Row", "Key", "User", "Name", "Created (UTC)");
    rows.forEach(row ->
        table.add(
            Integer.toString(row.number()),
            ApiKey.shown(row.apiKey()),
            row.email(),
            row.keyName(),
            Table.time(row.createdAt())));
    return """
    %d keys match, and none has been revoked. Name one of them, complete or masked as below, or give the \
    address and the key's NAME, or --all:
    %s\
    """
        .formatted(rows.size(), table);
  }

  private static String cannotLookUp(WorkbookException why) {
    return why.getMessage()
        + " Until then, give the complete key to revoke it on this server; anything else needs the sheet.";
  }

  private static ObjectNode result(String shown, boolean inSheet) {
    return Json.object().put("key", shown).put("revoked", true).put("in_sheet", inSheet);
  }

  private void print(ObjectNode object, String text) {
    spec.commandLine().getOut().println(json ? Json.text(object) : text);
  }
}
