package dev.llmproxy.mcp;

import dev.llmproxy.base.Settings;
import dev.llmproxy.base.ToolSettings;
import dev.llmproxy.tool.Tool;
import dev.llmproxy.tool.ToolException;
import dev.llmproxy.tool.ToolSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The MCP servers of the file {@code MCP_SERVERS}. They are connected in the background, so a
 * server that is down or hangs delays nothing. Without servers no class of the SDK is loaded.
 */
public final class McpServers implements ToolSource, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(McpServers.class);

  private final List<McpServer> servers;
  private volatile Offers offers = new Offers(List.of(), Map.of());

  /** All tools, and the server of each tool name. */
  private record Offers(List<Tool> tools, Map<String, McpServer> owners) {}

  /**
   * Reads the file. {@link #open} connects.
   *
   * @throws Settings.SettingException when the file or {@code TOOL_TIMEOUT_SECONDS} is invalid
   */
  public McpServers(Settings settings) {
    this(settings, McpTimes.usual(ToolSettings.of(settings).timeout()));
  }

  McpServers(Settings settings, McpTimes times) {
    servers =
        McpServersFile.read(settings).stream()
            .map(entry -> new McpServer(entry, times, this::merge))
            .toList();
  }

  /** Starts to connect; does not wait. */
  public void open() {
    servers.forEach(McpServer::open);
  }

  /** The tools of the connected servers; the same list until they change. */
  @Override
  public List<Tool> tools() {
    return offers.tools();
  }

  /**
   * Calls a tool. An interrupt of the thread cancels the call.
   *
   * @param name a name from {@link #tools}
   * @param arguments valid under the tool's schema
   * @return the result for the model; null when it is empty
   * @throws ToolException when the call fails or the tool is gone, with a message for the model
   */
  public String call(@ExchangeProperty("tool") String name, @Body Map<String, Object> arguments)
      throws InterruptedException {
    McpServer owner = offers.owners().get(name);
    if (owner == null) {
      throw new ToolException("This tool is not there at the moment. Go on without it.");
    }
    return owner.call(name, arguments);
  }

  /** Ends the connections, and waits for the programs that were started to end. */
  @Override
  public void close() {
    servers.forEach(McpServer::close);
    try {
      for (McpServer server : servers) {
        server.awaitEnd();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void merge() {
    Map<String, Tool> tools = new LinkedHashMap<>();
    Map<String, McpServer> owners = new LinkedHashMap<>();
    for (McpServer server : servers) {
      server
          .offered()
          .tools()
          .forEach((name, tool) -> {
            McpServer first = owners.putIfAbsent(name, server);
            if (first == null) {
              tools.put(name, tool);
            } else {
              LOG.warn(
                  "The tool {} of the MCP server {} is ignored because {} has a tool of the same name",
                  name,
                  server.name(),
                  first.name());
            }
          });
    }
    offers = new Offers(List.copyOf(tools.values()), Map.copyOf(owners));
  }
}
