/**
 * Tools of MCP servers (Model Context Protocol). {@link dev.llmproxy.mcp.McpServers} holds the
 * connections to the servers in the file {@code MCP_SERVERS}.
 */
package dev.llmproxy.mcp;
