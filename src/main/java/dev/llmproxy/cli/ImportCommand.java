package dev.llmproxy.cli;

import dev.llmproxy.base.Settings;
import dev.llmproxy.flush.FlushBook;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.migration.ImportException;
import dev.llmproxy.migration.ImportPlan;
import dev.llmproxy.migration.ImportedKey;
import dev.llmproxy.migration.LiteLlmImport;
import dev.llmproxy.migration.LiteLlmKeys;
import dev.llmproxy.migration.NewApiImport;
import dev.llmproxy.migration.PlanText;
import dev.llmproxy.migration.PlanWriter;
import dev.llmproxy.workbook.Workbook;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Takes over the configuration of another gateway. */
@Command(
    name = "import",
    mixinStandardHelpOptions = true,
    description = {
      "Takes over the models, aliases, settings and keys of another gateway (docs/migration.md).",
      "It prints what it would write, and what it cannot take over. Only --write changes anything."
    },
    subcommands = {ImportCommand.LiteLlm.class, ImportCommand.NewApi.class})
final class ImportCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "name the other gateway: import litellm FILE, or import new-api FILE");
  }

  /** The options of both commands. */
  static final class Options {
    @Option(names = "--write", description = "Writes the files, and adds the keys to the workbook.")
    private boolean write;

    @Option(
        names = "--force",
        description =
            "Replaces files that were edited. Their text is kept in files that end in .before-import.")
    private boolean force;

    @Option(
        names = "--tier",
        defaultValue = "free",
        description = "The tier of the keys (default: ${DEFAULT-VALUE}).")
    private String tier;

    @Option(
        names = "--owner",
        paramLabel = "EMAIL",
        description = "The owner of keys without an e-mail address (default: they are left out).")
    private String owner;
  }

  /** {@code import litellm}. */
  @Command(
      name = "litellm",
      mixinStandardHelpOptions = true,
      description = "Takes over the config.yaml of LiteLLM's proxy, and optionally its keys.")
  static final class LiteLlm implements Callable<Integer> {
    private final Settings settings;

    @Parameters(paramLabel = "FILE", description = "The config.yaml.")
    private Path config;

    @Option(
        names = "--keys",
        paramLabel = "FILE",
        description =
            "An export of the table LiteLLM_VerificationToken, CSV with a header row or JSON. Clients keep their keys.")
    private Path keys;

    @Mixin private Options options;

    @Spec private CommandSpec spec;

    LiteLlm(Settings settings) {
      this.settings = settings;
    }

    @Override
    public Integer call() throws IOException {
      ImportPlan plan = LiteLlmImport.read(settings.home(), config);
      if (keys != null) {
        LiteLlmKeys.read(keys, plan, options.tier, options.owner, Instant.now());
      }
      return finish(settings, plan, options, spec);
    }
  }

  /** {@code import new-api}. */
  @Command(
      name = "new-api",
      mixinStandardHelpOptions = true,
      description =
          "Takes over the SQLite database of new-api, or the JSON of its GET /api/channel/.")
  static final class NewApi implements Callable<Integer> {
    private final Settings settings;

    @Parameters(paramLabel = "FILE", description = "The database, e.g. one-api.db, or the JSON.")
    private Path file;

    @Mixin private Options options;

    @Spec private CommandSpec spec;

    NewApi(Settings settings) {
      this.settings = settings;
    }

    @Override
    public Integer call() throws IOException {
      return finish(
          settings,
          NewApiImport.read(settings.home(), file, options.tier, options.owner, Instant.now()),
          options,
          spec);
    }
  }

  private static int finish(Settings settings, ImportPlan plan, Options options, CommandSpec spec)
      throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    plan.needs().keySet().removeIf(name -> settings.find(name).isPresent());
    PlanWriter writer = new PlanWriter(settings, plan);
    out.print(PlanText.of(plan));
    out.flush();
    try {
      writer.check();
    } catch (ImportException e) {
      spec.commandLine().getErr().println("llmproxy: " + e.getMessage());
      return 1;
    }
    out.println();
    if (!options.write) {
      out.println("Nothing has been written. Add --write.");
      return 0;
    }
    for (Path file : writer.write(options.force)) {
      out.println("Wrote " + settings.home().relativize(file));
    }
    if (!plan.keys().isEmpty()) {
      int added;
      try (Workbook workbook = Workbook.open(settings)) {
        added =
            new ApiKeyBook(
                    workbook, FlushBook.sheetMemory(settings), Tiers.of(settings, workbook)::rows)
                .addMissing(plan.keys().stream().map(ImportedKey::row).toList());
      }
      out.printf(
          "Added %d of %d keys to the workbook; the others were there.%n",
          added, plan.keys().size());
    }
    if (!plan.settings().isEmpty()) {
      out.println("Start with: set -a; . ./imported.env; set +a; ./llmproxy start");
    }
    return 0;
  }
}
