package dev.llmproxy.sdk;

import static dev.llmproxy.sdk.Gateway.CLIENT;
import static dev.llmproxy.sdk.Gateway.MODEL;
import static dev.llmproxy.sdk.Gateway.ask;
import static dev.llmproxy.sdk.Gateway.clientWith;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.openai.core.http.Headers;
import com.openai.errors.RateLimitException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.model.openai.OpenAiChatModel;
import org.junit.jupiter.api.Test;

class LimitsTest {
  private static final int LIMIT = 3; // RATE_LIMIT_TINY of sdk-tests/run

  /**
   * The SDK waits for the time in Retry-After, but at most 8 s, so nine attempts take a minute.
   * Without the header it waits half a second, 1, 2, 4, then 8 s each time: 40 s in total.
   */
  private static final int RETRIES = 8;

  private static final int SECONDS_BY_ITSELF = 40;

  /** One test for both clients, because they use up the limit of the same key. */
  @Test
  void rateLimitIsAnnouncedEnforcedAndHonoured() {
    String key = Gateway.optional("LLMPROXY_TINY_KEY");
    var impatient = clientWith(key).chat().completions();
    var params = ask("hi").build();
    warmUp(params);
    for (int left = LIMIT - 1; left >= 0; left--) {
      try (var reply = impatient.withRawResponse().create(params)) {
        assertThat(remaining(reply.headers())).isEqualTo(Integer.toString(left));
        reply.parse().validate();
      }
    }

    var whole = catchThrowableOfType(RateLimitException.class, () -> impatient.create(params));
    var streamed =
        catchThrowableOfType(
            RateLimitException.class, () -> impatient.createStreaming(params).close());
    for (RateLimitException refusal : new RateLimitException[] {whole, streamed}) {
      assertThat(refusal.statusCode()).isEqualTo(429);
      assertThat(refusal.code()).hasValue("rate_limit_exceeded");
      assertThat(refusal.type()).hasValue("requests");
      assertThat(remaining(refusal.headers())).isEqualTo("0");
      assertThat(Integer.parseInt(only(refusal.headers(), "retry-after")))
          .isBetween(SECONDS_BY_ITSELF + 1, 60);
    }
    assertThatThrownBy(() -> langChain4j(key).chat("hi"))
        .isInstanceOf(dev.langchain4j.exception.RateLimitException.class)
        .hasMessageContaining("rate_limit_exceeded")
        .cause()
        .isInstanceOfSatisfying(
            HttpException.class, cause -> assertThat(cause.statusCode()).isEqualTo(429));

    ChatCompletion answer =
        clientWith(key)
            .withOptions(options -> options.maxRetries(RETRIES))
            .chat()
            .completions()
            .create(params)
            .validate();
    assertThat(answer.choices().getFirst().message().content()).hasValue("You said: hi");
  }

  @Test
  void providerAccountWithoutCreditIsNotRetried() throws Exception {
    var patient = CLIENT.withOptions(options -> options.maxRetries(2)).chat().completions();
    var params = ask("[[script status=429 code=insufficient_quota]]").build();
    int before = ScriptedStats.requests();

    var refusal = catchThrowableOfType(RateLimitException.class, () -> patient.create(params));

    assertThat(refusal.code()).hasValue("insufficient_quota");
    assertThat(ScriptedStats.requests()).isEqualTo(before + 1);
  }

  /** Loads classes before the test, because that takes seconds of the minute. */
  private static void warmUp(ChatCompletionCreateParams params) {
    CLIENT.chat().completions().create(params).validate();
    Gateway.stream(params);
    langChain4j(Gateway.required("LLMPROXY_KEY")).chat("hi");
  }

  /** With retries, langchain4j waits about a second each time and ignores Retry-After. */
  private static OpenAiChatModel langChain4j(String key) {
    return OpenAiChatModel.builder()
        .baseUrl(Gateway.required("LLMPROXY_BASE_URL"))
        .apiKey(key)
        .modelName(MODEL)
        .maxRetries(0)
        .build();
  }

  private static String remaining(Headers headers) {
    return only(headers, "x-ratelimit-remaining-requests");
  }

  private static String only(Headers headers, String name) {
    assertThat(headers.values(name)).hasSize(1);
    return headers.values(name).getFirst();
  }
}
