package dev.llmproxy.tool;

import dev.llmproxy.base.ShownText;
import java.time.Duration;
import java.util.List;

/**
 * What came of a call.
 *
 * @param callId the call's
 * @param name the tool's
 * @param summary one line for people, 120 characters at most
 * @param content for the model: text or JSON, or what went wrong and what to do about it
 * @param sources what a search has found; empty for other tools
 * @param duration from the order to run it to this result
 */
public record ToolResult(
    String callId,
    String name,
    Status status,
    String summary,
    String content,
    List<SearchResult> sources,
    Duration duration) {
  private static final int SUMMARY_CHARACTERS = 120;

  /** How it ended. */
  public enum Status {
    COMPLETED,
    FAILED;

    /** In lower case, as it goes out. */
    public String wireName() {
      return this == COMPLETED ? "completed" : "failed";
    }
  }

  public ToolResult {
    sources = List.copyOf(sources);
    summary = ShownText.cut(summary.strip().lines().findFirst().orElse(""), SUMMARY_CHARACTERS - 1);
  }

  /** A result whose summary is its own beginning. */
  static ToolResult of(ToolCall call, Status status, String content, Duration duration) {
    return new ToolResult(call.id(), call.name(), status, content, content, List.of(), duration);
  }
}
