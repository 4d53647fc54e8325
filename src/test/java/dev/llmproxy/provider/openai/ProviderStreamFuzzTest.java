package dev.llmproxy.provider.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.llmproxy.Fixtures;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.provider.AnswerContract;
import dev.llmproxy.provider.Damage;
import dev.llmproxy.provider.SseEvent;
import dev.llmproxy.provider.SseReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
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

  static Stream<byte[]> goldenStreams() {
    return Fixtures.cases("streams", ".openai.sse").stream()
        .map(name -> Fixtures.bytes("streams/" + name + ".openai.sse"));
  }

  @MethodSource("goldenStreams")
  @FuzzTest(maxDuration = "3m")
  void anyStreamKeepsTheContract(byte[] stream) {
    checkReading(stream);
    ChatEvent unused = checkAnswer(stream);
  }

  @ParameterizedTest
  @MethodSource("goldenStreams")
  void aDamagedStreamKeepsTheContract(byte[] golden) {
    Damage damage = new Damage(golden.length);
    for (int round = 0; round < 60; round++) {
      anyStreamKeepsTheContract(damage.applyTo(golden));
    }
  }

  @Test
  void aWholeStreamIsAnswered() {
    assertThat(checkAnswer(Fixtures.bytes("streams/plain.openai.sse")))
        .isInstanceOf(ChatEvent.Complete.class);
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

  private static ChatEvent checkAnswer(byte[] stream) {
    ChatCall chat = Fixtures.chat(REQUEST);
    return AnswerContract.check(chat, new OpenAiStreamTranslator(chat), stream);
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
