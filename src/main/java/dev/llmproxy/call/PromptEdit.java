package dev.llmproxy.call;

/**
 * Changes of a request that take regular expressions. Routes call this bean because simple's syntax
 * allows no regular expressions in method calls on the body.
 */
public final class PromptEdit {
  /**
   * Returns a copy of the request with all texts of the client rewritten.
   *
   * @see ModelRequest#withReplaced
   */
  public ModelRequest replaced(ModelRequest request, String regex, String replacement) {
    return request.withReplaced(regex, replacement);
  }
}
