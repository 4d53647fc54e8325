package dev.llmproxy.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Memory and age of the stored answers. */
class StoredAnswersTest {
  private static final Duration LIFE = Duration.ofMinutes(10);
  private static final int SIZE = 1000;
  private static final int ENTRY = SIZE + StoredAnswers.ENTRY_BYTES;

  private final AtomicLong now = new AtomicLong();

  @Test
  void memoryIsTheSumOfTheEntriesAndNeverMoreThanTheLimit() {
    StoredAnswers answers = new StoredAnswers(10 * ENTRY, LIFE, now::get);

    for (int i = 0; i < 10; i++) {
      answers.store("key" + i, new byte[SIZE]);
      assertThat(answers.bytes()).isEqualTo((i + 1L) * ENTRY);
    }
    for (int i = 10; i < 1000; i++) {
      answers.store("key" + i, new byte[SIZE]);
      assertThat(answers.bytes()).isEqualTo(10L * ENTRY);
    }
    assertThat(IntStream.range(0, 1000).filter(i -> answers.find("key" + i) != null).count())
        .isEqualTo(10);
  }

  @Test
  void largeAnswerTakesThePlaceOfManySmallOnes() {
    StoredAnswers answers = new StoredAnswers(10 * ENTRY, LIFE, now::get);
    for (int i = 0; i < 10; i++) {
      answers.store("small" + i, new byte[SIZE]);
    }
    // An answer that is asked for often displaces those that are not.
    for (int i = 0; i < 20; i++) {
      answers.find("large");
    }

    answers.store("large", new byte[6 * ENTRY - StoredAnswers.ENTRY_BYTES]);

    assertThat(answers.find("large")).isNotNull();
    assertThat(answers.bytes()).isEqualTo(10L * ENTRY);
  }

  @Test
  void anotherAnswerToTheSameRequestReplacesTheFirst() {
    StoredAnswers answers = new StoredAnswers(10 * ENTRY, LIFE, now::get);
    answers.store("key", new byte[SIZE]);

    answers.store("key", new byte[1]);

    assertThat(answers.find("key")).hasSize(1);
    assertThat(answers.bytes()).isEqualTo(1 + StoredAnswers.ENTRY_BYTES);
  }

  @Test
  void answerThatIsLargerThanTheCacheIsNotStored() {
    StoredAnswers answers = new StoredAnswers(10 * ENTRY, LIFE, now::get);
    answers.store("small", new byte[SIZE]);

    answers.store("large", new byte[10 * ENTRY]);

    assertThat(answers.find("large")).isNull();
    assertThat(answers.find("small")).isNotNull();
  }

  @Test
  void answersEndWithTheirTime() {
    StoredAnswers answers = new StoredAnswers(10 * ENTRY, LIFE, now::get);
    answers.store("key", new byte[SIZE]);

    now.addAndGet(LIFE.toNanos() - 1);
    assertThat(answers.find("key")).isNotNull();

    // Reading it has not made it younger.
    now.addAndGet(1);
    assertThat(answers.find("key")).isNull();
    assertThat(answers.bytes()).isZero();
  }
}
