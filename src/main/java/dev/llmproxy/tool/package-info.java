/**
 * Tools that the server runs. A tool is a route {@code tool-<name>} or comes from a {@link
 * dev.llmproxy.tool.ToolSource}. {@link dev.llmproxy.tool.ToolCatalogue} reads the declarations,
 * {@link dev.llmproxy.tool.ToolRunner} runs the tools. The other classes are beans of the routes
 * {@code tool-*} and {@code search-*}.
 */
package dev.llmproxy.tool;
