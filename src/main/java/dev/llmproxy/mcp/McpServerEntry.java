package dev.llmproxy.mcp;

import java.net.URI;
import java.util.List;
import java.util.Map;

/** How an MCP server is reached. Holds secrets: not for logs. */
sealed interface McpServerEntry {
  /** As the file has it. */
  String name();

  /**
   * A program that is started and talked to over its standard input and output.
   *
   * @param line the program and its arguments
   * @param environment what it gets besides {@link ChildEnvironment}
   */
  record Command(String name, List<String> line, Map<String, String> environment)
      implements McpServerEntry {
    public Command {
      line = List.copyOf(line);
      environment = Map.copyOf(environment);
    }
  }

  /**
   * A server that speaks streamable HTTP.
   *
   * @param url http or https
   * @param headers of each request
   */
  record Address(String name, URI url, Map<String, String> headers) implements McpServerEntry {
    public Address {
      headers = Map.copyOf(headers);
    }
  }
}
