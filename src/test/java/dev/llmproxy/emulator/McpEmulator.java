package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.llmproxy.base.Json;
import io.modelcontextprotocol.common.McpTransportContext;
import io.modelcontextprotocol.json.McpJsonMapper;
import io.modelcontextprotocol.json.jackson2.JacksonMcpJsonMapper;
import io.modelcontextprotocol.json.schema.JsonSchemaValidator.ValidationResponse;
import io.modelcontextprotocol.server.McpServer;
import io.modelcontextprotocol.server.McpServerFeatures.SyncToolSpecification;
import io.modelcontextprotocol.server.McpSyncServer;
import io.modelcontextprotocol.server.McpSyncServerExchange;
import io.modelcontextprotocol.server.transport.HttpServletStreamableServerTransportProvider;
import io.modelcontextprotocol.server.transport.StdioServerTransportProvider;
import io.modelcontextprotocol.spec.McpSchema.AudioContent;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.modelcontextprotocol.spec.McpSchema.Content;
import io.modelcontextprotocol.spec.McpSchema.ImageContent;
import io.modelcontextprotocol.spec.McpSchema.ServerCapabilities;
import io.modelcontextprotocol.spec.McpSchema.TextContent;
import io.modelcontextprotocol.spec.McpSchema.Tool;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiFunction;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.Wrapper;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;

/**
 * An MCP server built with the SDK: as a program over standard input and output, or within a test
 * over streamable HTTP on loopback.
 */
public final class McpEmulator implements AutoCloseable {
  private static final McpJsonMapper JSON = new JacksonMcpJsonMapper(new JsonMapper());
  private static final String AUTHORIZATION = "authorization";

  /** Environment variable with the name of a file that gets a copy of the program's input. */
  public static final String LOG = "MCP_EMULATOR_LOG";

  private final Tomcat tomcat;
  private final McpSyncServer server;

  private McpEmulator(Tomcat tomcat, McpSyncServer server) {
    this.tomcat = tomcat;
    this.server = server;
  }

  /** Speaks over standard input and output. */
  public static void main(String[] arguments) throws InterruptedException {
    System.err.println("The emulator has started");
    // Some programs print a greeting among the messages.
    System.out.println("Welcome!");
    String log = System.getenv(LOG);
    InputStream in = log == null ? System.in : new Copied(System.in, Path.of(log));
    McpSyncServer[] server = new McpSyncServer[1];
    server[0] =
        withTools(McpServer.sync(new StdioServerTransportProvider(JSON, in, System.out)), server);
    new CountDownLatch(1).await();
  }

  /** The command and args of an entry that run {@link #main}. */
  public static List<String> command() {
    return List.of(
        ProcessHandle.current().info().command().orElseThrow(),
        "-Xshare:auto",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        System.getProperty("java.class.path"),
        McpEmulator.class.getName());
  }

  /**
   * Speaks streamable HTTP at {@code /mcp}.
   *
   * @param port 0 = any
   */
  public static McpEmulator start(Path folder, int port) throws LifecycleException {
    HttpServletStreamableServerTransportProvider servlet =
        HttpServletStreamableServerTransportProvider.builder()
            .jsonMapper(JSON)
            .mcpEndpoint("/mcp")
            .contextExtractor(request ->
                McpTransportContext.create(
                    Map.of(AUTHORIZATION, String.valueOf(request.getHeader(AUTHORIZATION)))))
            .build();
    McpSyncServer[] server = new McpSyncServer[1];
    server[0] = withTools(McpServer.sync(servlet), server);
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(folder.toString());
    Connector connector = new Connector();
    connector.setPort(port);
    connector.setProperty("address", "127.0.0.1");
    tomcat.setConnector(connector);
    Context context = tomcat.addContext("", folder.toString());
    Wrapper wrapper = Tomcat.addServlet(context, "mcp", servlet);
    wrapper.setAsyncSupported(true);
    wrapper.addMapping("/*");
    tomcat.start();
    return new McpEmulator(tomcat, server[0]);
  }

  public int port() {
    return tomcat.getConnector().getLocalPort();
  }

  /** Removes a tool and announces the change. */
  public void remove(String tool) {
    server.removeTool(tool);
  }

  @Override
  public void close() throws LifecycleException {
    server.close();
    tomcat.stop();
    tomcat.destroy();
  }

  private static McpSyncServer withTools(
      McpServer.SyncSpecification<?> specification, McpSyncServer[] server) {
    return specification
        .serverInfo("emulator", "1")
        .capabilities(ServerCapabilities.builder().tools(true).build())
        .jsonSchemaValidator((schema, content) -> ValidationResponse.asValid(null))
        .validateToolInputs(false)
        .tools(
            tool(
                "echo",
                "{'type': 'object', 'properties': {'text': {'type': 'string'}}, 'required': ['text']}",
                (exchange, call) -> text(call.arguments().get("text"))),
            tool("more_echo", "{}", (exchange, call) -> text("more")),
            tool("bare.schema", "{}", (exchange, call) -> text(call.arguments())),
            tool(
                "draft7",
                "{'$schema': 'http://json-schema.org/draft-07/schema#', 'properties': {'pair': {'items': [{'type': 'string'}, {'type': 'integer'}]}}}",
                (exchange, call) -> text(call.arguments())),
            tool(
                "remote",
                "{'properties': {'a': {'$ref': 'http://127.0.0.1:1/schema.json'}}}",
                (exchange, call) -> text("never")),
            tool("number", "{'type': 'string'}", (exchange, call) -> text("never")),
            tool("fails", "{}", (exchange, call) -> failure("The text must be shorter.")),
            tool(
                "throws",
                "{}",
                (exchange, call) -> {
                  throw new IllegalStateException("the disk is full");
                }),
            tool("hangs", "{}", (exchange, call) -> hang()),
            tool(
                "exits",
                "{}",
                (exchange, call) -> {
                  System.err.println("I have had enough");
                  Runtime.getRuntime().halt(3);
                  return text("never");
                }),
            tool("pid", "{}", (exchange, call) -> text(ProcessHandle.current().pid())),
            tool(
                "environment",
                "{}",
                (exchange, call) -> text(Json.text(Json.tree(System.getenv())))),
            tool(
                AUTHORIZATION,
                "{}",
                (exchange, call) -> text(exchange.transportContext().get(AUTHORIZATION))),
            tool("picture", "{}", (exchange, call) -> picture()),
            tool("structured", "{}", (exchange, call) -> structured()),
            tool(
                "grows",
                "{}",
                (exchange, call) -> {
                  server[0].addTool(tool("grown", "{}", (other, again) -> text("grown up")));
                  return text("done");
                }))
        .build();
  }

  private static SyncToolSpecification tool(
      String name,
      String schema,
      BiFunction<McpSyncServerExchange, CallToolRequest, CallToolResult> handler) {
    Tool tool =
        Tool.builder(name, JSON, schema.replace('\'', '"')).description("Does " + name).build();
    return SyncToolSpecification.builder().tool(tool).callHandler(handler).build();
  }

  private static CallToolResult text(Object text) {
    return result(List.of(TextContent.builder(String.valueOf(text)).build()), false);
  }

  private static CallToolResult failure(String text) {
    return result(List.of(TextContent.builder(text).build()), true);
  }

  private static CallToolResult picture() {
    return result(
        List.of(
            TextContent.builder("Here it is:").build(),
            ImageContent.builder("aGVsbG8gd29ybGQh", "image/png").build(),
            AudioContent.builder("aGVs", "audio/wav").build()),
        false);
  }

  private static CallToolResult structured() {
    return CallToolResult.builder(List.of()).structuredContent(Map.of("degrees", 21.5)).build();
  }

  private static CallToolResult result(List<Content> content, boolean error) {
    return CallToolResult.builder(content).isError(error).build();
  }

  private static CallToolResult hang() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return text("never");
  }

  /** Copies the input to a file. */
  private static final class Copied extends FilterInputStream {
    private final Path file;

    private Copied(InputStream in, Path file) {
      super(in);
      this.file = file;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0];
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int read = super.read(bytes, offset, length);
      if (read > 0) {
        String text = new String(bytes, offset, read, StandardCharsets.UTF_8);
        Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      }
      return read;
    }
  }
}
