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

/** Exports the workbook to files. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    description = {
      "Exports the workbook to an Excel file, or to a CSV file for each sheet.",
      "API keys are masked, and text that looks like a formula stays text. Works with the server running or stopped."
    })
final class ExportCommand implements Callable<Integer> {
  private final Settings settings;

  @ArgGroup(multiplicity = "1")
  private Target target;

  @Option(names = "--force", description = "Overwrites existing files.")
  private boolean force;

  @Spec private CommandSpec spec;

  ExportCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() throws IOException {
    Path path = target.xlsx != null ? target.xlsx : target.csv;
    PrintWriter err = spec.commandLine().getErr();
    if (!force && exists(path)) {
      err.println("llmproxy: " + path + " already exists; --force overwrites it.");
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
      err.println("llmproxy: there is no folder for " + path + "; create it first.");
      return 1;
    }
  }

  private boolean exists(Path path) throws IOException {
    if (target.xlsx != null || !Files.isDirectory(path)) {
      return Files.exists(path);
    }
    try (var files = Files.newDirectoryStream(path, "*.csv")) {
      return files.iterator().hasNext();
    }
  }

  private static final class Target {
    @Option(
        names = "--xlsx",
        paramLabel = "FILE",
        description = "Writes an Excel file with all sheets.")
    private Path xlsx;

    @Option(
        names = "--csv",
        paramLabel = "DIR",
        description = "Writes a file <title>.csv for each sheet into this folder.")
    private Path csv;
  }
}
