package dev.llmproxy.chat;

import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.util.Locale;

/**
 * How a client of the OpenAI API is told of the tools that the server runs; it says so in the
 * request header {@value #HEADER}.
 */
public enum ToolNotices {
  /** The event {@code tool_notification}, whose data is also a chunk that says nothing. */
  HYBRID,
  /** A comment of the stream, which no SDK shows. */
  COMMENT,
  /** Not at all. */
  OFF,
  /**
   * The event with two or three fields and no chunk, and the calls as {@code delta.tool_calls}; it
   * breaks most SDKs.
   */
  BARE;

  /** The request header that chooses. */
  public static final String HEADER = "X-Tool-Notifications";

  /**
   * @param header its value; null or blank for the default
   * @throws ApiException 400 for a value that does not exist
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

  /** Whether a whole answer lists the tools that were run. */
  public boolean listed() {
    return this == HYBRID || this == BARE;
  }
}
