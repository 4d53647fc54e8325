package dev.llmproxy.tool;

/** A tool failed. The model gets the message, which says what to do and contains no secrets. */
public class ToolException extends RuntimeException {
  /**
   * @param message for the model: whole sentences with the remedy
   */
  public ToolException(String message) {
    super(message);
  }

  /**
   * @param message for the model: whole sentences with the remedy
   * @param cause for the log only, at the level DEBUG
   */
  public ToolException(String message, Throwable cause) {
    super(message, cause);
  }
}
