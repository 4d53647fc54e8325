package dev.llmproxy.mcp;

import java.time.Duration;

/**
 * How long things with MCP servers may take.
 *
 * @param start until a server has introduced itself; launchers download it first
 * @param answer until it has listed its tools
 * @param call until nobody waits any more for the answer to a call of a tool
 * @param check between two looks whether it is there and has the same tools
 * @param firstPause before it is connected again; doubled each time
 * @param longestPause the most that this becomes
 * @param grace for a program to end by itself, and again when it was asked to
 */
record McpTimes(
    Duration start,
    Duration answer,
    Duration call,
    Duration check,
    Duration firstPause,
    Duration longestPause,
    Duration grace) {
  /** Those of servers whose tools have so long for a call. */
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

  /** The pause after one of so long. */
  Duration after(Duration pause) {
    Duration twice = pause.multipliedBy(2);
    return twice.compareTo(longestPause) < 0 ? twice : longestPause;
  }
}
