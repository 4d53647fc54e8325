package dev.llmproxy.cli;

/**
 * One line of the output of {@code doctor}.
 *
 * @param check the checked part, in one or two words
 * @param what the result; contains nothing secret
 * @param remedy how to solve the problem; empty when nothing needs to be done
 */
record Finding(Level level, String check, String what, String remedy) {
  /** The severity. */
  enum Level {
    OK,
    WARNING,
    PROBLEM
  }

  static Finding ok(String check, String what) {
    return new Finding(Level.OK, check, what, "");
  }

  static Finding warning(String check, String what, String remedy) {
    return new Finding(Level.WARNING, check, what, remedy);
  }

  static Finding problem(String check, String what, String remedy) {
    return new Finding(Level.PROBLEM, check, what, remedy);
  }
}
