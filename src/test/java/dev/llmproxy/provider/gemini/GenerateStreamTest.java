package dev.llmproxy.provider.gemini;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.base.Json;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ToolMemory;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GenerateStreamTest {
  private static final String FOLDER = "gemini/streams";
  private static final byte[] REQUEST =
      """
      {"model": "gemini/gemini-3.6-flash", "messages": [{"role": "user", "content": "Hello there."}],
       "tools": [{"type": "function", "function": {"name": "weather"}}]}
      """
          .getBytes(UTF_8);

  static List<String> cases() {
    return Fixtures.cases(FOLDER, ".sse");
  }

  @ParameterizedTest
  @MethodSource("cases")
  void eventsMatchTheGoldenFile(String name) {
    Fixtures.check(
        FOLDER + "/" + name + ".events.json",
        Fixtures.json(
            Chats.events(
                Chats.of(REQUEST),
                Fixtures.bytes(FOLDER + "/" + name + ".sse"),
                new ToolMemory())));
  }

  @Test
  void aSignedTurnWithCallsIsRemembered() {
    ToolMemory memory = new ToolMemory();
    ChatCall chat = Chats.of(REQUEST);
    Chats.events(chat, Fixtures.bytes(FOLDER + "/two-calls-in-two-events.sse"), memory);
    ArrayNode ids = Json.array();
    chat.accumulator()
        .completion()
        .at("/choices/0/message/tool_calls")
        .forEach(call -> ids.add(call.get("id")));
    ArrayNode turn = memory.turn(chat, ids);
    assertThat(turn.findValuesAsText("thoughtSignature")).containsExactly("sig-1");
    assertThat(turn.findValuesAsText("city")).containsExactly("Paris", "Rome");
  }

  @Test
  void soundsThatTheCacheDoesNotHaveAreCountedForTheirPrice() {
    byte[] answer =
        """
        data: {"candidates": [{"content": {"parts": [{"text": "A song."}]}, "finishReason": "STOP"}], "usageMetadata": {\
        "promptTokenCount": 1000, "cachedContentTokenCount": 300, "candidatesTokenCount": 50, "totalTokenCount": 1050, \
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}, {"modality": "AUDIO", "tokenCount": 900}], \
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 300}], \
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 40}, {"modality": "TEXT", "tokenCount": 10}]}}

        """
            .getBytes(UTF_8);
    ChatCall chat = Chats.of(REQUEST);

    Chats.events(chat, answer, new ToolMemory());

    assertThat(TokenCount.of(chat.accumulator().usage()))
        .isEqualTo(new TokenCount(1000, 300, 0, 0, 600, 50, 40));
  }

  static IntStream seeds() {
    return IntStream.range(0, 200);
  }

  /** Any answer gives the same completion, in any pieces and as one JSON value. */
  @ParameterizedTest
  @MethodSource("seeds")
  void streamedAndWholeAnswersCollateToTheSameCompletion(int seed) {
    Random random = new Random(seed);
    ArrayNode parts = Json.array();
    StringBuilder stream = new StringBuilder();
    int count = random.nextInt(5);
    for (int i = 0; i < count; i++) {
      ObjectNode part = parts.addObject();
      if (random.nextInt(3) == 0) {
        part.putObject("functionCall").put("name", "weather").putObject("args").put("n", i);
        stream.append(event(Json.array().add(part), null));
        continue;
      }
      boolean thought = random.nextBoolean();
      String text = "ü \"λ\\ " + random.nextInt(1000) + "\n";
      part.put("text", text);
      if (thought) {
        part.put("thought", true);
      }
      for (int from = 0; from < text.length(); ) {
        int to = Math.min(text.length(), from + 1 + random.nextInt(4));
        stream.append(
            event(Json.array().add(part.deepCopy().put("text", text.substring(from, to))), null));
        from = to;
      }
    }
    stream.append(event(Json.array(), "STOP"));
    ChatCall whole = Chats.of(REQUEST);
    Chats.events(whole, Json.bytes(response(parts, "STOP")), new ToolMemory());
    ChatCall streamed = Chats.of(REQUEST);
    Chats.events(streamed, stream.toString().getBytes(UTF_8), new ToolMemory());
    assertThat(streamed.accumulator().completion()).isEqualTo(whole.accumulator().completion());
  }

  private static String event(ArrayNode parts, String reason) {
    return "data: " + Json.text(response(parts, reason)) + "\r\n\r\n";
  }

  private static ObjectNode response(ArrayNode parts, String reason) {
    ObjectNode response = Json.object();
    ObjectNode candidate = response.putArray("candidates").addObject().put("index", 0);
    candidate.putObject("content").set("parts", parts);
    if (reason != null) {
      candidate.put("finishReason", reason);
      response
          .putObject("usageMetadata")
          .put("promptTokenCount", 4)
          .put("candidatesTokenCount", 5)
          .put("totalTokenCount", 9);
    }
    return response;
  }
}
