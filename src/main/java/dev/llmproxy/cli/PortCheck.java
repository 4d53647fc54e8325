package dev.llmproxy.cli;

import dev.llmproxy.app.RunningServer;
import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.util.List;
import java.util.Optional;

/** Whether the server can listen, or does so already. */
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
          "llmproxy runs on %d (process %d, of this data folder)"
              .formatted(runsOn, server.get().pid());
      return List.of(
          port == 0 || port == runsOn
              ? Finding.ok(CHECK, what)
              : Finding.warning(
                  CHECK,
                  what + ", and PORT is " + port,
                  "Restart it to have it listen there, or set PORT to " + runsOn));
    }
    String host = settings.text("HOST");
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(host, port));
      return List.of(
          Finding.ok(
              CHECK, port == 0 ? "any free one is taken" : port + " on " + host + " is free"));
    } catch (IOException e) {
      return List.of(taken(host, port, e));
    }
  }

  private Finding taken(String host, int port, IOException why) {
    return switch (probe.at(RunningServer.url(host, port))) {
      case OURS -> Finding.ok(CHECK, "llmproxy runs on " + port + " (of this data folder)");
      case ANOTHER_LLMPROXY ->
          Finding.problem(
              CHECK,
              "another llmproxy has %d on %s, not the server of %s"
                  .formatted(port, host, probe.data()),
              "Set LLMPROXY_DATA to that server's folder if it is meant; else end it, or set PORT to another");
      case ANOTHER_PROGRAM ->
          Finding.problem(
              CHECK,
              "another program has %d on %s, which cannot be used".formatted(port, host),
              "End that program, or set PORT to another");
      case SILENT ->
          Finding.problem(
              CHECK,
              "what has %d on %s takes connections and does not answer, so it cannot be used"
                  .formatted(port, host),
              "End that program, or set PORT to another");
      case NOBODY ->
          Finding.problem(
              CHECK,
              "%d on %s cannot be used: %s".formatted(port, host, why.getMessage()),
              "Set HOST to an address of this machine, and PORT to one above 1023 that is free");
    };
  }
}
