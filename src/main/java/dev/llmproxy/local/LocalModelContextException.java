package dev.llmproxy.local;

/** The prompt leaves no room for an answer in the local model's context. */
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

  /** The number of tokens of the prompt. */
  public int promptTokens() {
    return promptTokens;
  }

  /** The context length: the most tokens of prompt and answer together. */
  public int contextLength() {
    return contextLength;
  }
}
