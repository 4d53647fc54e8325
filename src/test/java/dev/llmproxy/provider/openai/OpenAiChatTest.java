package dev.llmproxy.provider.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.Fixtures;
import dev.llmproxy.Wire;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.error.ApiException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class OpenAiChatTest {
  private static final OpenAiChat CHAT = new OpenAiChat(16 << 20);

  static List<String> cases() {
    return Fixtures.cases("requests", ".json").stream()
        .filter(name -> !name.endsWith(".openai"))
        .toList();
  }

  @Wire({"3.message", "3.tools", "3.format", "3.unknown", "3.null"})
  @ParameterizedTest
  @MethodSource("cases")
  void upstreamRequestMatchesTheGoldenFile(String name) {
    ChatCall chat = chat(name);
    Fixtures.check(
        "requests/" + name + ".openai.json", OpenAiChat.upstreamRequest(chat, new HashSet<>()));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void clientsRequestIsNotChanged(String name) {
    ChatCall chat = chat(name);
    OpenAiChat.upstreamRequest(chat, new HashSet<>());
    assertThat(chat.request().body()).isEqualTo(Fixtures.json("requests/" + name + ".json"));
  }

  @Test
  void numbersKeepAllDigits() {
    String sent = Json.text(OpenAiChat.upstreamRequest(chat("numbers"), new HashSet<>()));
    assertThat(sent)
        .contains("\"temperature\":0.70,", "\"seed\":9007199254740993,")
        .contains("\"vendor_ratio\":0.1234567890123456789012345");
  }

  @Wire("2.key")
  @Test
  void clientHeadersAreRemovedAndTheProvidersKeyIsSent() throws IOException {
    try (DefaultCamelContext context = new DefaultCamelContext()) {
      Exchange exchange = new DefaultExchange(context);
      Message message = exchange.getMessage();
      message.setHeader("Authorization", "Bearer sk-of-the-client");
      message.setHeader("Cookie", "session=1");
      message.setHeader(Exchange.HTTP_URI, "http://elsewhere.example/");
      CHAT.prepare(Fixtures.context(chat("minimal")), exchange);
      assertThat(message.getHeaders())
          .containsOnlyKeys(
              Exchange.HTTP_METHOD,
              Exchange.HTTP_URI,
              "Content-Type",
              "Accept",
              "Accept-Encoding",
              "Authorization")
          .containsEntry(Exchange.HTTP_URI, "http://127.0.0.1/v1/chat/completions")
          .containsEntry("Authorization", "Bearer gsk-own-secret");
      assertThat(message.getBody(String.class))
          .isEqualTo(Json.text(OpenAiChat.upstreamRequest(chat("minimal"), new HashSet<>())));
    }
  }

  @Test
  void answerBecomesChatEvents() throws IOException {
    try (ChatEvents events =
        CHAT.receive(
            new ByteArrayInputStream(Fixtures.bytes("streams/plain.openai.sse")),
            200,
            null,
            null,
            "text/event-stream",
            Fixtures.context(chat("minimal")),
            exchange())) {
      List<String> names = new ArrayList<>();
      events.forEachRemaining(event -> names.add(event.name()));
      assertThat(names).containsExactly("delta", "delta", "delta", "delta", "complete");
    }
  }

  @Test
  void errorAnswerIsThrown() {
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() ->
            CHAT.receive(
                body("{}"), 401, null, null, null, Fixtures.context(chat("minimal")), exchange()))
        .satisfies(e -> assertThat(e.error().code()).isEqualTo("upstream_auth_error"));
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() ->
            CHAT.receive(
                body("<html>"),
                429,
                "9",
                null,
                null,
                Fixtures.context(chat("minimal")),
                exchange()))
        .satisfies(e -> assertThat(e.error().retryAfter()).hasSeconds(9));
  }

  private static Exchange exchange() {
    return new DefaultExchange(new DefaultCamelContext());
  }

  private static ByteArrayInputStream body(String text) {
    return new ByteArrayInputStream(text.getBytes(UTF_8));
  }

  private static ChatCall chat(String name) {
    return Fixtures.chat(Fixtures.bytes("requests/" + name + ".json"));
  }
}
