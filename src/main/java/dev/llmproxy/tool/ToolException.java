package dev.llmproxy.tool;

/** Why a tool has no result; the message is for the model, says the remedy and holds no secret. */
public final class ToolException extends RuntimeException {
  public ToolException(String message) {
    super(message);
  }

  public ToolException(String message, Throwable cause) {
    super(message, cause);
  }
}
