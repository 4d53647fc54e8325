package dev.llmproxy.app;

import dev.llmproxy.base.Causes;
import dev.llmproxy.base.Problem;
import dev.llmproxy.base.RouteSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.FailedToCreateRouteException;
import org.apache.camel.NoSuchBeanException;
import org.apache.camel.NoSuchEndpointException;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;

/**
 * Finds the route that made a start fail: its file, line and a reason in words, instead of Camel's
 * messages about its own classes.
 */
final class RouteProblem {
  /** A file in Camel's messages: {@code file:/…/routes/x.camel.yaml, line 10, column 11}. */
  private static final Pattern FILE =
      Pattern.compile("file:(\\S.*?\\.ya?ml)(?:, line (\\d+))?", Pattern.DOTALL);

  private static final Pattern PLACEHOLDER = Pattern.compile("Property with key \\[([^]]+)]");
  private static final Pattern UNKNOWN_STEP = Pattern.compile("Unknown node id: ([^\\s]+)");

  /** A name that a route uses for a step or an expression: {@code bean.method}. */
  private static final Pattern REFERENCE = Pattern.compile("in registry with ref: ([^\\s]+)");

  /** A message of BeanMethods. */
  private static final Pattern NO_METHOD =
      Pattern.compile("the bean \"(.+?)\" has no method \"(.+?)\"");

  private static final Pattern TWICE =
      Pattern.compile("Duplicate route ids detected: ([^\\s]+)\\.");

  private final Path home;

  /**
   * @param home the folder that contains routes/
   */
  RouteProblem(Path home) {
    this.home = home;
  }

  /**
   * The problem of a failure.
   *
   * @param file its file if the failure does not name one; null when it is unknown
   */
  Problem of(Throwable failure, Path file) {
    Problem problem = named(failure);
    if (problem.file() != null || file == null) {
      return problem;
    }
    return new Problem(file.toString(), problem.line(), problem.reason());
  }

  private Problem named(Throwable failure) {
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
      Matcher reference = REFERENCE.matcher(message);
      if (reference.find()) {
        culprit = reference.group(1);
        reason = noBean(culprit);
      }
      Matcher method = NO_METHOD.matcher(message);
      if (method.find()) {
        culprit = method.group(1) + "." + method.group(2);
        reason = method.group();
      }
      switch (cause) {
        case MarkedYamlEngineException yaml -> {
          line =
              yaml.getProblemMark()
                  .map(Mark::getLine)
                  .map(index -> Integer.toString(index + 1))
                  .orElse(line);
          reason = reason == null ? "invalid YAML: " + yaml.getProblem() : reason;
        }
        case NoSuchBeanException bean -> {
          culprit = bean.getName();
          reason = noBean(culprit);
        }
        case NoSuchEndpointException endpoint -> {
          culprit = endpoint.getUri().replace("://", ":");
          reason = "there is no endpoint \"%s\"".formatted(culprit);
        }
        case FailedToCreateRouteException route -> {
          file = file == null ? fileOf(route.getRouteId()) : file;
          reason = reason == null ? rootMessage(route) : reason;
        }
        default -> {}
      }
      Matcher twice = TWICE.matcher(message);
      if (twice.find()) {
        file = home.resolve("routes").toString();
        reason = "two routes have the id %s".formatted(twice.group(1));
      }
    }
    line = line == null && file != null ? lineWith(file, culprit) : line;
    return new Problem(
        file,
        line == null ? 0 : Integer.parseInt(line),
        reason == null ? rootMessage(failure) : reason + ".");
  }

  /**
   * The reason when a name is unknown.
   *
   * @param name name of a bean, or {@code bean.method}
   */
  private static String noBean(String name) {
    int dot = name.indexOf('.');
    return "there is no bean \"%s\" in beans.camel.yaml"
        .formatted(dot < 0 ? name : name.substring(0, dot));
  }

  /** The file of a route, whose name is the route's id; null when there is none. */
  private String fileOf(String routeId) {
    return Stream.of("routes", "routes/optional")
        .map(folder -> home.resolve(folder).resolve(routeId + RouteSettings.SUFFIX))
        .filter(Files::exists)
        .map(Path::toString)
        .findFirst()
        .orElse(null);
  }

  private static String rootMessage(Throwable failure) {
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
      // The message is useful without the line, too.
    }
    return null;
  }
}
