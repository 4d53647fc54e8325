package dev.llmproxy.provider.anthropic;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ToolMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MessagesStreamTest {
  private static final String FOLDER = "anthropic/streams";
  private static final String REQUEST =
      """
      {"model": "anthropic/claude-opus-5", "messages": [{"role": "user", "content": "Hello there."}],
       "tools": [{"type": "function", "function": {"name": "now"}}]}
      """;

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
  void aTurnWithThoughtsAndCallsIsRemembered() {
    String thought =
        """
        data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

        data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}

        data: {"type":"content_block_stop","index":0}

        """;
    String call =
        new String(Fixtures.bytes(FOLDER + "/call-without-arguments.sse"), UTF_8)
            .replace("\"index\": 0", "\"index\": 1");
    ToolMemory memory = new ToolMemory();
    ChatCall chat = Chats.of(REQUEST);
    Chats.events(chat, (thought + call).getBytes(UTF_8), memory);
    ArrayNode turn = memory.turn(chat, Json.array().add("toolu_1"));
    assertThat(Json.text(turn))
        .isEqualTo(
            "[{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"s\"},"
                + "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"now\",\"input\":{}}]");
    assertThat(memory.turn(chat, Json.array().add("toolu_2"))).isNull();
  }

  static IntStream seeds() {
    return IntStream.range(0, 200);
  }

  /** Any message gives the same completion, in any pieces and as one JSON value. */
  @ParameterizedTest
  @MethodSource("seeds")
  void streamedAndWholeMessagesCollateToTheSameCompletion(int seed) {
    RandomMessage message = new RandomMessage(new Random(seed));
    ChatCall whole = Chats.of(REQUEST);
    Chats.events(whole, Json.bytes(message.json()), new ToolMemory());
    ChatCall streamed = Chats.of(REQUEST);
    Chats.events(streamed, message.stream().getBytes(UTF_8), new ToolMemory());
    assertThat(streamed.accumulator().completion()).isEqualTo(whole.accumulator().completion());
  }

  /** A message with random blocks, as one value and as a stream with random pieces. */
  private static final class RandomMessage {
    private final Random random;
    private final ArrayNode content = Json.array();
    private final List<ObjectNode> events = new ArrayList<>();

    RandomMessage(Random random) {
      this.random = random;
      int blocks = random.nextInt(5);
      for (int i = 0; i < blocks; i++) {
        block(i);
      }
    }

    private void block(int index) {
      ObjectNode block = content.addObject();
      ObjectNode begun = Json.object();
      switch (random.nextInt(4)) {
        case 0 -> {
          String text = text();
          block.put("type", "text").put("text", text);
          begin(index, begun.put("type", "text").put("text", ""));
          pieces(index, "text_delta", "text", text);
        }
        case 1 -> {
          String text = text();
          block.put("type", "thinking").put("thinking", text).put("signature", "s" + index);
          begin(index, begun.put("type", "thinking").put("thinking", "").put("signature", ""));
          pieces(index, "thinking_delta", "thinking", text);
          pieces(index, "signature_delta", "signature", "s" + index);
        }
        case 2 -> {
          block.put("type", "redacted_thinking").put("data", "d" + index);
          begin(index, begun.setAll(block));
        }
        default -> {
          ObjectNode input = Json.object();
          if (random.nextBoolean()) {
            input.put("text", text());
          }
          block.put("type", "tool_use").put("id", "toolu_" + index).put("name", "now");
          begin(index, begun.<ObjectNode>setAll(block).set("input", Json.object()));
          block.set("input", input);
          pieces(
              index, "input_json_delta", "partial_json", input.isEmpty() ? "" : Json.text(input));
        }
      }
      events.add(Json.object().put("type", "content_block_stop").put("index", index));
    }

    private void begin(int index, ObjectNode block) {
      ObjectNode event = Json.object().put("type", "content_block_start").put("index", index);
      events.add(event.set("content_block", block));
    }

    private void pieces(int index, String type, String field, String text) {
      for (int from = 0; from < text.length(); ) {
        int to = Math.min(text.length(), from + 1 + random.nextInt(6));
        ObjectNode event = Json.object().put("type", "content_block_delta").put("index", index);
        event.putObject("delta").put("type", type).put(field, text.substring(from, to));
        events.add(event);
        from = to;
      }
    }

    private String text() {
      StringBuilder text = new StringBuilder();
      int length = random.nextInt(20);
      for (int i = 0; i < length; i++) {
        text.append("ab \"\\\nüλ{}".charAt(random.nextInt(10)));
      }
      return text.toString();
    }

    private ObjectNode usage() {
      return Json.object()
          .put("input_tokens", 5)
          .put("cache_read_input_tokens", 3)
          .put("output_tokens", 9);
    }

    ObjectNode json() {
      ObjectNode message = Json.object().put("type", "message").put("stop_reason", "end_turn");
      message.set("content", content);
      return message.set("usage", usage());
    }

    String stream() {
      ObjectNode start = Json.object().put("type", "message_start");
      start.putObject("message").set("usage", usage());
      ObjectNode delta = Json.object().put("type", "message_delta");
      delta.putObject("delta").put("stop_reason", "end_turn");
      StringBuilder stream = new StringBuilder();
      stream.append("data: ").append(Json.text(start)).append("\n\n");
      events.forEach(event -> stream.append("data: ").append(Json.text(event)).append("\n\n"));
      stream.append("data: ").append(Json.text(delta)).append("\n\n");
      return stream.append("data: {\"type\":\"message_stop\"}\n\n").toString();
    }
  }
}
