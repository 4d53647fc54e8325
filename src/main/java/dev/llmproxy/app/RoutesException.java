package dev.llmproxy.app;

import dev.llmproxy.base.Problem;
import java.util.List;
import java.util.stream.Collectors;

/** Routes cannot run. The message has a line for each problem, with its place. */
public final class RoutesException extends RuntimeException {
  private final List<Problem> problems;

  RoutesException(List<Problem> problems, Throwable cause) {
    super(problems.stream().map(Problem::text).collect(Collectors.joining("\n")), cause);
    this.problems = List.copyOf(problems);
  }

  public List<Problem> problems() {
    return problems;
  }
}
