package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.flush.FlushBook;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.keys.KeyExpiry;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.workbook.Workbook;
import java.io.PrintWriter;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Creates an API key. */
@Command(
    name = "create-api-key",
    mixinStandardHelpOptions = true,
    description = {
      "Creates an API key and shows it once.",
      "Works with the server running or stopped. A running server accepts the key at once."
    })
final class CreateApiKeyCommand implements Runnable {
  private static final Pattern EMAIL = Pattern.compile("[^\\s@]+@[^\\s@]+\\.[^\\s@]+");

  private final Settings settings;

  @Parameters(index = "0", paramLabel = "EMAIL", description = "The owner's e-mail address.")
  private String email;

  @Parameters(
      index = "1",
      paramLabel = "NAME",
      arity = "0..1",
      defaultValue = "API key",
      description = "The key's name (default: ${DEFAULT-VALUE}).")
  private String name;

  @Option(
      names = "--tier",
      defaultValue = "free",
      description = "The key's tier, a named set of limits (default: ${DEFAULT-VALUE}).")
  private String tier;

  @Option(
      names = "--expires",
      paramLabel = "WHEN",
      description =
          "When the key expires: 30d for 30 days from now, or the last valid day, e.g. 2027-01-31 (UTC; default: never).")
  private String expires;

  @Option(
      names = "--json",
      description = "Prints one JSON object with key, email, name, tier, and expires_at if set.")
  private boolean json;

  @Spec private CommandSpec spec;

  CreateApiKeyCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public void run() {
    if (!EMAIL.matcher(email).matches()) {
      throw new ParameterException(
          spec.commandLine(), "\"" + email + "\" is not an e-mail address.");
    }
    Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    String expiresAt = expires == null ? "" : expiresAt(now);
    String key = ApiKey.generate(new SecureRandom());
    String kind = tier.strip().toLowerCase(Locale.ROOT);
    try (Workbook workbook = Workbook.open(settings)) {
      new ApiKeyBook(workbook, FlushBook.sheetMemory(settings), Tiers.of(settings, workbook)::rows)
          .add(key, email, name, kind, now.toString(), expiresAt);
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ObjectNode made =
          Json.object().put("key", key).put("email", email).put("name", name).put("tier", kind);
      if (!expiresAt.isEmpty()) {
        made.put("expires_at", expiresAt);
      }
      out.println(Json.text(made));
      return;
    }
    out.println("User:     " + email);
    out.println("Key:      " + key);
    out.println("Name:     " + name);
    out.println("Tier:     " + kind);
    if (!expiresAt.isEmpty()) {
      out.println("Expires:  " + expiresAt);
    }
    out.println();
    out.println("Copy the key now: it will not be shown again. The workbook stores only its hash.");
  }

  private String expiresAt(Instant now) {
    return KeyExpiry.cellFor(expires, now)
        .orElseThrow(() ->
            new ParameterException(
                spec.commandLine(),
                "--expires is \""
                    + expires
                    + "\"; it must be a number of days such as 30d, or a future date such as 2027-01-31."));
  }
}
