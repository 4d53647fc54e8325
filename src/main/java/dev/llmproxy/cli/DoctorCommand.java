package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Checks this installation for problems. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = {
      "Checks the installation and prints a remedy for each problem.",
      "Checks settings, port, data folder, ledger, workbook, providers and model. Changes nothing. Works with the server"
          + " running or stopped. Exit status 1 when there is a problem."
    })
final class DoctorCommand implements Callable<Integer> {
  private final Settings settings;

  @Option(
      names = "--online",
      description = "Also asks each provider that is on whether it accepts the configured key.")
  private boolean online;

  @Option(names = "--json", description = "Prints a JSON list.")
  private boolean json;

  @Spec private CommandSpec spec;

  DoctorCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() {
    List<Finding> findings = new ArrayList<>();
    findings.add(Finding.ok("java", Runtime.version() + ", " + System.getProperty("java.home")));
    examine(findings, "settings", () -> new SettingsCheck(settings).run());
    examine(findings, "port", () -> new PortCheck(settings).run());
    examine(findings, "data", () -> new DataCheck(settings).run());
    examine(findings, "ledger", () -> new LedgerCheck(settings).run());
    examine(findings, "limits", () -> new LimitCheck(settings).run());
    examine(findings, "workbook", () -> new WorkbookCheck(settings).run());
    examine(findings, "providers", () -> new ProviderCheck(settings, online).run());
    PrintWriter out = spec.commandLine().getOut();
    out.println(json ? json(findings) : table(findings));
    return findings.stream().anyMatch(finding -> finding.level() == Finding.Level.PROBLEM) ? 1 : 0;
  }

  /** Runs a check. Its exception becomes a problem, so that the other checks still run. */
  private static void examine(
      List<Finding> findings, String check, Supplier<List<Finding>> examination) {
    try {
      findings.addAll(examination.get());
    } catch (RuntimeException e) {
      findings.add(Finding.problem(check, String.valueOf(e.getMessage()), ""));
    }
  }

  private static String json(List<Finding> findings) {
    ArrayNode list = Json.array();
    for (Finding finding : findings) {
      list.addObject()
          .put("level", finding.level().name().toLowerCase(Locale.ROOT))
          .put("check", finding.check())
          .put("what", finding.what())
          .put("remedy", finding.remedy());
    }
    return Json.pretty(list);
  }

  private static String table(List<Finding> findings) {
    StringBuilder text = new StringBuilder();
    for (Finding finding : findings) {
      text.append(
          "%-7s  %-10s  %s%s%n"
              .formatted(
                  finding.level().name().toLowerCase(Locale.ROOT),
                  finding.check(),
                  finding.what(),
                  finding.remedy().isEmpty() ? "" : " -> " + finding.remedy()));
    }
    return text.toString().stripTrailing();
  }
}
