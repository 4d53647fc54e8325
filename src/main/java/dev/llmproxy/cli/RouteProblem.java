package dev.llmproxy.cli;

import dev.llmproxy.base.Causes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.FailedToCreateRouteException;
import org.apache.camel.NoSuchBeanException;
import org.apache.camel.NoSuchEndpointException;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;

/**
 * Says what is wrong with a route, of a start that has failed: file, line and reason, as an editor
 * of YAML needs them, in place of what Camel says of its own classes.
 */
final class RouteProblem {
  /** How Camel names a file: {@code file:/…/routes/x.camel.yaml, line 10, column 11}. */
  private static final Pattern FILE =
      Pattern.compile("file:(\\S.*?\\.ya?ml)(?:, line (\\d+))?", Pattern.DOTALL);

  private static final Pattern PLACEHOLDER = Pattern.compile("Property with key \\[([^]]+)]");
  private static final Pattern UNKNOWN_STEP = Pattern.compile("Unknown node id: ([^\\s]+)");

  private static final Pattern TWICE =
      Pattern.compile("Duplicate route ids detected: ([^\\s]+)\\.");

  private final Path home;

  /**
   * @param home the folder that holds routes/
   */
  RouteProblem(Path home) {
    this.home = home;
  }

  /** One sentence, or null when the failure is none of a route. */
  String inWords(Throwable failure) {
    String file = null;
    String line = null;
    String reason = null;
    String culprit = null;
    for (Throwable cause : Causes.of(failure)) {
      String message = String.valueOf(cause.getMessage());
      Matcher named = FILE.matcher(message);
      if (file == null && named.find()) {
        file = named.group(1);
        line = named.group(2);
      }
      Matcher step = UNKNOWN_STEP.matcher(message);
      Matcher placeholder = PLACEHOLDER.matcher(message);
      if (step.find()) {
        reason = "there is no step \"%s\"".formatted(step.group(1));
      } else if (placeholder.find()) {
        culprit = placeholder.group(1);
        reason = "there is no setting %s in application.properties".formatted(culprit);
      }
      switch (cause) {
        case MarkedYamlEngineException yaml -> {
          line =
              yaml.getProblemMark()
                  .map(Mark::getLine)
                  .map(index -> Integer.toString(index + 1))
                  .orElse(line);
          reason = reason == null ? "this is no YAML: " + yaml.getProblem() : reason;
        }
        case NoSuchBeanException bean -> {
          culprit = bean.getName();
          reason = "there is no bean \"%s\" in beans.camel.yaml".formatted(culprit);
        }
        case NoSuchEndpointException endpoint -> {
          culprit = endpoint.getUri().replace("://", ":");
          reason = "nothing here can be called by \"%s\"".formatted(culprit);
        }
        case FailedToCreateRouteException route -> {
          file = file == null ? fileOf(route.getRouteId()) : file;
          reason = reason == null ? lastWords(route) : reason;
        }
        default -> {}
      }
      Matcher twice = TWICE.matcher(message);
      if (twice.find()) {
        file = home.resolve("routes").toString();
        reason = "two routes have the id %s".formatted(twice.group(1));
      }
    }
    if (file == null || reason == null) {
      return null;
    }
    line = line == null ? lineWith(file, culprit) : line;
    return "%s%s: %s.".formatted(file, line == null ? "" : ", line " + line, reason);
  }

  /** The file of a route's id, when there is one; the name of a file is its route's id. */
  private String fileOf(String routeId) {
    Path file = home.resolve("routes").resolve(routeId + ".camel.yaml");
    return Files.exists(file) ? file.toString() : null;
  }

  private static String lastWords(Throwable failure) {
    String message = String.valueOf(Causes.root(failure).getMessage());
    return message.substring(message.lastIndexOf(" due to: ") + 1).replaceFirst("^due to: ", "");
  }

  private static String lineWith(String file, String culprit) {
    if (culprit == null) {
      return null;
    }
    try {
      List<String> lines = Files.readAllLines(Path.of(file));
      for (int i = 0; i < lines.size(); i++) {
        if (lines.get(i).contains(culprit)) {
          return Integer.toString(i + 1);
        }
      }
    } catch (IOException e) {
      // The file and the reason are worth saying without the line.
    }
    return null;
  }
}
