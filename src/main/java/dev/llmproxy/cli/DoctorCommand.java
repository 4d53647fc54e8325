package dev.llmproxy.cli;

import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.doctor.Doctor;
import dev.llmproxy.doctor.Finding;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
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
  private static final int AFTER_SETTINGS = 2;

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
    List<Doctor.Check> checks = new ArrayList<>(Doctor.checks(settings, null, online));
    checks.add(AFTER_SETTINGS, new Doctor.Check("port", () -> new PortCheck(settings).run()));
    List<Finding> findings = checks.stream().flatMap(check -> check.run().stream()).toList();
    PrintWriter out = spec.commandLine().getOut();
    out.println(json ? Json.pretty(Doctor.json(findings)) : table(findings));
    return findings.stream().anyMatch(finding -> finding.level() == Finding.Level.PROBLEM) ? 1 : 0;
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
