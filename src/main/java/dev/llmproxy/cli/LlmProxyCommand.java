package dev.llmproxy.cli;

import dev.llmproxy.Settings;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/** The command line {@code llmproxy}. Exit status: 0 done, 1 failed, 2 called wrongly. */
@Command(
    name = "llmproxy",
    mixinStandardHelpOptions = true,
    version = "llmproxy 0.1.0",
    description =
        "An OpenAI-compatible gateway: one API key for many models, usage in a spreadsheet.",
    footer = "%nSettings come from application.properties and the environment, which beats it.",
    subcommands = {
      StartCommand.class,
      InitWorkbookCommand.class,
      DoctorCommand.class,
      CreateApiKeyCommand.class,
      ListKeysCommand.class,
      RevokeKeyCommand.class,
      UsageCommand.class,
      ConversationsCommand.class,
      ExportCommand.class,
      DeadLettersCommand.class,
      TestRestApiCommand.class,
      HelpCommand.class
    })
public final class LlmProxyCommand {
  private static final Logger LOG = LoggerFactory.getLogger(LlmProxyCommand.class);

  private LlmProxyCommand() {}

  /** Runs a command and ends the process with its exit status. */
  public static void main(String[] arguments) {
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    System.exit(
        commandLine(Settings.load(Settings.defaultHome()))
            .setOut(out)
            .setErr(err)
            .execute(arguments));
  }

  /** The command line for these settings; its commands print where it is told to. */
  static CommandLine commandLine(Settings settings) {
    return new CommandLine(new LlmProxyCommand(), new SettingsFactory(settings))
        .setExecutionExceptionHandler((failure, command, parsed) -> {
          LOG.debug("{} failed", command.getCommandName(), failure);
          command.getErr().println("llmproxy: " + failure.getMessage());
          return command.getCommandSpec().exitCodeOnExecutionException();
        });
  }

  /** Commands are made with the settings as their only constructor argument. */
  private record SettingsFactory(Settings settings) implements CommandLine.IFactory {
    @Override
    public <K> K create(Class<K> type) throws Exception {
      try {
        return type.getDeclaredConstructor(Settings.class).newInstance(settings);
      } catch (NoSuchMethodException e) {
        return CommandLine.defaultFactory().create(type);
      }
    }
  }
}
