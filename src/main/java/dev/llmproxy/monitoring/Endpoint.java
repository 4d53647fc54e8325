package dev.llmproxy.monitoring;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * An endpoint, as metrics name it.
 *
 * @param path with {@code {…}} for what clients choose
 * @param format what clients speak there: {@code openai}, {@code responses}, {@code anthropic},
 *     {@code chat} (events for web pages), {@code admin}, or {@code none}
 */
record Endpoint(String path, String format) {
  /** Every path that no endpoint has. */
  static final Endpoint OTHER = new Endpoint("other", "none");

  private static final String OPENAI = "openai";
  private static final String RESPONSES = "responses";
  private static final String ANTHROPIC = "anthropic";
  private static final String TEXTS = "/v1/completions";

  private static final Map<String, Endpoint> FIXED =
      List.of(
              new Endpoint("/v1/chat/completions", OPENAI),
              new Endpoint(TEXTS, OPENAI),
              new Endpoint("/v1/embeddings", OPENAI),
              new Endpoint("/v1/models", OPENAI),
              new Endpoint("/v1/audio/speech", OPENAI),
              new Endpoint("/v1/audio/transcriptions", OPENAI),
              new Endpoint("/v1/audio/translations", OPENAI),
              new Endpoint("/v1/images/generations", OPENAI),
              new Endpoint("/v1/images/edits", OPENAI),
              new Endpoint("/v1/moderations", OPENAI),
              new Endpoint("/v1/rerank", OPENAI),
              new Endpoint("/v1/responses", RESPONSES),
              new Endpoint("/v1/responses/input_tokens", RESPONSES),
              new Endpoint("/v1/messages", ANTHROPIC),
              new Endpoint("/v1/messages/count_tokens", ANTHROPIC),
              new Endpoint("/chat", "chat"),
              new Endpoint("/admin/api/playground", "chat"),
              new Endpoint("/health", "none"),
              new Endpoint("/metrics", "none"))
          .stream()
          .collect(Collectors.toUnmodifiableMap(Endpoint::path, Function.identity()));

  private static final Endpoint RESPONSE = new Endpoint("/v1/responses/{id}", RESPONSES);
  private static final Endpoint MODEL = new Endpoint("/v1/models/{model}", OPENAI);
  private static final Endpoint ADMIN = new Endpoint("/admin", "admin");

  /** The endpoint of a request's path; the path may be any text. */
  static Endpoint of(String path) {
    Endpoint fixed = FIXED.get(path);
    if (fixed != null) {
      return fixed;
    }
    if (path.startsWith("/v1/responses/")) {
      return RESPONSE;
    }
    if (path.startsWith("/v1/models/")) {
      return MODEL;
    }
    return path.equals("/admin") || path.startsWith("/admin/") ? ADMIN : OTHER;
  }

  /** Whether models are asked there. */
  boolean isOfModels() {
    return !format.equals("none") && !format.equals("admin");
  }

  /** The operation of a call of a type, in the words of OpenTelemetry where it has one. */
  String operation(String type) {
    return switch (type) {
      case "chat" -> path.equals(TEXTS) ? "text_completion" : "chat";
      case "embedding" -> "embeddings";
      default -> type;
    };
  }
}
