package dev.llmproxy.sdk;

import static dev.llmproxy.sdk.Gateway.CLIENT;
import static dev.llmproxy.sdk.Gateway.ask;
import static dev.llmproxy.sdk.Gateway.clientWith;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.openai.client.OpenAIClient;
import com.openai.core.JsonMissing;
import com.openai.errors.BadRequestException;
import com.openai.errors.InternalServerException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ErrorsTest {
  @Test
  void unknownKey() {
    assertInvalidKey(clientWith("sk-nobody"));
  }

  @Test
  void revokedKey() {
    assertInvalidKey(clientWith(Gateway.optional("LLMPROXY_REVOKED_KEY")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"openai/no-such-model", "nowhere/at-all"})
  void unknownModel(String model) {
    var error = failure(NotFoundException.class, CLIENT, ask("hi").model(model).build());

    assertThat(error.code()).hasValue("model_not_found");
  }

  @Test
  void missingMessages() {
    var params = ask("hi").messages(JsonMissing.of()).build();

    assertThat(failure(BadRequestException.class, CLIENT, params).param()).hasValue("messages");
  }

  @Test
  void temperatureOutOfRange() {
    var error = failure(BadRequestException.class, CLIENT, ask("hi").temperature(9).build());

    assertThat(error.code()).hasValue("invalid_value");
    assertThat(error.param()).hasValue("temperature");
  }

  @Test
  void busyProvider() {
    var params = ask("[[script status=429 retry_after=7]]").build();
    var error = failure(RateLimitException.class, CLIENT, params);

    assertThat(error.headers().values("retry-after")).containsExactly("7");
  }

  @ParameterizedTest
  @ValueSource(strings = {"status=500", "status=503 html=1", "hangup=1"})
  void providerFailingBeforeTheFirstByte(String script) {
    var params = ask("[[script " + script + "]]").build();
    var error = failure(InternalServerException.class, CLIENT, params);

    assertThat(error.statusCode()).isEqualTo(502);
    assertThat(error.code()).hasValue("upstream_error");
  }

  private static void assertInvalidKey(OpenAIClient client) {
    var error = failure(UnauthorizedException.class, client, ask("hi").build());

    assertThat(error.code()).hasValue("invalid_api_key");
    assertThat(error).hasMessageNotContaining("sk-nobody");
  }

  /** Expects the same failure with and without streaming; returns the failure with streaming. */
  private static <E extends OpenAIServiceException> E failure(
      Class<E> kind, OpenAIClient client, ChatCompletionCreateParams params) {
    var completions = client.chat().completions();
    E whole = catchThrowableOfType(kind, () -> completions.create(params));
    E streamed = catchThrowableOfType(kind, () -> completions.createStreaming(params).close());
    assertThat(whole).isNotNull();
    assertThat(streamed).isNotNull();
    assertThat(streamed.code()).isEqualTo(whole.code());
    return streamed;
  }
}
