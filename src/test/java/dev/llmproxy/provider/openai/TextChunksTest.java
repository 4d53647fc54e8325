package dev.llmproxy.provider.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.provider.SseEvent;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Chunks that are not parsed give the same answer as chunks that are. */
class TextChunksTest {
  private static final byte[] REQUEST =
      "{\"model\":\"groq/llama-test\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
          .getBytes(UTF_8);
  private static final List<String> TEXTS =
      List.of(
          "",
          "A",
          " b",
          "ö€😀",
          "\\n\\t\\\"\\\\\\/",
          "\\u00e9x",
          "\\ud83d\\ude00",
          "",
          "{\\\"content\\\":\\\"x\\\"}");

  private static final String FIRST =
      "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,"
          + "\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}";
  private static final String LAST =
      "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,"
          + "\"delta\":{},\"finish_reason\":\"stop\"}]}";

  private static String chunk(String text, String more) {
    return "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,"
        + "\"delta\":{\"content\":\""
        + text
        + "\"},\"logprobs\":null,\"finish_reason\":null}]"
        + more
        + "}";
  }

  /** The answers of one stream, once recognised and once, by white space that differs, parsed. */
  private static void check(List<String> chunks) throws JsonProcessingException {
    ChatCall fast = Fixtures.chat(REQUEST);
    ChatCall slow = Fixtures.chat(REQUEST);
    List<JsonNode> recognised = translate(fast, chunks, false);
    List<JsonNode> parsed = translate(slow, chunks, true);
    assertThat(recognised).isEqualTo(parsed);
    assertThat(Json.text(fast.accumulator().completion()))
        .isEqualTo(Json.text(slow.accumulator().completion()));
    assertThat(fast.accumulator().deltas()).isEqualTo(slow.accumulator().deltas());
    assertThat(fast.accumulator().usage()).isEqualTo(slow.accumulator().usage());
  }

  private static List<JsonNode> translate(ChatCall chat, List<String> chunks, boolean parsed)
      throws JsonProcessingException {
    OpenAiStreamTranslator translator = new OpenAiStreamTranslator(chat);
    chat.accumulator().keepAll();
    List<JsonNode> sent = new ArrayList<>();
    List<String> all = new ArrayList<>(chunks);
    all.addFirst(FIRST);
    all.add(LAST);
    all.add("[DONE]");
    for (int i = 0; i < all.size(); i++) {
      String data = parsed ? " ".repeat(i + 1) + all.get(i) : all.get(i);
      for (ChatEvent event : translator.translate(new SseEvent(null, data))) {
        chat.accumulator().add(event);
        if (event instanceof ChatEvent.Delta delta) {
          sent.add(Json.parse(delta.json()));
          assertThat(Json.parse(Json.bytes(delta.chunk()))).isEqualTo(sent.getLast());
        }
      }
    }
    return sent;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",\"system_fingerprint\":\"fp\"",
        ",\"usage\":null",
        ",\"x_vendor\":{\"region\":\"eu-1\"}",
        ",\"obfuscation\":\"PAD\"",
        ",\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":NUMBER,\"total_tokens\":NUMBER}",
        ",\"n\":NUMBER",
        ",\"content\":\"elsewhere\""
      })
  void recognisedChunksGiveTheSameAnswer(String more) throws JsonProcessingException {
    List<String> chunks = new ArrayList<>();
    for (int round = 0; round < 3; round++) {
      for (String text : TEXTS) {
        String number = Integer.toString(10 + chunks.size());
        chunks.add(
            chunk(text, more.replace("PAD", "p".repeat(chunks.size())).replace("NUMBER", number)));
      }
    }
    check(chunks);
  }

  @Test
  void chunksOfAnotherKindBetweenTextsGiveTheSameAnswer() throws JsonProcessingException {
    check(
        List.of(
            chunk("a", ""),
            chunk("b", ""),
            chunk("c", "").replace("\"content\"", "\"refusal\""),
            chunk("d", ""),
            chunk("e", "")
                .replace("\"index\":0", "\"index\":1")
                .replace("\"finish_reason\":null", "\"finish_reason\":\"stop\""),
            chunk("f", ""),
            chunk("g", ""),
            chunk("h", "").replace("\"finish_reason\":null", "\"finish_reason\":\"length\""),
            chunk("i", ""),
            chunk("j", "")));
  }

  @Test
  void namesWithEscapesGiveTheSameAnswer() throws JsonProcessingException {
    check(
        TEXTS.stream()
            .map(text -> chunk(text, ",\"content\":\"" + text + "\""))
            .map(chunk -> chunk.replace("{\"content\"", "{\"\\u0063ontent\""))
            .toList());
  }

  @Test
  void invalidTextsAreNotRecognised() throws JsonProcessingException {
    ChatCall chat = Fixtures.chat(REQUEST);
    OpenAiStreamTranslator translator = new OpenAiStreamTranslator(chat);
    for (String data : List.of(FIRST, chunk("a", ""), chunk("b", ""))) {
      assertThat(translator.translate(new SseEvent(null, data))).hasSize(1);
    }
    for (String text : List.of("\\x", "\\u12", "tab\t", "\\ud83d")) {
      OpenAiStreamTranslator other = new OpenAiStreamTranslator(Fixtures.chat(REQUEST));
      other.translate(new SseEvent(null, FIRST));
      List<ChatEvent> unseen = other.translate(new SseEvent(null, chunk(text, "")));
      OpenAiStreamTranslator used = new OpenAiStreamTranslator(Fixtures.chat(REQUEST));
      used.translate(new SseEvent(null, FIRST));
      used.translate(new SseEvent(null, chunk("a", "")));
      List<ChatEvent> seen = used.translate(new SseEvent(null, chunk(text, "")));
      assertThat(seen.getFirst().name()).as(text).isEqualTo(unseen.getFirst().name());
    }
  }
}
