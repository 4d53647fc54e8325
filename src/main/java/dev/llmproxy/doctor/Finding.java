package dev.llmproxy.doctor;

/**
 * One result of a check.
 *
 * @param check the checked part, in one or two words
 * @param what the result; contains nothing secret
 * @param remedy how to solve the problem; empty when nothing needs to be done
 */
public record Finding(Level level, String check, String what, String remedy) {
  /** The severity. */
  public enum Level {
    OK,
    WARNING,
    PROBLEM
  }

  public static Finding ok(String check, String what) {
    return new Finding(Level.OK, check, what, "");
  }

  public static Finding warning(String check, String what, String remedy) {
    return new Finding(Level.WARNING, check, what, remedy);
  }

  public static Finding problem(String check, String what, String remedy) {
    return new Finding(Level.PROBLEM, check, what, remedy);
  }
}
