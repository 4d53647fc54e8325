package dev.llmproxy.sdk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * langchain4j's HTTP client, the JDK's, requests HTTP/2 in the headers of its first request. The
 * server ignores that, because the request has a body, and the connection stays in HTTP/1.1. So
 * each test sends two requests.
 */
class UpgradeTest {
  private static final String MEGABYTE = "x".repeat(1 << 20);

  @Test
  void megabyteIsSentAndReturned() throws Exception {
    assertStaysInHttp1(baseUrl -> {
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
  void megabyteIsStreamed() throws Exception {
    var request = ChatRequest.builder().messages(UserMessage.from(MEGABYTE)).build();
    assertStaysInHttp1(baseUrl -> {
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

  private static void assertStaysInHttp1(Consumer<String> twoRequests) throws Exception {
    try (Relay relay = new Relay()) {
      twoRequests.accept(relay.baseUrl());

      assertThat(relay.connections()).hasSize(1);
      var connection = relay.connections().getFirst();
      assertThat(connection.fromClient())
          .startsWith("POST /v1/chat/completions HTTP/1.1\r\n")
          .contains("Upgrade: h2c\r\n")
          .doesNotContain("PRI * HTTP/2.0");
      assertThat(connection.fromGateway())
          .startsWith("HTTP/1.1 200 OK\r\n")
          .doesNotContain("101 Switching Protocols");
    }
  }
}
