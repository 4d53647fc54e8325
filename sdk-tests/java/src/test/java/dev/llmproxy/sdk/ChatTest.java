package dev.llmproxy.sdk;

import static dev.llmproxy.sdk.Gateway.CLIENT;
import static dev.llmproxy.sdk.Gateway.MODEL;
import static dev.llmproxy.sdk.Gateway.ask;
import static org.assertj.core.api.Assertions.assertThat;

import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import org.junit.jupiter.api.Test;

class ChatTest {
  @Test
  void chat() {
    ChatCompletion completion = chat(ask("hello there").build());

    assertThat(contentOf(completion)).isEqualTo("You said: hello there");
    assertThat(completion.model()).isEqualTo(MODEL);
    assertThat(completion.usage().orElseThrow().totalTokens()).isEqualTo(6);
  }

  @Test
  void localModel() {
    assertThat(contentOf(chat(Gateway.askLocalModel().build()))).contains("Paris");
  }

  private static ChatCompletion chat(ChatCompletionCreateParams params) {
    return CLIENT.chat().completions().create(params).validate();
  }

  private static String contentOf(ChatCompletion completion) {
    return completion.choices().getFirst().message().content().orElseThrow();
  }
}
