package dev.llmproxy.cli;

import dev.llmproxy.base.Settings;
import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * Reads an API key from an argument, standard input or the environment. Arguments are visible to
 * other users in the process list and stay in the shell's history; the other two are not and do
 * not.
 */
final class KeySource {
  private static final String VARIABLE = "LLMPROXY_KEY";

  /** Which source is read first when no argument is given. */
  enum First {
    /** For harmless commands, which may run with an open standard input that sends nothing. */
    ENVIRONMENT,
    /** For commands where a piped key must win over the environment. */
    STANDARD_INPUT
  }

  private final Settings settings;
  private final CommandSpec spec;
  private final InputStream standardInput;

  KeySource(Settings settings, CommandSpec spec, InputStream standardInput) {
    this.settings = settings;
    this.spec = spec;
    this.standardInput = standardInput;
  }

  /**
   * Reads the key.
   *
   * @param argument null when none was given; {@code -} means standard input
   * @throws ParameterException when no source has a key
   */
  String read(String argument, First first) {
    if (argument != null && !argument.equals("-")) {
      return argument;
    }
    Optional<String> variable = argument == null ? settings.find(VARIABLE) : Optional.empty();
    Console terminal = terminal();
    if (variable.isPresent() && (first == First.ENVIRONMENT || terminal != null)) {
      return variable.get();
    }
    return (terminal == null ? line() : ask(terminal))
        .or(() -> variable)
        .orElseThrow(() ->
            new ParameterException(
                spec.commandLine(),
                "no key is given: pass it as an argument, set "
                    + VARIABLE
                    + ", or pipe it in (- reads standard input)"));
  }

  private Optional<String> line() {
    try {
      BufferedReader reader =
          new BufferedReader(new InputStreamReader(standardInput, StandardCharsets.UTF_8));
      return Optional.ofNullable(reader.readLine())
          .map(String::strip)
          .filter(key -> !key.isEmpty());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Optional<String> ask(Console terminal) {
    char[] typed = terminal.readPassword("API key (not shown): ");
    return Optional.ofNullable(typed).map(String::new).map(String::strip).filter(k -> !k.isEmpty());
  }

  /** Null without a terminal. Java 22 and newer have a console for pipes too, hence isTerminal. */
  @SuppressWarnings("SystemConsoleNull")
  private static Console terminal() {
    Console console = System.console();
    if (console == null) {
      return null;
    }
    try {
      return (boolean) Console.class.getMethod("isTerminal").invoke(console) ? console : null;
    } catch (ReflectiveOperationException e) {
      return console;
    }
  }
}
