/**
 * Tools that MCP servers (Model Context Protocol) bring: {@link dev.llmproxy.mcp.McpServers} keeps
 * the connections to the servers that the file {@code MCP_SERVERS} names.
 */
package dev.llmproxy.mcp;
