package dev.llmproxy.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class LocalModelTest {
  private static final List<ChatMessage> CAPITAL = user("What is the capital of France?");
  private static final String CAPITAL_ANSWER = "The capital of France is Paris.";

  /** The greedy answer to this question repeats itself without end. */
  private static final List<ChatMessage> POEM = user("Write a short poem about the sea.");

  private static LocalModel model;

  @BeforeAll
  static void load() throws Exception {
    model = LocalModel.load(ModelFile.path());
  }

  @AfterAll
  static void close() {
    model.close();
  }

  @Test
  void questionIsAnswered() {
    Generation answer = model.generate(CAPITAL, greedy(100));

    assertThat(answer.promptTokens()).isEqualTo(37);
    assertThat(model.promptTokens(CAPITAL)).isEqualTo(37);
    assertThat(read(answer)).isEqualTo(CAPITAL_ANSWER);
    assertThat(answer.completionTokens()).isEqualTo(7);
    assertThat(answer.finishReason()).isEqualTo("stop");
  }

  @Test
  void answerIsStreamedTokenByToken() {
    List<String> pieces = new ArrayList<>();
    model.generate(CAPITAL, greedy(100)).forEachRemaining(pieces::add);

    assertThat(pieces).containsExactly("The", " capital", " of", " France", " is", " Paris", ".");
  }

  @Test
  void sameSeedGivesTheSameAnswer() {
    String first = read(model.generate(POEM, seeded(1)));

    assertThat(read(model.generate(POEM, seeded(1)))).isEqualTo(first);
    assertThat(read(model.generate(POEM, seeded(2)))).isNotEqualTo(first);
  }

  @Test
  void answerEndsBeforeAStopAcrossTokens() {
    SamplingOptions options = new SamplingOptions(0, 1, null, 100, List.of("is Par", "Rome"));
    Generation answer = model.generate(CAPITAL, options);

    assertThat(read(answer)).isEqualTo("The capital of France ");
    assertThat(answer.finishReason()).isEqualTo("stop");
    assertThat(answer.completionTokens()).isEqualTo(6);
  }

  @Test
  void answerEndsAtTheTokenLimit() {
    Generation answer = model.generate(CAPITAL, greedy(3));

    assertThat(read(answer)).isEqualTo("The capital of");
    assertThat(answer.finishReason()).isEqualTo("length");
    assertThat(answer.completionTokens()).isEqualTo(3);
  }

  @Test
  void answerEndsAtTheEndOfTheContext() throws Exception {
    try (LocalModel small = LocalModel.load(ModelFile.path(), 64)) {
      Generation answer = small.generate(POEM, greedy(500));

      assertThat(read(answer)).isNotEmpty();
      assertThat(answer.finishReason()).isEqualTo("length");
      assertThat(answer.promptTokens() + answer.completionTokens()).isEqualTo(64);
    }
  }

  @Test
  void promptOverTheContextIsRejected() {
    assertThatThrownBy(() -> model.generate(user("word ".repeat(3000)), greedy(1)))
        .isInstanceOfSatisfying(
            LocalModelContextException.class,
            refused -> {
              assertThat(refused.promptTokens()).isEqualTo(3031);
              assertThat(refused.contextLength()).isEqualTo(model.contextLength());
            })
        .hasMessageContaining("2048 tokens, and this prompt has 3031");
  }

  @Test
  void emptyConversationIsRejected() {
    assertThatThrownBy(() -> model.generate(List.of(), greedy(1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void followUpGetsTheSameAnswerWithAndWithoutCache() throws Exception {
    List<ChatMessage> conversation =
        List.of(
            CAPITAL.get(0),
            new ChatMessage("assistant", CAPITAL_ANSWER),
            new ChatMessage("user", "Tell me more about it."));
    read(model.generate(CAPITAL, seeded(3)));
    String cached = read(model.generate(conversation, seeded(3)));

    try (LocalModel fresh = LocalModel.load(ModelFile.path())) {
      assertThat(read(fresh.generate(conversation, seeded(3)))).isEqualTo(cached);
    }
  }

  @Test
  void nextRequestRunsWhenAnAnswerIsClosed() {
    Generation abandoned = model.generate(POEM, greedy(2000));
    abandoned.next();
    Generation next = model.generate(CAPITAL, greedy(100));
    abandoned.close();

    assertThat(read(next)).isEqualTo(CAPITAL_ANSWER);
    assertThat(abandoned.finishReason()).isNull();
    assertThat(abandoned.completionTokens()).isBetween(1, 1999);
  }

  @Test
  void nextRequestRunsWhenTheReaderIsInterrupted() {
    Generation abandoned = model.generate(POEM, greedy(2000));
    Thread.currentThread().interrupt();

    assertThatThrownBy(abandoned::hasNext).isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(read(model.generate(CAPITAL, greedy(100)))).isEqualTo(CAPITAL_ANSWER);
  }

  @Test
  void requestsAreAnsweredInOrder() {
    List<Generation> answers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      answers.add(model.generate(POEM, greedy(10)));
    }
    for (int i = answers.size() - 1; i >= 0; i--) {
      read(answers.get(i));
      assertThat(answers.subList(0, i)).allMatch(earlier -> earlier.finishReason() != null);
    }
  }

  @Test
  void requestIsRejectedWhenTheQueueIsFull() {
    List<Generation> answers = new ArrayList<>();
    answers.add(model.generate(POEM, greedy(2000)));
    answers.get(0).next();
    for (int i = 0; i < LocalModel.QUEUE_LIMIT; i++) {
      answers.add(model.generate(CAPITAL, greedy(100)));
    }
    assertThatThrownBy(() -> model.generate(CAPITAL, greedy(100)))
        .isInstanceOf(LocalModelBusyException.class)
        .hasMessageContaining("16 requests are waiting");

    answers.remove(5).close();
    answers.add(model.generate(CAPITAL, greedy(100)));
    answers.remove(0).close();
    assertThat(answers).hasSize(16).allMatch(answer -> read(answer).equals(CAPITAL_ANSWER));
  }

  @Test
  void closeEndsRunningAnswers() throws Exception {
    LocalModel closing = LocalModel.load(ModelFile.path());
    Generation running = closing.generate(POEM, greedy(2000));
    Generation waiting = closing.generate(POEM, greedy(2000));
    running.next();
    closing.close();

    read(running);
    assertThat(running.finishReason()).isNull();
    assertThat(waiting.hasNext()).isFalse();
    assertThatThrownBy(() -> closing.generate(CAPITAL, greedy(1)))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void missingFileIsReportedWithTheRemedy(@TempDir Path folder) {
    assertThatThrownBy(() -> LocalModel.load(folder.resolve("none.gguf")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("none.gguf is missing. Run scripts/fetch-model");
  }

  @Test
  void damagedFileIsRejected(@TempDir Path folder) throws Exception {
    Path damaged = folder.resolve("damaged.gguf");
    byte[] content = Files.readAllBytes(ModelFile.path());
    content[50_000_000] ^= 1;
    Files.write(damaged, content);

    assertThatThrownBy(() -> LocalModel.load(damaged))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is damaged or not the expected one");
  }

  private static List<ChatMessage> user(String content) {
    return List.of(new ChatMessage("user", content));
  }

  private static SamplingOptions greedy(int maxTokens) {
    return new SamplingOptions(0, 1, null, maxTokens, List.of());
  }

  private static SamplingOptions seeded(long seed) {
    return new SamplingOptions(1, 0.95, seed, 40, List.of());
  }

  private static String read(Generation answer) {
    StringBuilder text = new StringBuilder();
    answer.forEachRemaining(text::append);
    return text.toString();
  }
}
