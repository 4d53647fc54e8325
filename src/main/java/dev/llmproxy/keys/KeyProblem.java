package dev.llmproxy.keys;

/**
 * A row of the sheet {@code User API Keys} that somebody should look at, or the sheet as a whole.
 * Holds nothing of what stands in a row's cells: somebody may have put a key there.
 *
 * @param row its number as a person counts, the header being 1; 0 for the sheet as a whole
 * @param what what is wrong, and what follows from it
 * @param remedy what to do about it
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
