package dev.llmproxy.cli;

import dev.llmproxy.admin.AdminLinks;
import dev.llmproxy.admin.OwnAddress;
import dev.llmproxy.app.RunningServer;
import dev.llmproxy.base.AdminSettings;
import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.base.Settings;
import java.io.PrintWriter;
import java.net.URI;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints a one-time link to the management pages. */
@Command(
    name = "admin-link",
    mixinStandardHelpOptions = true,
    description = {
      "Prints a one-time link that signs in to the management pages as administrator.",
      "It is valid for 15 minutes, and works once, in a browser on the server's machine (see ADMIN_LINK)."
    })
final class AdminLinkCommand implements Callable<Integer> {
  private final Settings settings;

  @Spec private CommandSpec spec;

  AdminLinkCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() {
    PrintWriter err = spec.commandLine().getErr();
    AdminSettings admin = AdminSettings.of(settings);
    if (admin.link().equals("off")) {
      err.println("llmproxy: one-time links are off (ADMIN_LINK)");
      return 1;
    }
    String token = AdminLinks.create(settings);
    if (token == null) {
      err.println("llmproxy: there is no ledger yet; start the server first: ./llmproxy start");
      return 1;
    }
    HttpSettings http = HttpSettings.of(settings);
    int port =
        RunningServer.of(settings.path("LLMPROXY_DATA"))
            .map(server -> URI.create(server.url()).getPort())
            .orElse(http.port());
    spec.commandLine()
        .getOut()
        .println(new OwnAddress(admin, http).url(port) + AdminLinks.PATH + token);
    return 0;
  }
}
