package dev.llmproxy.keys;

/**
 * A problem of a row of the sheet {@code User API Keys}, or of the sheet as a whole. Contains no
 * text of the row's cells, because any cell may contain a key.
 *
 * @param row the row's number, with 1 for the header row; 0 for the sheet as a whole
 * @param what the problem and its effect, without subject and full stop
 * @param remedy how to solve it, without full stop
 */
public record KeyProblem(int row, String what, String remedy) {
  /** The place of the problem, e.g. {@code row 7}; {@code the sheet} for the sheet as a whole. */
  public String where() {
    return row == 0 ? "the sheet" : "row " + row;
  }

  @Override
  public String toString() {
    return where() + " " + what + ". " + remedy + ".";
  }
}
