package dev.llmproxy.gate;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class UnknownKeysTest {
  private final MovedTimeMeter clock = new MovedTimeMeter();
  private final UnknownKeys keys = new UnknownKeys(clock, Duration.ofMinutes(1), 3);

  @Test
  void onlyTheFirstRequestClaimsAReading() {
    assertThat(keys.claim("a")).isTrue();
    assertThat(keys.millisToBeginning()).isZero();
    assertThat(keys.claim("b")).isFalse();
    assertThat(keys.claim("a")).isFalse();
  }

  @Test
  void readingsBeginAtLeastTwoSecondsApart() {
    keys.claim("a");
    keys.ended();
    clock.move(Duration.ofMillis(500));

    assertThat(keys.claim("b")).isTrue();
    assertThat(keys.millisToBeginning()).isEqualTo(1_500);
    assertThat(keys.claim("c")).isFalse();
    keys.ended();
    clock.move(Duration.ofMillis(3_500));
    assertThat(keys.claim("d")).isTrue();
    assertThat(keys.millisToBeginning()).isZero();
  }

  @Test
  void aKeyOfTheLastReadingClaimsNoOtherAtOnce() {
    keys.claim("a");
    keys.claim("b");
    keys.ended();

    assertThat(keys.claim("a")).isFalse();
    assertThat(keys.claim("b")).isFalse();
    keys.await();

    clock.move(Duration.ofSeconds(2));
    assertThat(keys.claim("b")).isTrue();
  }

  @Test
  void aHungReadingBlocksTheNextOnlyForAWhile() {
    keys.claim("a");
    clock.move(Duration.ofSeconds(30));
    assertThat(keys.claim("b")).isFalse();

    clock.move(Duration.ofMillis(1));
    assertThat(keys.claim("b")).isTrue();
    assertThat(keys.millisToBeginning()).isZero();
  }

  @Test
  void requestsWaitForTheEndUpToTheMaximum() throws InterruptedException {
    keys.claim("a");
    List<Thread> waiting = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      waiting.add(Thread.startVirtualThread(keys::await));
    }
    Awaitility.await().until(() -> keys.waiting() == 3);
    keys.await();
    assertThat(waiting).allMatch(Thread::isAlive);

    keys.ended();
    for (Thread thread : waiting) {
      thread.join();
    }
    assertThat(keys.waiting()).isZero();
  }

  @Test
  void waitingEndsAfterTheTimeout() {
    UnknownKeys impatient = new UnknownKeys(clock, Duration.ofMillis(1), 3);
    impatient.claim("a");
    impatient.await();

    assertThat(impatient.waiting()).isZero();
  }
}
