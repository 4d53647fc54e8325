package dev.llmproxy.tool;

/** Why a tool has no result; the message is for the model, says the remedy and holds no secret. */
public class ToolException extends RuntimeException {
  /**
   * @param message for the model: whole sentences that say what to do
   */
  public ToolException(String message) {
    super(message);
  }

  /**
   * @param message for the model: whole sentences that say what to do
   * @param cause for the operator's log, at the level DEBUG; no model and no client learns of it
   */
  public ToolException(String message, Throwable cause) {
    super(message, cause);
  }
}
