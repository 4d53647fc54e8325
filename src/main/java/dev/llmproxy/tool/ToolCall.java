package dev.llmproxy.tool;

/**
 * A model's wish that a tool be run.
 *
 * @param id what the model calls this call
 * @param name the tool's
 * @param arguments a JSON object as the model wrote it, perhaps none at all; empty = {@code {}}
 */
public record ToolCall(String id, String name, String arguments) {}
