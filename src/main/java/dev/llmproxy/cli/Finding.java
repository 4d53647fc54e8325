package dev.llmproxy.cli;

/**
 * One line of the output of {@code doctor}.
 *
 * @param check what was looked at, in one or two words
 * @param what what was found; holds nothing secret
 * @param remedy what to do about it; empty when nothing is to be done
 */
record Finding(Level level, String check, String what, String remedy) {
  /** How bad it is. */
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
