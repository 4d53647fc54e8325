package dev.llmproxy.mcp;

import dev.llmproxy.base.ShownText;
import io.modelcontextprotocol.json.McpJsonMapper;
import io.modelcontextprotocol.json.TypeRef;
import io.modelcontextprotocol.spec.McpClientTransport;
import io.modelcontextprotocol.spec.McpSchema;
import io.modelcontextprotocol.spec.McpSchema.JSONRPCMessage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * A program as an MCP server: each message is one line on its standard input or output. The SDK's
 * own transport gives the program the whole environment, stops at the first line that is not a
 * message, does not report the end of the program, and at close waits for it forever.
 *
 * @see <a
 *     href="https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#stdio">MCP's
 *     stdio transport</a>
 */
final class StdioTransport implements McpClientTransport {
  /** Logs the servers' output, which may repeat what users asked. MCP_LOG_LEVEL sets its level. */
  static final Logger SAID = LoggerFactory.getLogger("mcp.said");

  private static final Logger LOG = LoggerFactory.getLogger(StdioTransport.class);
  private static final int MOST_LINE_CHARACTERS = 16 << 20;
  private static final int MOST_SHOWN = 300;
  private static final int MOST_WAITING = 1000;

  private final String server;
  private final McpJsonMapper json;
  private final Duration grace;
  private final Runnable onEnd;
  private final Process process;
  // A program that does not read blocks the writer thread, not the senders.
  private final BlockingQueue<String> outgoing = new ArrayBlockingQueue<>(MOST_WAITING);
  private final Thread writer;
  private volatile Function<Mono<JSONRPCMessage>, Mono<JSONRPCMessage>> handler;
  private volatile String lastWords = "";
  private volatile boolean ended;

  /**
   * Starts the program.
   *
   * @param grace time to end by itself, and again after it was told to end
   * @param onEnd called when the program has ended or closed its output
   * @throws IOException when the program cannot be started
   */
  StdioTransport(McpServerEntry.Command entry, McpJsonMapper json, Duration grace, Runnable onEnd)
      throws IOException {
    server = entry.name();
    this.json = json;
    this.grace = grace;
    this.onEnd = onEnd;
    ProcessBuilder builder = new ProcessBuilder(entry.line());
    builder.environment().clear();
    builder.environment().putAll(ChildEnvironment.of(System.getenv(), entry.environment()));
    process = builder.start();
    writer = thread("write", this::write);
    thread("errors", this::readErrors);
  }

  @Override
  public Mono<Void> connect(Function<Mono<JSONRPCMessage>, Mono<JSONRPCMessage>> incoming) {
    handler = incoming;
    thread("read", this::read);
    return Mono.empty();
  }

  @Override
  public Mono<Void> sendMessage(JSONRPCMessage message) {
    return Mono.fromCallable(() -> {
      if (ended) {
        throw new IOException(end());
      }
      // JSON escapes line breaks within texts.
      if (!outgoing.offer(json.writeValueAsString(message))) {
        throw new IOException("it does not read what it is sent");
      }
      return null;
    });
  }

  @Override
  public <T> T unmarshalFrom(Object data, TypeRef<T> type) {
    return json.convertValue(data, type);
  }

  @Override
  public Mono<Void> closeGracefully() {
    return Mono.fromRunnable(this::close);
  }

  /** Ends the program and its children: closes its input, terminates them, then kills them. */
  @Override
  public void close() {
    ended = true;
    // Children of a launcher such as npx cannot be found after it has ended.
    List<ProcessHandle> descendants = process.descendants().toList();
    writer.interrupt();
    try {
      if (!process.waitFor(grace.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroy();
        descendants.forEach(ProcessHandle::destroy);
        process.waitFor(grace.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      process.destroyForcibly();
      descendants.forEach(ProcessHandle::destroyForcibly);
    }
  }

  /** How the program ended, for people. */
  private String end() {
    String how =
        process.isAlive()
            ? "it has closed its output"
            : "it has ended with the status " + process.exitValue();
    return lastWords.isEmpty() ? how : how + ", after saying: " + lastWords;
  }

  private void write() {
    try (OutputStream out = process.getOutputStream()) {
      while (true) {
        out.write((outgoing.take() + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
      }
    } catch (IOException e) {
      LOG.debug("The MCP server {} has closed its input", server, e);
    } catch (InterruptedException e) {
      LOG.debug("The writer of the MCP server {} was stopped", server);
    }
  }

  private void read() {
    lines(
        process.getInputStream(),
        line -> {
          JSONRPCMessage message;
          try {
            message = McpSchema.deserializeJsonRpcMessage(json, line);
          } catch (IOException | RuntimeException e) {
            SAID.debug(
                "The MCP server {} wrote a line that is not a message: {}", server, shown(line));
            return;
          }
          handler.apply(Mono.just(message)).subscribe();
        });
    // The exit status tells the operator more than a closed output.
    try {
      if (!process.waitFor(grace.toMillis(), TimeUnit.MILLISECONDS)) {
        LOG.debug("The MCP server {} has closed its output and still runs", server);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    ended = true;
    writer.interrupt();
    onEnd.run();
  }

  private void readErrors() {
    lines(
        process.getErrorStream(),
        line -> {
          lastWords = line.isBlank() ? lastWords : shown(line);
          SAID.debug("The MCP server {} wrote: {}", server, shown(line));
        });
  }

  private void lines(InputStream from, java.util.function.Consumer<String> take) {
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(from, StandardCharsets.UTF_8))) {
      StringBuilder line = new StringBuilder();
      for (int c = reader.read(); c >= 0; c = reader.read()) {
        if (c == '\n') {
          take.accept(line.toString());
          line.setLength(0);
        } else if (line.length() < MOST_LINE_CHARACTERS) {
          line.append((char) c);
        }
      }
    } catch (IOException e) {
      LOG.debug("The output of the MCP server {} cannot be read", server, e);
    }
  }

  private static String shown(String line) {
    return ShownText.cut(line, MOST_SHOWN).strip();
  }

  /** Platform threads, because reads from a process's pipes pin virtual threads. */
  private Thread thread(String what, Runnable work) {
    return Thread.ofPlatform().daemon().name("mcp-" + server + "-" + what).start(work);
  }
}
