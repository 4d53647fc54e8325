package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.app.ReloadRequest;
import dev.llmproxy.app.RunningServer;
import dev.llmproxy.base.Problem;
import dev.llmproxy.base.Settings;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Has the running server read its routes, providers and settings again. */
@Command(
    name = "reload",
    mixinStandardHelpOptions = true,
    description = {
      "Has the running server read routes, providers and settings again.",
      "New requests are served by the new routes; running ones end on the old ones. A mistake changes nothing and is"
          + " printed. Exit status 1 when there is one."
    })
final class ReloadCommand implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Settings settings;

  @Spec private CommandSpec spec;

  ReloadCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() throws InterruptedException {
    Path data = settings.path("LLMPROXY_DATA");
    if (RunningServer.of(data).isEmpty()) {
      throw new IllegalStateException("No server runs with the data folder " + data);
    }
    JsonNode answer =
        new ReloadRequest(data)
            .send(PATIENCE)
            .orElseThrow(
                () -> new IllegalStateException("The server does not answer; its log may say why"));
    PrintWriter out = spec.commandLine().getOut();
    JsonNode last = answer.path("last_attempt");
    for (JsonNode each : last.path("problems")) {
      out.println(
          new Problem(
                  each.path("file").textValue(),
                  each.path("line").asInt(),
                  each.path("reason").asText())
              .text());
    }
    if (!last.path("used").asBoolean()) {
      out.println("Nothing has changed.");
      return 1;
    }
    out.printf("Generation %d serves new requests.%n", answer.path("number").asInt());
    if (!last.path("need_restart").isEmpty()) {
      StringBuilder names = new StringBuilder();
      last.path("need_restart").forEach(name -> names.append(' ').append(name.asText()));
      out.println("These settings need a restart:" + names);
    }
    return 0;
  }
}
