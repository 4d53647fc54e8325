package dev.llmproxy.provider.gemini;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.llmproxy.Fixtures;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ToolMemory;
import dev.llmproxy.provider.AnswerContract;
import dev.llmproxy.provider.Damage;
import dev.llmproxy.provider.ProviderWarnings;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The answer to the client keeps the wire contract for all bytes that Gemini may send; as {@code
 * ProviderStreamFuzzTest} does for OpenAI's format.
 */
class GenerateStreamFuzzTest {
  private static final String FOLDER = "gemini/streams";
  private static final byte[] REQUEST =
      """
      {"model": "groq/llama-test", "messages": [{"role": "user", "content": "Hello there."}],
       "tools": [{"type": "function", "function": {"name": "weather"}}]}
      """
          .getBytes(UTF_8);

  static Stream<byte[]> goldenStreams() {
    return Fixtures.cases(FOLDER, ".sse").stream()
        .map(name -> Fixtures.bytes(FOLDER + "/" + name + ".sse"));
  }

  @MethodSource("goldenStreams")
  @FuzzTest(maxDuration = "3m")
  void anyStreamKeepsTheContract(byte[] stream) {
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
    assertThat(checkAnswer(Fixtures.bytes(FOLDER + "/two-calls-in-two-events.sse")))
        .isInstanceOf(ChatEvent.Complete.class);
  }

  private static ChatEvent checkAnswer(byte[] stream) {
    // Not a chat of the catalogue: Jazzer makes reading its files take a minute.
    ChatCall chat = Fixtures.chat(REQUEST);
    return AnswerContract.check(
        chat, new GenerateStream(chat, Map.of(), new ToolMemory(), new ProviderWarnings()), stream);
  }
}
