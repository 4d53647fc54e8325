package dev.llmproxy.provider.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.Fixtures;
import dev.llmproxy.Wire;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.provider.SseEvent;
import dev.llmproxy.provider.SseReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class OpenAiStreamTranslatorTest {
  private static final byte[] REQUEST =
      """
      {"model": "groq/llama-test", "messages": [{"role": "user", "content": "Say hello, please."}]}
      """
          .getBytes(UTF_8);

  static List<String> cases() {
    return Fixtures.cases("streams", ".openai.sse");
  }

  @Wire({"1.2c", "5.read", "5.1", "5.2", "5.3", "5.3b", "5.4", "5.4b", "5.7"})
  @ParameterizedTest
  @MethodSource("cases")
  void eventsMatchTheGoldenFile(String name) throws IOException {
    List<ChatEvent> events = translate(Fixtures.bytes("streams/" + name + ".openai.sse"));
    Fixtures.check("streams/" + name + ".openai.events.json", Fixtures.json(events));
  }

  @Wire("1.2c")
  @Test
  void silenceAndBrokenConnectionGiveDifferentErrors() {
    assertThat(translator().broken(new SocketTimeoutException()))
        .singleElement()
        .isInstanceOfSatisfying(
            ChatEvent.Failed.class,
            failed -> assertThat(failed.error().code()).isEqualTo("upstream_timeout"));
    assertThat(translator().broken(new SocketException("Connection reset by 10.0.0.7")))
        .singleElement()
        .isInstanceOfSatisfying(
            ChatEvent.Failed.class,
            failed -> {
              assertThat(failed.error().code()).isEqualTo("upstream_error");
              assertThat(failed.error().message()).doesNotContain("10.0.0.7");
            });
  }

  @Wire("5.6")
  @Test
  void nothingFollowsTheLastEvent() {
    OpenAiStreamTranslator translator = translator();
    assertThat(translator.over()).isFalse();
    assertThat(translator.end()).hasSize(1);
    assertThat(translator.over()).isTrue();
    assertThat(translator.translate(new SseEvent(null, "[DONE]"))).isEmpty();
    assertThat(translator.end()).isEmpty();
  }

  /** The stored state does not grow with the answer. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "128 | {'index':%d,'delta':{'content':'a'}}                         | more than 128 choices",
        "1024| {'delta':{'tool_calls':[{'index':%d,'function':{'name':'a'}}]}} | more than 1024 tool calls",
        "1024| {'delta':{'tool_calls':[{'index':0,'function':{'name':'%1$.1s'}}]}} | the name of a tool",
      })
  void answerOverALimitEndsWithAnError(int most, String choice, String reason) {
    OpenAiStreamTranslator translator = translator();
    String chunk = "{\"choices\":[" + choice.replace('\'', '"') + "]}";
    List<ChatEvent> events = new ArrayList<>();
    for (int i = 0; i < most; i++) {
      events.addAll(translator.translate(new SseEvent(null, chunk.formatted(i))));
      assertThat(translator.over()).isFalse();
    }
    events.addAll(translator.translate(new SseEvent(null, chunk.formatted(most))));

    assertThat(events.getLast())
        .isInstanceOfSatisfying(
            ChatEvent.Failed.class,
            failed -> {
              assertThat(failed.error().status()).isEqualTo(502);
              assertThat(failed.error().message()).contains("sent " + reason);
            });
    assertThat(translator.over()).isTrue();
  }

  private static OpenAiStreamTranslator translator() {
    return new OpenAiStreamTranslator(Fixtures.chat(REQUEST));
  }

  /**
   * All events of a stream. As in a request, the accumulator gets each event before the next is
   * created.
   */
  private static List<ChatEvent> translate(byte[] stream) throws IOException {
    ChatCall chat = Fixtures.chat(REQUEST);
    OpenAiStreamTranslator translator = new OpenAiStreamTranslator(chat);
    SseReader reader = new SseReader(new ByteArrayInputStream(stream), 1 << 20);
    List<ChatEvent> events = new ArrayList<>();
    for (SseEvent event = reader.next(); event != null; event = reader.next()) {
      take(translator.translate(event), chat, events);
    }
    take(translator.end(), chat, events);
    return events;
  }

  private static void take(List<ChatEvent> from, ChatCall chat, List<ChatEvent> to) {
    from.forEach(chat.accumulator()::add);
    to.addAll(from);
  }
}
