package dev.llmproxy.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints the script by which a shell completes the commands and their options. */
@Command(
    name = "completion",
    mixinStandardHelpOptions = true,
    description = {
      "Prints a script that completes commands and options with the tab key.",
      "For this shell: eval \"$(./llmproxy completion bash)\"",
      "For each: add that line, with the launcher's whole path, to ~/.bashrc or ~/.zshrc."
    })
final class CompletionCommand implements Runnable {
  /** The shells that have a script. */
  enum Shell {
    bash,
    zsh
  }

  /** One script serves both; naming one leaves room for another. */
  @SuppressWarnings("UnusedVariable")
  @Parameters(index = "0", paramLabel = "SHELL", description = "${COMPLETION-CANDIDATES}")
  private Shell shell;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    spec.commandLine().getOut().print(AutoComplete.bash("llmproxy", spec.root().commandLine()));
    spec.commandLine().getOut().flush();
  }
}
