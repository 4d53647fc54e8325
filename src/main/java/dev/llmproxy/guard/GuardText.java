package dev.llmproxy.guard;

/**
 * A text of a prompt or of an answer.
 *
 * @param role in a prompt as in {@link dev.llmproxy.call.TextChange}; in an answer {@code
 *     assistant}, {@code reasoning} or {@code tool_call} (arguments, which are JSON)
 * @param text never null
 */
public record GuardText(String role, String text) {
  /** Leaves out the client's data. */
  @Override
  public String toString() {
    return "GuardText[" + role + "]";
  }
}
