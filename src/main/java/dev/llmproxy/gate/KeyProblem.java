package dev.llmproxy.gate;

/**
 * A row of the sheet {@code User API Keys} that somebody should look at. Holds nothing of what
 * stands in its cells: somebody may have put a key there.
 *
 * @param row its number as a person counts, the header being 1
 * @param what what is wrong, and what follows from it
 * @param remedy what to do about it
 */
public record KeyProblem(int row, String what, String remedy) {
  @Override
  public String toString() {
    return "row " + row + " " + what + ". " + remedy + ".";
  }
}
