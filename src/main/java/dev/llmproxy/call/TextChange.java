package dev.llmproxy.call;

/** Changes one text of a request, or only looks at it. */
@FunctionalInterface
public interface TextChange {
  /** The role of the arguments of a tool call, which are JSON. */
  String TOOL_CALL = "tool_call";

  /** The role of a user's text, and of all texts of requests that have no roles. */
  String USER = "user";

  /**
   * The text that takes the place of another.
   *
   * @param role the role of its message ({@code system}, {@code developer}, {@code user}, {@code
   *     assistant}, {@code tool} …), or {@link #TOOL_CALL}
   * @param text never null
   */
  String changed(String role, String text);
}
