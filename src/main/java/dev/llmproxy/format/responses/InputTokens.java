package dev.llmproxy.format.responses;

import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.chat.PromptCount;
import org.apache.camel.ExchangeProperty;

/** The answer of {@code POST /v1/responses/input_tokens}. */
public final class InputTokens {
  private final PromptCount count;

  public InputTokens(PromptCount count) {
    this.count = count;
  }

  /** {@code {"object":"response.input_tokens","input_tokens":n}}, without asking a provider. */
  public byte[] of(@ExchangeProperty("request") ChatRequest request) {
    return Json.bytes(
        Json.object()
            .put("object", "response.input_tokens")
            .put("input_tokens", count.count(request)));
  }
}
