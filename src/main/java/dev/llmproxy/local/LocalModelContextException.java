package dev.llmproxy.local;

/** The prompt leaves no room for an answer in the context of the local model. */
public final class LocalModelContextException extends IllegalArgumentException {
  private final int promptTokens;
  private final int contextLength;

  LocalModelContextException(int promptTokens, int contextLength) {
    super(
        "The context of the local model is %d tokens, and this prompt has %d. Shorten the messages."
            .formatted(contextLength, promptTokens));
    this.promptTokens = promptTokens;
    this.contextLength = contextLength;
  }

  /** Tokens of the prompt that was refused. */
  public int promptTokens() {
    return promptTokens;
  }

  /** Most tokens that prompt and answer can have together. */
  public int contextLength() {
    return contextLength;
  }
}
