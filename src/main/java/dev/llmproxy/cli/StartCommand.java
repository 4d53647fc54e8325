package dev.llmproxy.cli;

import dev.llmproxy.Application;
import dev.llmproxy.Server;
import dev.llmproxy.Settings;
import dev.llmproxy.gate.ApiKey;
import dev.llmproxy.provider.Provider;
import dev.llmproxy.workbook.ApiKeyBook;
import java.io.PrintWriter;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the server until the process is told to end. */
@Command(
    name = "start",
    mixinStandardHelpOptions = true,
    description = "Starts the server; Ctrl-C ends it.")
final class StartCommand implements Callable<Integer> {
  private static final String FIRST_EMAIL = "developer@example.com";

  private final Settings settings;

  @Option(
      names = "--first-key",
      description =
          "Makes an API key for " + FIRST_EMAIL + " when the workbook has none, and prints it.")
  private boolean firstKey;

  @Spec private CommandSpec spec;

  StartCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() throws InterruptedException {
    new SettingsCheck(settings).demandValues();
    Application application = Application.open(settings);
    String key = firstKey ? makeFirstKey(application) : null;
    Server server = Server.start(application);
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  server.close();
                  spec.commandLine().getOut().println("llmproxy has stopped.");
                  ended.countDown();
                },
                "llmproxy-stop"));
    welcome(application, server.port(), key);
    ended.await();
    return 0;
  }

  private static String makeFirstKey(Application application) {
    ApiKeyBook book = new ApiKeyBook(application.workbook());
    if (!book.rows().isEmpty()) {
      return null;
    }
    String key = ApiKey.generate(new SecureRandom());
    book.add(
        key,
        FIRST_EMAIL,
        "First key",
        "free",
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    return key;
  }

  private void welcome(Application application, int port, String key) {
    PrintWriter out = spec.commandLine().getOut();
    String url = "http://localhost:" + port + "/v1";
    out.println();
    out.println("llmproxy is ready: " + url);
    out.println("  workbook   " + workbook(application));
    out.println("  providers  " + providers(application, true));
    out.println("  off        " + providers(application, false));
    out.println();
    if (key != null) {
      out.println("Your first API key (it is not shown again):");
      out.println();
      out.println("  " + key);
    } else {
      out.println("Another API key: ./llmproxy create-api-key you@example.com \"My key\"");
    }
    out.println();
    out.println("Try it:");
    out.println();
    out.println("  curl -N " + url + "/chat/completions \\");
    out.println(
        "    -H \"Authorization: Bearer "
            + (key != null ? key : "$LLMPROXY_KEY")
            + "\" -H \"Content-Type: application/json\" \\");
    out.println(
        "    -d '{\"model\":\""
            + firstModel(application)
            + "\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"What is the capital of France?\"}]}'");
    out.println();
    out.println(
        "With \"tools\":[{\"type\":\"web_search\"}] in it the server can search the web for the answer, and shows that (docs/tools.md).");
    out.println();
    out.flush();
  }

  private String workbook(Application application) {
    return application.workbook().runsHere()
        ? "embedded, in " + settings.path("LLMPROXY_DATA")
        : application.workbook().rootUrl()
            + ", spreadsheet "
            + application.workbook().spreadsheetId();
  }

  private static String providers(Application application, boolean on) {
    return application.providers().providers().stream()
        .filter(provider -> provider.on() == on)
        .map(provider ->
            on
                ? provider.name()
                : provider.name() + " (" + provider.off().replace(" is not set", "") + ")")
        .collect(Collectors.joining(", "));
  }

  private static String firstModel(Application application) {
    for (Provider provider : application.providers().providers()) {
      if (provider.on() && !provider.models().isEmpty()) {
        return provider.name() + "/" + provider.models().get(0).id();
      }
    }
    return "provider/model";
  }
}
