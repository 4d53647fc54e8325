package dev.llmproxy.cli;

import dev.llmproxy.base.Settings;
import dev.llmproxy.flush.FlushBook;
import dev.llmproxy.workbook.Workbook;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Copies the workbook into files. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    description =
        "Copies the workbook into an Excel file, or into a CSV file for each sheet. API keys are masked, and text that"
            + " looks like a formula stays text. Works while the server runs or not.")
final class ExportCommand implements Callable<Integer> {
  private final Settings settings;

  @ArgGroup(multiplicity = "1")
  private Target target;

  @Option(names = "--force", description = "Overwrites what is there.")
  private boolean force;

  @Spec private CommandSpec spec;

  ExportCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() throws IOException {
    Path path = target.xlsx != null ? target.xlsx : target.csv;
    PrintWriter err = spec.commandLine().getErr();
    if (!force && taken(path)) {
      err.println("llmproxy: " + path + " is there already; --force overwrites it.");
      return 1;
    }
    PrintWriter out = spec.commandLine().getOut();
    try (Workbook workbook = Workbook.open(settings)) {
      WorkbookExport export = new WorkbookExport(workbook, FlushBook.sheetMemory(settings));
      if (target.xlsx != null) {
        out.println("Wrote " + export.toXlsx(path) + " sheets to " + path);
      } else {
        List<Path> files = export.toCsv(path);
        files.forEach(file -> out.println("Wrote " + file));
      }
      return 0;
    } catch (NoSuchFileException e) {
      err.println("llmproxy: there is no folder for " + path + "; make it first.");
      return 1;
    }
  }

  private boolean taken(Path path) throws IOException {
    if (target.xlsx != null || !Files.isDirectory(path)) {
      return Files.exists(path);
    }
    try (var files = Files.newDirectoryStream(path, "*.csv")) {
      return files.iterator().hasNext();
    }
  }

  private static final class Target {
    @Option(names = "--xlsx", paramLabel = "FILE", description = "An Excel file, a page a sheet.")
    private Path xlsx;

    @Option(
        names = "--csv",
        paramLabel = "DIR",
        description = "A folder, a file <title>.csv for each sheet.")
    private Path csv;
  }
}
