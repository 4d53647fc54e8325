package dev.llmproxy.provider;

/**
 * One server-sent event.
 *
 * @param name its {@code event} field, or null
 * @param data its {@code data} lines joined by line feeds
 */
public record SseEvent(String name, String data) {}
