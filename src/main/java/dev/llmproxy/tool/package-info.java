/**
 * The tools that the server runs itself. A tool is a route {@code tool-<name>}, or comes from a
 * {@link dev.llmproxy.tool.ToolSource}: {@link dev.llmproxy.tool.ToolCatalogue} reads what the
 * routes declare, {@link dev.llmproxy.tool.ToolRunner} runs them. The rest is what the shipped
 * tools' routes name.
 */
package dev.llmproxy.tool;
