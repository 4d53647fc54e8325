package dev.llmproxy.cli;

import dev.llmproxy.base.DataFolder;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Version;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line {@code llmproxy}. Exit status: 0 success, 1 failure, 2 invalid arguments. */
@Command(
    name = "llmproxy",
    mixinStandardHelpOptions = true,
    versionProvider = LlmProxyCommand.ProductVersion.class,
    description =
        "An OpenAI-compatible gateway: one API key for many models, usage in a spreadsheet.",
    footer = "%nSettings come from application.properties; environment variables override them.")
public final class LlmProxyCommand {
  /** The line that {@code --version} prints. */
  static final class ProductVersion implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"llmproxy " + Version.current()};
    }
  }

  private static final String DATA = "LLMPROXY_DATA";

  /** The commands by name, in the order of the help. */
  private static final List<Map.Entry<String, Class<?>>> COMMANDS =
      List.of(
          Map.entry("start", StartCommand.class),
          Map.entry("init-workbook", InitWorkbookCommand.class),
          Map.entry("doctor", DoctorCommand.class),
          Map.entry("validate", ValidateCommand.class),
          Map.entry("reload", ReloadCommand.class),
          Map.entry("create-api-key", CreateApiKeyCommand.class),
          Map.entry("list-keys", ListKeysCommand.class),
          Map.entry("revoke-key", RevokeKeyCommand.class),
          Map.entry("confirm-keys", ConfirmKeysCommand.class),
          Map.entry("admin-link", AdminLinkCommand.class),
          Map.entry("usage", UsageCommand.class),
          Map.entry("models", ModelsCommand.class),
          Map.entry("conversations", ConversationsCommand.class),
          Map.entry("export", ExportCommand.class),
          Map.entry("import", ImportCommand.class),
          Map.entry("dead-letters", DeadLettersCommand.class),
          Map.entry("connect", ConnectCommand.class),
          Map.entry("test-rest-api", TestRestApiCommand.class),
          Map.entry("completion", CompletionCommand.class),
          Map.entry("help", HelpCommand.class));

  /** Commands whose output is about all commands. */
  private static final Set<String> ABOUT_ALL = Set.of("completion", "help");

  /** The character that Java substitutes for bytes that are invalid in the locale's encoding. */
  private static final char UNREADABLE = '\uFFFD';

  /** Commands that do not use the data folder, or report its problems themselves. */
  private static final Set<String> WITHOUT_DATA =
      Set.of(
          "start",
          "doctor",
          "validate",
          "models",
          "connect",
          "test-rest-api",
          "completion",
          "help");

  private LlmProxyCommand() {}

  /** Runs a command and ends the process with its exit status. */
  public static void main(String[] arguments) {
    // Camel changes the case of names by the default locale; in Turkish, the small I has no dot.
    Locale.setDefault(Locale.ROOT);
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    if (Arrays.stream(arguments).anyMatch(argument -> argument.indexOf(UNREADABLE) >= 0)) {
      err.println(
          "llmproxy: an argument has characters that this terminal's locale cannot encode; set LC_ALL=C.UTF-8");
      System.exit(2);
    }
    System.exit(run(Settings.defaultHome(), out, err, arguments));
  }

  /** Runs a command with the settings of a home folder; returns its exit status. */
  static int run(Path home, PrintWriter out, PrintWriter err, String... arguments) {
    Settings settings;
    try {
      settings = Settings.load(home);
    } catch (RuntimeException e) {
      err.println("llmproxy: " + inWords(e));
      return 1;
    }
    String name = arguments.length == 0 ? "" : arguments[0];
    boolean alone =
        !ABOUT_ALL.contains(name)
            && COMMANDS.stream().anyMatch(command -> command.getKey().equals(name));
    // Reading the annotations of all commands takes longer than opening the ledger.
    return commandLine(settings, each -> !alone || each.equals(name))
        .setOut(out)
        .setErr(err)
        .execute(arguments);
  }

  /** The command line for these settings. */
  static CommandLine commandLine(Settings settings) {
    return commandLine(settings, name -> true);
  }

  /**
   * @param needed the names of the commands to include
   */
  private static CommandLine commandLine(Settings settings, Predicate<String> needed) {
    SettingsFactory factory = new SettingsFactory(settings);
    CommandLine commands = new CommandLine(new LlmProxyCommand(), factory);
    COMMANDS.stream()
        .filter(command -> needed.test(command.getKey()))
        .forEach(command ->
            commands.addSubcommand(command.getKey(), new CommandLine(command.getValue(), factory)));
    return commands
        .registerConverter(Integer.class, LlmProxyCommand::wholeNumber)
        .registerConverter(int.class, LlmProxyCommand::wholeNumber)
        .registerConverter(LocalDate.class, LlmProxyCommand::day)
        .setExecutionStrategy(parsed -> run(settings, parsed))
        .setParameterExceptionHandler((mistake, arguments) -> invalidArguments(mistake, arguments))
        .setExecutionExceptionHandler((failure, command, parsed) -> {
          // Created here because starting the log takes longer than some commands.
          LoggerFactory.getLogger(LlmProxyCommand.class)
              .debug("{} failed", command.getCommandName(), failure);
          command.getErr().println("llmproxy: " + inWords(failure));
          return command.getCommandSpec().exitCodeOnExecutionException();
        });
  }

  /**
   * Runs a command. Control characters in its output are escaped. Makes the data folder private
   * first, because an earlier release may have left it open to other accounts.
   */
  private static int run(Settings settings, ParseResult parsed) {
    if (parsed.hasSubcommand()
        && !WITHOUT_DATA.contains(parsed.subcommand().commandSpec().name())) {
      Path folder = settings.path(DATA);
      if (inaccessible(folder)) {
        // Without this check, the command would report an empty folder.
        parsed
            .commandSpec()
            .commandLine()
            .getErr()
            .printf(
                "llmproxy: the account %s cannot access the data folder %s; run commands under the server's account%n",
                System.getProperty("user.name"), folder);
        return 1;
      }
      DataFolder.tighten(folder);
    }
    CommandLine top = parsed.commandSpec().commandLine();
    top.setOut(new PrintWriter(new HarmlessWriter(top.getOut()), true));
    top.setErr(new PrintWriter(new HarmlessWriter(top.getErr()), true));
    return new CommandLine.RunLast().execute(parsed);
  }

  private static boolean inaccessible(Path folder) {
    return Files.exists(folder)
        ? Files.isDirectory(folder) && !(Files.isReadable(folder) && Files.isExecutable(folder))
        : !Files.notExists(folder);
  }

  /** Prints the mistake and the command's help option; without arguments, the help itself. */
  private static int invalidArguments(ParameterException mistake, String[] arguments) {
    CommandLine command = mistake.getCommandLine();
    PrintWriter err = new PrintWriter(new HarmlessWriter(command.getErr()), true);
    if (arguments.length == 0) {
      command.usage(err);
      return command.getCommandSpec().exitCodeOnInvalidInput();
    }
    err.println("llmproxy: " + inWords(mistake));
    UnmatchedArgumentException.printSuggestions(mistake, err);
    err.println("See ./%s --help".formatted(command.getCommandSpec().qualifiedName()));
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  private static String inWords(ParameterException mistake) {
    boolean noCommand =
        mistake instanceof UnmatchedArgumentException unmatched
            && mistake.getCommandLine().getParent() == null
            && !unmatched.isUnknownOption();
    return noCommand
        ? "there is no command \"%s\""
            .formatted(((UnmatchedArgumentException) mistake).getUnmatched().get(0))
        : mistake.getMessage();
  }

  /** The failure in words, without names of Java classes. */
  static String inWords(Throwable failure) {
    return switch (failure) {
      case NoSuchFileException e -> e.getFile() + " does not exist";
      case FileAlreadyExistsException e -> e.getFile() + " exists already";
      case AccessDeniedException e -> "access to " + e.getFile() + " is denied";
      case FileSystemException e when e.getReason() != null -> e.getFile() + ": " + e.getReason();
      case UncheckedIOException e -> inWords(e.getCause());
      default ->
          failure.getMessage() == null ? "unexpected failure: " + failure : failure.getMessage();
    };
  }

  private static int wholeNumber(String value) {
    try {
      return Integer.parseInt(value);
    } catch (NumberFormatException e) {
      throw new TypeConversionException("\"" + value + "\" is not a whole number");
    }
  }

  private static LocalDate day(String value) {
    try {
      return LocalDate.parse(value);
    } catch (DateTimeParseException e) {
      throw new TypeConversionException("\"" + value + "\" is not a date such as 2026-01-31");
    }
  }

  /** Creates commands with the settings as their only constructor argument. */
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
