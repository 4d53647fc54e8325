package dev.llmproxy.cli;

import dev.llmproxy.app.RunningServer;
import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.doctor.Finding;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.util.List;
import java.util.Optional;

/** Checks that the server can listen or already listens. */
final class PortCheck {
  private static final String CHECK = "port";

  private final Settings settings;
  private final ServerProbe probe;

  PortCheck(Settings settings) {
    this.settings = settings;
    this.probe = new ServerProbe(settings);
  }

  List<Finding> run() {
    int port = HttpSettings.of(settings).port();
    Optional<RunningServer> server = probe.server();
    if (server.isPresent()) {
      int runsOn = URI.create(server.get().url()).getPort();
      String what =
          "llmproxy runs on %d (process %d, with this data folder)"
              .formatted(runsOn, server.get().pid());
      return List.of(
          port == 0 || port == runsOn
              ? Finding.ok(CHECK, what)
              : Finding.warning(
                  CHECK,
                  what + ", but PORT is " + port,
                  "Restart the server to use the new PORT, or set PORT to " + runsOn));
    }
    String host = settings.text("HOST");
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(host, port));
      return List.of(
          Finding.ok(
              CHECK, port == 0 ? "PORT is 0: any free port" : port + " on " + host + " is free"));
    } catch (IOException e) {
      return List.of(taken(host, port, e));
    }
  }

  private Finding taken(String host, int port, IOException why) {
    return switch (probe.at(RunningServer.url(probe.scheme(), host, port))) {
      case OURS -> Finding.ok(CHECK, "llmproxy runs on " + port + " (with this data folder)");
      case ANOTHER_LLMPROXY ->
          Finding.problem(
              CHECK,
              "another llmproxy uses %d on %s, not the server of %s"
                  .formatted(port, host, probe.data()),
              "To check that server, set LLMPROXY_DATA to its folder; otherwise stop it, or set PORT to another port");
      case ANOTHER_PROGRAM ->
          Finding.problem(
              CHECK,
              "%d on %s cannot be used: another program uses it".formatted(port, host),
              "Stop that program, or set PORT to another port");
      case SILENT ->
          Finding.problem(
              CHECK,
              "%d on %s cannot be used: another program uses it and does not answer"
                  .formatted(port, host),
              "Stop that program, or set PORT to another port");
      case NOBODY ->
          Finding.problem(
              CHECK,
              "%d on %s cannot be used: %s".formatted(port, host, why.getMessage()),
              "Set HOST to an address of this machine, and PORT to a free port above 1023");
    };
  }
}
