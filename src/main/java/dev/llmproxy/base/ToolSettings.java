package dev.llmproxy.base;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * Tools, and chats that use them.
 *
 * @param timeout time limit for one call
 * @param resultCharacters limit for a result
 * @param mcpServers file of the MCP servers; empty for none
 * @param chatTurns limit for the turns of a chat
 * @param chatTime time after which no further turn starts
 * @param chatDollars cost after which no further turn starts; empty for no limit
 * @param fetchPorts ports from which pages may be fetched
 */
public record ToolSettings(
    Duration timeout,
    int resultCharacters,
    Optional<Path> mcpServers,
    int chatTurns,
    Duration chatTime,
    Optional<BigDecimal> chatDollars,
    Set<Integer> fetchPorts) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static ToolSettings of(Settings settings) {
    return settings.read(ToolSettings::read);
  }

  static ToolSettings read(SettingsReader in) {
    return new ToolSettings(
        in.seconds("TOOL_TIMEOUT_SECONDS"),
        in.number("TOOL_RESULT_CHARACTERS", 1, Integer.MAX_VALUE),
        in.optionalPath("MCP_SERVERS"),
        in.number("CHAT_TURNS", 1, Integer.MAX_VALUE),
        in.seconds("CHAT_SECONDS"),
        in.amountOrUnlimited("CHAT_COST_DOLLARS"),
        in.ports("FETCH_PORTS"));
  }
}
