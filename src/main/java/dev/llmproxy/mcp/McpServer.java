package dev.llmproxy.mcp;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.tool.ToolException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An MCP server. A thread of its own connects to it and connects again when the connection ends,
 * after pauses that grow. While the server is not connected it has no tools.
 */
final class McpServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(McpServer.class);

  private static final int MOST_REASON = 500;
  private static final Duration BETWEEN_LISTS = Duration.ofMillis(200);

  private final McpServerEntry entry;
  private final McpTimes times;
  private final Runnable onChange;
  private final Semaphore news = new Semaphore(0);
  private final Thread keeper;
  private volatile Serving serving = Serving.AWAY;
  private String lastReason = "";

  /** The current connection and its tools. */
  private record Serving(McpConnection connection, OfferedTools offered) {
    static final Serving AWAY = new Serving(null, OfferedTools.NONE);
  }

  /**
   * @param onChange called when the tools have changed
   */
  McpServer(McpServerEntry entry, McpTimes times, Runnable onChange) {
    this.entry = entry;
    this.times = times;
    this.onChange = onChange;
    keeper = Thread.ofVirtual().name("mcp-" + entry.name()).unstarted(this::keep);
  }

  void open() {
    keeper.start();
  }

  String name() {
    return entry.name();
  }

  /** The current tools; empty while the server is not connected. */
  OfferedTools offered() {
    return serving.offered();
  }

  /**
   * Calls a tool.
   *
   * @param tool the name that models use
   * @return the result for the model; null when it is empty
   * @throws ToolException when the call fails, with a message for the model
   */
  String call(String tool, Map<String, Object> arguments) throws InterruptedException {
    Serving now = serving;
    String original = now.offered().originals().get(tool);
    if (original == null) {
      throw new ToolException("This tool is not there at the moment. Go on without it.");
    }
    try {
      return CallResult.text(now.connection().call(original, arguments));
    } catch (McpConnection.RefusedException e) {
      throw new ToolException("The tool refused the call: " + e.getMessage(), e);
    } catch (IOException e) {
      news.release();
      throw new ToolException(
          "The server of this tool cannot be reached at the moment. Go on without it.", e);
    }
  }

  /** Ends the connection, and the program if this class started it. Does not wait. */
  @Override
  public void close() {
    keeper.interrupt();
  }

  void awaitEnd() throws InterruptedException {
    keeper.join();
  }

  private void keep() {
    Duration pause = times.firstPause();
    try {
      while (true) {
        long start = System.nanoTime();
        String reason = serve();
        if (Duration.ofNanos(System.nanoTime() - start).compareTo(times.longestPause()) > 0) {
          pause = times.firstPause();
        }
        away(reason);
        Thread.sleep(pause);
        pause = times.after(pause);
      }
    } catch (InterruptedException e) {
      LOG.debug("The connection to the MCP server {} was closed", name());
    }
  }

  /** Connects, and lists the tools until the connection ends; returns the reason of the end. */
  private String serve() throws InterruptedException {
    try (McpConnection connection = new McpConnection(entry, times, news::release)) {
      List<JsonNode> listed = List.of();
      while (true) {
        List<JsonNode> tools = list(connection, listed);
        if (serving.connection() == null || !tools.equals(listed)) {
          offer(connection, tools);
        }
        listed = tools;
        if (news.tryAcquire(times.check().toNanos(), TimeUnit.NANOSECONDS)) {
          // Limits the rate when a server announces changes all the time.
          Thread.sleep(BETWEEN_LISTS);
          news.drainPermits();
        }
      }
    } catch (IOException | RuntimeException e) {
      LOG.debug("The MCP server {} is disconnected", name(), e);
      return reason(e);
    } finally {
      serving = Serving.AWAY;
      onChange.run();
    }
  }

  /** The known tools while a call runs: some servers answer only after it. */
  private static List<JsonNode> list(McpConnection connection, List<JsonNode> known)
      throws IOException, InterruptedException {
    try {
      return connection.tools();
    } catch (McpConnection.SilentException e) {
      if (connection.busy()) {
        return known;
      }
      throw e;
    }
  }

  private void offer(McpConnection connection, List<JsonNode> tools) {
    OfferedTools offered = OfferedTools.of(name(), tools);
    serving = new Serving(connection, offered);
    lastReason = "";
    LOG.info("The MCP server {} is connected: {} tools", name(), offered.tools().size());
    onChange.run();
  }

  private static String reason(Exception failure) {
    String message = String.valueOf(failure.getMessage()).strip();
    return message.substring(0, Math.min(message.length(), MOST_REASON));
  }

  private void away(String reason) {
    if (!reason.equals(lastReason)) {
      LOG.warn(
          "The MCP server {} is not connected, and its tools are not available: {}. llmproxy tries again",
          name(),
          reason);
    }
    lastReason = reason;
  }
}
