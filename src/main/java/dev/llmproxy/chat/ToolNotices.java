package dev.llmproxy.chat;

import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.util.Locale;

/**
 * The form in which a client of the OpenAI API gets notifications about the server's tools. The
 * client chooses it with the request header {@value #HEADER}.
 */
public enum ToolNotices {
  /** The event {@code tool_notification}; its data is also a valid chunk without content. */
  HYBRID,
  /** A comment in the stream, which SDKs ignore. */
  COMMENT,
  /** No notifications. */
  OFF,
  /**
   * The event with only two or three fields, without a chunk, and the calls as {@code
   * delta.tool_calls}. Most SDKs fail on it.
   */
  BARE;

  /** The request header with which the client chooses. */
  public static final String HEADER = "X-Tool-Notifications";

  /**
   * @param header the value of the header; null or blank for the default
   * @throws ApiException 400 for an unknown value
   */
  public static ToolNotices of(String header) {
    if (header == null || header.isBlank()) {
      return HYBRID;
    }
    String word = header.strip().toUpperCase(Locale.ROOT);
    for (ToolNotices notices : values()) {
      if (notices.name().equals(word)) {
        return notices;
      }
    }
    throw OpenAiErrors.invalidValue(HEADER, "it must be hybrid, comment, off or bare.")
        .asException();
  }

  /** Whether an answer without streaming lists the tools that ran. */
  public boolean listed() {
    return this == HYBRID || this == BARE;
  }
}
