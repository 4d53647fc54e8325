package dev.llmproxy.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints a script that lets a shell complete commands and options. */
@Command(
    name = "completion",
    mixinStandardHelpOptions = true,
    description = {
      "Prints a script that completes commands and options with the tab key.",
      "For the current shell: eval \"$(./llmproxy completion bash)\"",
      "For every shell: add that line, with the full path of llmproxy, to ~/.bashrc or ~/.zshrc."
    })
final class CompletionCommand implements Runnable {
  /** The shells that have a script. */
  enum Shell {
    bash,
    zsh
  }

  /** Not read yet: one script serves both shells. */
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
