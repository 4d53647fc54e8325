package dev.llmproxy.sdk;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import java.time.Duration;
import java.util.List;

/**
 * The started gateway. The settings are environment variables, which {@code sdk-tests/run} sets.
 */
final class Gateway {
  static final String MODEL = required("LLMPROXY_SCRIPTED_MODEL");
  static final OpenAIClient CLIENT = clientWith(required("LLMPROXY_KEY"));

  private Gateway() {}

  /** Without retries, so that a test sees the first answer. */
  static OpenAIClient clientWith(String key) {
    return OpenAIOkHttpClient.builder()
        .baseUrl(required("LLMPROXY_BASE_URL"))
        .apiKey(key)
        .maxRetries(0)
        .timeout(Duration.ofSeconds(60))
        .build();
  }

  static String required(String name) {
    String value = System.getenv(name);
    if (value == null || value.isEmpty()) {
      throw new IllegalStateException(name + " is not set: start the tests with sdk-tests/run");
    }
    return value;
  }

  /** Skips the test when the setting is missing. */
  static String optional(String name) {
    String value = System.getenv(name);
    assumeTrue(value != null && !value.isEmpty(), name + " is not set");
    return value;
  }

  static ChatCompletionCreateParams.Builder ask(String message) {
    return ChatCompletionCreateParams.builder().model(MODEL).addUserMessage(message);
  }

  /** Models behind other formats than OpenAI's. */
  static List<String> otherModels() {
    return List.of(optional("LLMPROXY_OTHER_MODELS").split(","));
  }

  static ChatCompletionCreateParams.Builder askLocalModel() {
    return ChatCompletionCreateParams.builder()
        .model(optional("LLMPROXY_LOCAL_MODEL"))
        .addUserMessage("What is the capital of France?")
        .temperature(0)
        .maxCompletionTokens(24);
  }

  static List<ChatCompletionChunk> stream(ChatCompletionCreateParams params) {
    try (StreamResponse<ChatCompletionChunk> response =
        CLIENT.chat().completions().createStreaming(params)) {
      return response.stream().map(ChatCompletionChunk::validate).toList();
    }
  }
}
