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

/** Confirms that lost keys or a lost column were deleted on purpose. */
@Command(
    name = "confirm-keys",
    mixinStandardHelpOptions = true,
    description = {
      "Confirms that keys or a column were deleted from the sheet on purpose.",
      "When the sheet loses most of its keys or a column at once, servers use the lost values until somebody confirms the"
          + " loss.",
      "The server that uses this LLMPROXY_DATA applies the confirmation within KEYS_REFRESH_SECONDS. Confirm for each"
          + " further server too, or write CONFIRM into the sheet's column Status, which all servers read."
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
      out.println("Nothing to confirm: the sheet has lost no keys.");
      return 0;
    }
    List<String> lost = snapshots ? snapshot.heldOwners() : List.of();
    new KeyConfirmation(data).create();
    lost.forEach(owner -> out.println("No longer valid: " + owner));
    out.println(
        "Confirmed. A server that uses this data folder applies it within %s s."
            .formatted(settings.text("KEYS_REFRESH_SECONDS")));
    return 0;
  }
}
