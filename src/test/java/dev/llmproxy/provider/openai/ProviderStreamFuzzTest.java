package dev.llmproxy.provider.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.provider.Damage;
import dev.llmproxy.provider.ProviderEvents;
import dev.llmproxy.provider.SseEvent;
import dev.llmproxy.provider.SseReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The answer to the client keeps the wire contract for all bytes that a provider may send. {@code
 * make fuzz} searches for bytes for which it does not. {@code mvn test} tries the bytes that were
 * found earlier, and the golden streams with bytes cut, dropped and exchanged.
 */
class ProviderStreamFuzzTest {
  private static final int MOST_EVENT_BYTES = 1 << 16;
  private static final byte[] REQUEST =
      "{\"model\":\"groq/llama-test\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
          .getBytes(UTF_8);
  private static final Set<String> FINISH_REASONS =
      Set.of("stop", "length", "tool_calls", "content_filter", "function_call");

  static Stream<byte[]> goldenStreams() {
    return Fixtures.cases("streams", ".openai.sse").stream()
        .map(name -> Fixtures.bytes("streams/" + name + ".openai.sse"));
  }

  @MethodSource("goldenStreams")
  @FuzzTest(maxDuration = "3m")
  void anyStreamKeepsTheContract(byte[] stream) {
    checkReading(stream);
    checkAnswer(stream);
  }

  @ParameterizedTest
  @MethodSource("goldenStreams")
  void aDamagedStreamKeepsTheContract(byte[] golden) {
    Damage damage = new Damage(golden.length);
    for (int round = 0; round < 60; round++) {
      anyStreamKeepsTheContract(damage.applyTo(golden));
    }
  }

  /** The events and the limit do not depend on the sizes of reads. */
  private static void checkReading(byte[] stream) {
    for (int most : new int[] {16, MOST_EVENT_BYTES}) {
      Reading whole = Reading.of(new ByteArrayInputStream(stream), most);
      assertThat(Reading.of(new Pieces(stream, 1), most)).isEqualTo(whole);
      assertThat(Reading.of(new Pieces(stream, 7), most)).isEqualTo(whole);
      assertThat(whole.events)
          .allSatisfy(event -> assertThat(event.data().length()).isLessThanOrEqualTo(most));
    }
  }

  private static void checkAnswer(byte[] stream) {
    ChatCall chat = Fixtures.chat(REQUEST);
    List<ChatEvent> events = new ArrayList<>();
    try (ProviderEvents turn =
        new ProviderEvents(
            new ByteArrayInputStream(stream),
            "text/event-stream",
            new OpenAiStreamTranslator(chat),
            1,
            chat.memory())) {
      while (turn.hasNext()) {
        ChatEvent event = turn.next();
        chat.accumulator().add(event);
        events.add(event);
      }
    }
    assertThat(events).isNotEmpty();
    assertThat(events.subList(0, events.size() - 1)).allMatch(ChatEvent.Delta.class::isInstance);
    for (ChatEvent event : events) {
      switch (event) {
        case ChatEvent.Delta delta -> checkChunk(delta.chunk(), (ChatEvent.Delta) events.get(0));
        case ChatEvent.Complete complete -> {
          assertThat(events).hasSizeGreaterThan(1);
          for (String count : List.of("prompt_tokens", "completion_tokens", "total_tokens")) {
            assertThat(complete.usage().path(count).isIntegralNumber()).as(count).isTrue();
          }
          assertThat(chat.accumulator().completion().path("choices")).isNotEmpty();
        }
        case ChatEvent.Failed failed -> assertThat(failed.error().status()).isBetween(400, 599);
        default -> throw new AssertionError("No provider gives " + event);
      }
    }
    assertThat(events.getLast()).isNotInstanceOf(ChatEvent.Delta.class);
  }

  private static void checkChunk(JsonNode chunk, ChatEvent.Delta first) {
    assertThat(chunk.path("id").isTextual()).isTrue();
    assertThat(chunk.path("id")).isEqualTo(first.chunk().path("id"));
    assertThat(chunk.path("object").asText()).isEqualTo("chat.completion.chunk");
    assertThat(chunk.path("created").isIntegralNumber()).isTrue();
    assertThat(chunk.path("created")).isEqualTo(first.chunk().path("created"));
    assertThat(chunk.path("model").asText()).isEqualTo("groq/llama-test");
    assertThat(chunk.has("usage")).isFalse();
    assertThat(chunk.path("choices")).isInstanceOf(ArrayNode.class).isNotEmpty();
    for (JsonNode choice : chunk.path("choices")) {
      assertThat(choice.path("index").isInt()).isTrue();
      assertThat(choice.path("index").intValue()).isNotNegative();
      assertThat(choice.path("delta").isObject()).isTrue();
      JsonNode reason = choice.path("finish_reason");
      assertThat(reason.isNull() || FINISH_REASONS.contains(reason.asText())).isTrue();
      JsonNode calls = choice.path("delta").path("tool_calls");
      assertThat(calls.isMissingNode() || calls.isNull() || calls.isArray()).isTrue();
      for (JsonNode call : calls) {
        assertThat(call.path("index").isInt()).isTrue();
        JsonNode arguments = call.path("function").path("arguments");
        assertThat(arguments.isMissingNode() || arguments.isTextual()).isTrue();
      }
    }
  }

  /** The result of a reader: the events, and whether a limit was exceeded. */
  private record Reading(List<SseEvent> events, boolean failed) {
    static Reading of(InputStream in, int mostEventBytes) {
      List<SseEvent> events = new ArrayList<>();
      SseReader reader = new SseReader(in, mostEventBytes);
      try {
        for (SseEvent event = reader.next(); event != null; event = reader.next()) {
          events.add(event);
        }
        return new Reading(events, false);
      } catch (IOException tooLong) {
        return new Reading(events, true);
      }
    }
  }

  /** Returns a few bytes for each read. */
  private static final class Pieces extends ByteArrayInputStream {
    private final int most;

    Pieces(byte[] bytes, int most) {
      super(bytes);
      this.most = most;
    }

    @Override
    public synchronized int read(byte[] target, int offset, int length) {
      return super.read(target, offset, Math.min(most, length));
    }
  }
}
