package dev.llmproxy.mcp;

import java.net.URI;
import java.util.List;
import java.util.Map;

/** An entry of the file MCP_SERVERS. Contains secrets; do not log it. */
sealed interface McpServerEntry {
  /** The name in the file. */
  String name();

  /**
   * A program that llmproxy starts, with messages on its standard input and output.
   *
   * @param line the program and its arguments
   * @param environment variables in addition to {@link ChildEnvironment}
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
   * @param headers sent with each request
   */
  record Address(String name, URI url, Map<String, String> headers) implements McpServerEntry {
    public Address {
      headers = Map.copyOf(headers);
    }
  }
}
