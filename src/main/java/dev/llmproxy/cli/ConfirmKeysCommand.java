package dev.llmproxy.cli;

import dev.llmproxy.base.KeySettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.keys.KeyConfirmation;
import dev.llmproxy.keys.KeySnapshot;
import dev.llmproxy.workbook.Workbook;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says that what the sheet of the keys has lost is meant to be gone. */
@Command(
    name = "confirm-keys",
    mixinStandardHelpOptions = true,
    description = {
      "Says that the keys, or the column, that the sheet has lost at once are meant to be gone. Until then they still count.",
      "The server that runs on this LLMPROXY_DATA acts by it within KEYS_REFRESH_SECONDS; each further server needs it"
          + " too, or the word CONFIRM in the sheet's column Status, which all of them read."
    })
final class ConfirmKeysCommand implements Callable<Integer> {
  private final Settings settings;

  @Spec private CommandSpec spec;

  ConfirmKeysCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    Path data = settings.path("LLMPROXY_DATA");
    boolean snapshots = KeySettings.of(settings).snapshot().isPresent();
    KeySnapshot snapshot = new KeySnapshot(data, Workbook.idIn(settings));
    if (snapshots && !snapshot.holding()) {
      out.println("Nothing is to be confirmed: the sheet has lost no keys.");
      return 0;
    }
    List<String> lost = snapshots ? snapshot.heldOwners() : List.of();
    new KeyConfirmation(data).give();
    lost.forEach(owner -> out.println("Gone: " + owner));
    out.println(
        "Confirmed. A server that runs here acts by it within %s s."
            .formatted(settings.text("KEYS_REFRESH_SECONDS")));
    return 0;
  }
}
