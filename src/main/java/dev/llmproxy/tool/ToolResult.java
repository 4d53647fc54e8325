package dev.llmproxy.tool;

import dev.llmproxy.base.ShownText;
import java.time.Duration;
import java.util.List;

/**
 * The result of a tool call.
 *
 * @param callId id of the call
 * @param name name of the tool
 * @param summary one line for people, at most 120 characters
 * @param content for the model: text, JSON, or an error with its remedy
 * @param sources search results; empty for other tools
 * @param duration from the start of the call to the result
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

  /** The outcome of a call. */
  public enum Status {
    COMPLETED,
    FAILED,
    /** The tool did not run: the client allows no more calls of it. */
    TOO_OFTEN;

    /** The lower-case name that clients see. */
    public String wireName() {
      return this == COMPLETED ? "completed" : "failed";
    }
  }

  public ToolResult {
    sources = List.copyOf(sources);
    summary = ShownText.cut(summary.strip().lines().findFirst().orElse(""), SUMMARY_CHARACTERS - 1);
  }

  /** Whether the model gets no result of the tool, but the reason why there is none. */
  public boolean failed() {
    return status != Status.COMPLETED;
  }

  /** A result whose summary is the first line of its content. */
  static ToolResult of(ToolCall call, Status status, String content, Duration duration) {
    return new ToolResult(call.id(), call.name(), status, content, content, List.of(), duration);
  }
}
