package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.app.ConfigurationCheck;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Problem;
import dev.llmproxy.base.Settings;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Checks the configuration as the server does at its start and before it uses an edit. */
@Command(
    name = "validate",
    mixinStandardHelpOptions = true,
    description = {
      "Checks settings, providers, aliases, MCP servers and routes, and prints every problem with its file and line.",
      "Uses no port, no network and no data, so it works beside a running server and on a machine that only builds. Exit"
          + " status 1 when there is a problem."
    })
final class ValidateCommand implements Callable<Integer> {
  private final Settings settings;

  @Option(names = "--json", description = "Prints a JSON object.")
  private boolean json;

  @Spec private CommandSpec spec;

  ValidateCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public Integer call() {
    List<Problem> problems = ConfigurationCheck.run(settings);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.pretty(json(problems)));
    } else if (problems.isEmpty()) {
      out.println("Settings, providers and routes are valid.");
    } else {
      problems.forEach(problem -> out.println(problem.text()));
    }
    return problems.isEmpty() ? 0 : 1;
  }

  private static ObjectNode json(List<Problem> problems) {
    ObjectNode answer = Json.object().put("valid", problems.isEmpty());
    ArrayNode list = answer.putArray("problems");
    problems.forEach(problem -> list.add(problem.toJson()));
    return answer;
  }
}
