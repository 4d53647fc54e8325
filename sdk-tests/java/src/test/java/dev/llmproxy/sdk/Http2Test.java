package dev.llmproxy.sdk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * langchain4j's HTTP client, the JDK's, asks for HTTP/2 in the headers of its first request. That
 * request's body still goes by HTTP/1.1, all that follows by HTTP/2: so each is asked twice.
 */
class Http2Test {
  private static final String MEGABYTE = "x".repeat(1 << 20);

  @Test
  void aMegabyteGoesThereAndBack() throws Exception {
    assertGoesByHttp2(baseUrl -> {
      var model =
          OpenAiChatModel.builder()
              .baseUrl(baseUrl)
              .apiKey(Gateway.required("LLMPROXY_KEY"))
              .modelName(Gateway.MODEL)
              .maxRetries(0)
              .build();
      for (int i = 0; i < 2; i++) {
        assertThat(model.chat(MEGABYTE)).isEqualTo("You said: " + MEGABYTE);
      }
    });
  }

  @Test
  void aMegabyteIsStreamed() throws Exception {
    var request = ChatRequest.builder().messages(UserMessage.from(MEGABYTE)).build();
    assertGoesByHttp2(baseUrl -> {
      var model =
          OpenAiStreamingChatModel.builder()
              .baseUrl(baseUrl)
              .apiKey(Gateway.required("LLMPROXY_KEY"))
              .modelName(Gateway.MODEL)
              .build();
      for (int i = 0; i < 2; i++) {
        var stream = new LangChain4jTest.Stream(false);
        model.chat(request, stream);
        assertThat(stream.whole.join().aiMessage().text()).isEqualTo("You said: " + MEGABYTE);
      }
    });
  }

  private static void assertGoesByHttp2(Consumer<String> twoRequests) throws Exception {
    try (Relay relay = new Relay()) {
      twoRequests.accept(relay.baseUrl());

      assertThat(relay.connections()).hasSize(1);
      var connection = relay.connections().getFirst();
      assertThat(connection.fromClient())
          .startsWith("POST /v1/chat/completions HTTP/1.1\r\n")
          .containsOnlyOnce("HTTP/1.1")
          .containsOnlyOnce("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      assertThat(connection.fromGateway())
          .startsWith("HTTP/1.1 101 Switching Protocols\r\n")
          .containsOnlyOnce("HTTP/1.1");
    }
  }
}
