package dev.llmproxy.cli;

import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.base.Settings;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints the settings with which a program uses this server. */
@Command(
    name = "connect",
    mixinStandardHelpOptions = true,
    description = {
      "Prints the settings with which a program uses this server.",
      "Without CLIENT it lists the programs. docs/clients.md says where the settings belong."
    })
final class ConnectCommand implements Callable<Integer> {
  /** The programs by their names here, with their names for people. */
  static final Map<String, String> CLIENTS = new LinkedHashMap<>();

  static {
    CLIENTS.put("claude", "Claude Code");
    CLIENTS.put("codex", "Codex");
    CLIENTS.put("opencode", "opencode");
    CLIENTS.put("copilot", "Copilot CLI");
    CLIENTS.put("qwen", "Qwen Code");
    CLIENTS.put("cline", "Cline");
    CLIENTS.put("continue", "Continue");
    CLIENTS.put("aider", "aider");
    CLIENTS.put("llm", "llm");
    CLIENTS.put("open-webui", "Open WebUI");
    CLIENTS.put("librechat", "LibreChat");
    CLIENTS.put("n8n", "n8n");
    CLIENTS.put("openai", "OpenAI's SDKs");
    CLIENTS.put("anthropic", "Anthropic's SDKs");
    CLIENTS.put("ai-sdk", "AI SDK");
    CLIENTS.put("langchain", "LangChain");
    CLIENTS.put("agents", "OpenAI Agents SDK");
  }

  /**
   * Characters without a meaning in a shell, and in a string of JSON, TOML, YAML and the languages.
   */
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9._:/@+-]+");

  private final Settings settings;

  @Parameters(index = "0", paramLabel = "CLIENT", arity = "0..1", description = "The program.")
  private String client;

  @Option(
      names = "--key",
      defaultValue = "YOUR_KEY",
      description = "The API key (default: ${DEFAULT-VALUE}).")
  private String key;

  @Option(
      names = "--model",
      defaultValue = "YOUR_MODEL",
      description = "The model, e.g. groq/openai/gpt-oss-120b (default: ${DEFAULT-VALUE}).")
  private String model;

  @Option(
      names = "--url",
      description = "The server's address, without /v1 (default: http://localhost and PORT).")
  private String url;

  @Spec private CommandSpec spec;

  ConnectCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() throws IOException {
    if (client == null) {
      CLIENTS.forEach(
          (name, title) -> spec.commandLine().getOut().printf("%-12s %s%n", name, title));
      return 0;
    }
    if (!CLIENTS.containsKey(client)) {
      throw new ParameterException(
          spec.commandLine(),
          "there is no client \"%s\"; the clients are %s"
              .formatted(client, String.join(", ", CLIENTS.keySet())));
    }
    spec.commandLine()
        .getOut()
        .print(
            template()
                .replace("{{URL}}", address())
                .replace("{{KEY}}", plain("--key", key))
                .replace("{{MODEL}}", plain("--model", model)));
    spec.commandLine().getOut().flush();
    return 0;
  }

  private String template() throws IOException {
    String resource = "/clients/" + client + ".txt";
    try (InputStream in = ConnectCommand.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new FileNotFoundException(resource + " is not on the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private String address() {
    if (url == null) {
      return "http://localhost:" + HttpSettings.of(settings).port();
    }
    String address = plain("--url", url).replaceFirst("/+$", "").replaceFirst("/v1$", "");
    if (!address.matches("https?://.+")) {
      throw new ParameterException(
          spec.commandLine(),
          "--url is \"%s\"; it must begin with http:// or https://".formatted(url));
    }
    return address;
  }

  /** The value of an option, if it can stand in every kind of settings without quotation marks. */
  private String plain(String option, String value) {
    if (!PLAIN.matcher(value).matches()) {
      throw new ParameterException(
          spec.commandLine(),
          "%s has characters other than letters, digits and ._:/@+-".formatted(option));
    }
    return value;
  }
}
