package dev.llmproxy.provider;

/**
 * One server-sent event.
 *
 * @param name the {@code event} field, or null
 * @param data the {@code data} lines, joined by line feeds
 */
public record SseEvent(String name, String data) {}
