package dev.llmproxy.call;

/**
 * Changes of a request that routes cannot write as one of its own methods, because simple's syntax
 * takes no regular expressions there.
 */
public final class PromptEdit {
  /**
   * The request with every text that the client sent rewritten; see {@link
   * ModelRequest#withReplaced}.
   */
  public ModelRequest replaced(ModelRequest request, String regex, String replacement) {
    return request.withReplaced(regex, replacement);
  }
}
