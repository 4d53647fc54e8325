package dev.llmproxy.mcp;

import java.time.Duration;

/**
 * Time limits and intervals for MCP servers.
 *
 * @param start limit for the initialization; launchers may download the server first
 * @param answer limit for listing the tools
 * @param call limit for a tool call
 * @param check interval between two checks of the connection and the tools
 * @param firstPause pause before the first reconnection; doubles each time
 * @param longestPause limit of that pause
 * @param grace time for a program to end by itself, and again after it was told to end
 */
record McpTimes(
    Duration start,
    Duration answer,
    Duration call,
    Duration check,
    Duration firstPause,
    Duration longestPause,
    Duration grace) {
  /** The default times, with a limit for tool calls. */
  static McpTimes usual(Duration call) {
    return new McpTimes(
        Duration.ofSeconds(120),
        Duration.ofSeconds(20),
        call,
        Duration.ofSeconds(30),
        Duration.ofSeconds(1),
        Duration.ofSeconds(60),
        Duration.ofSeconds(2));
  }

  /** The pause that follows a pause. */
  Duration after(Duration pause) {
    Duration twice = pause.multipliedBy(2);
    return twice.compareTo(longestPause) < 0 ? twice : longestPause;
  }
}
