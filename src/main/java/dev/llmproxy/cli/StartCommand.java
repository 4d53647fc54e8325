package dev.llmproxy.cli;

import dev.llmproxy.admin.AdminLinks;
import dev.llmproxy.admin.AdminParts;
import dev.llmproxy.app.Application;
import dev.llmproxy.app.ConfigurationCheck;
import dev.llmproxy.app.Server;
import dev.llmproxy.base.Problem;
import dev.llmproxy.base.Settings;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.doctor.SettingsCheck;
import dev.llmproxy.flush.FlushBook;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the server until the process is stopped. */
@Command(
    name = "start",
    mixinStandardHelpOptions = true,
    description = "Starts the server. Ctrl-C stops it.")
final class StartCommand implements Callable<Integer> {
  private static final String FIRST_EMAIL = "developer@example.com";

  private Settings settings;

  @Option(
      names = "--first-key",
      description =
          "Creates and prints an API key for " + FIRST_EMAIL + " if the workbook has no keys.")
  private boolean firstKey;

  @Option(
      names = "--port",
      paramLabel = "PORT",
      description = "Listens on this port (0: any free port) instead of the setting PORT.")
  private Integer port;

  @Spec private CommandSpec spec;

  StartCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() throws InterruptedException {
    if (port != null) {
      settings = settings.with("PORT", Integer.toString(port));
    }
    Application application = open();
    String key = firstKey ? createFirstKey(application) : null;
    Server server = start(application, key);
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

  private Application open() {
    try {
      new SettingsCheck(settings).requireValidValues();
      Server.tryToListen(settings);
      return Application.open(settings);
    } catch (Settings.SettingException e) {
      List<String> all = ConfigurationCheck.run(settings).stream().map(Problem::text).toList();
      throw all.isEmpty() ? e : new Settings.SettingException(all);
    }
  }

  private Server start(Application application, String key) {
    try {
      return Server.start(application);
    } catch (RuntimeException e) {
      if (key != null) {
        // The next start finds this key and creates no other; the workbook has only its hash.
        spec.commandLine().getOut().println("Your first API key (it is not shown again): " + key);
      }
      throw e;
    }
  }

  private static String createFirstKey(Application application) {
    ApiKeyBook book =
        new ApiKeyBook(
            application.workbook(),
            FlushBook.sheetMemory(application.settings()),
            application.tiers()::rows);
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
    String url = application.values().http().tls().scheme() + "://localhost:" + port + "/v1";
    out.println();
    out.println("llmproxy is ready: " + url);
    out.println("  reachable  " + reachableFrom(settings.text("HOST")));
    out.println("  workbook   " + workbook(application));
    out.println("  providers  " + providers(application, true));
    out.println("  off        " + providers(application, false));
    out.println();
    out.println("Management pages: " + pages(application, port));
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
        "With \"tools\":[{\"type\":\"web_search\"}] in the request, the server searches the web for the answer (docs/tools.md).");
    out.println();
    out.flush();
  }

  /** The address of the management pages; with a one-time link when there is no other sign-in. */
  private static String pages(Application application, int port) {
    AdminParts admin = application.admin();
    String url = admin.ownAddress().url(port);
    return admin.startsWithLink(application.values().admin())
        ? url + AdminLinks.PATH + admin.links().create()
        : url + "/admin/";
  }

  private static String reachableFrom(String host) {
    try {
      InetAddress address = InetAddress.getByName(host);
      if (address.isLoopbackAddress()) {
        return "from this machine only (HOST = %s)".formatted(host);
      }
      return "from %s, over plain HTTP (HOST = %s)"
          .formatted(
              address.isAnyLocalAddress()
                  ? "every network of this machine"
                  : "the network of " + address.getHostAddress(),
              host);
    } catch (UnknownHostException e) {
      return "at " + host;
    }
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
        .collect(
            Collectors.collectingAndThen(
                Collectors.joining(", "), names -> names.isEmpty() ? "none" : names));
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
