package dev.llmproxy.gate;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.bucket4j.TimeMeter;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MemoryBucketsTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration NANOSECOND = Duration.ofNanos(1);

  private final MovedTimeMeter clock = new MovedTimeMeter();
  private final Buckets limits = new MemoryBuckets(MINUTE, 1000, clock);

  @Test
  void theMinuteBeginsWithTheFirstRequest() {
    clock.move(Duration.ofSeconds(17));
    assertThat(limits.take("a", 3, 1)).isEqualTo(granted(3, 2, MINUTE));
    clock.move(Duration.ofSeconds(10));
    assertThat(limits.take("a", 3, 1)).isEqualTo(granted(3, 1, Duration.ofSeconds(50)));
    assertThat(limits.take("a", 3, 1)).isEqualTo(granted(3, 0, Duration.ofSeconds(50)));
    clock.move(Duration.ofMillis(250));
    assertThat(limits.take("a", 3, 1)).isEqualTo(refused(3, Duration.ofMillis(49_750)));
  }

  @Test
  void requestsAreGrantedExactlyAfterTheReset() {
    exhaust("a", 3);
    clock.move(Duration.ofSeconds(20));
    Duration wait = limits.take("a", 3, 1).untilReset();
    clock.move(wait.minus(NANOSECOND));
    assertThat(limits.take("a", 3, 1)).isEqualTo(refused(3, NANOSECOND));
    clock.move(NANOSECOND);
    assertThat(limits.take("a", 3, 1)).isEqualTo(granted(3, 2, MINUTE));
  }

  @Test
  void aPauseOfAnyLengthStartsAFullMinute() {
    limits.take("a", 3, 1);
    clock.move(Duration.ofSeconds(119));
    exhaust("a", 3);
    clock.move(Duration.ofSeconds(2));
    assertThat(limits.take("a", 3, 1)).isEqualTo(refused(3, Duration.ofSeconds(58)));
  }

  @Test
  void refusedRequestsDoNotCount() {
    exhaust("a", 3);
    for (int i = 0; i < 100; i++) {
      assertThat(limits.take("a", 3, 1).granted()).isFalse();
    }
    clock.move(MINUTE);
    assertThat(limits.take("a", 3, 1)).isEqualTo(granted(3, 2, MINUTE));
  }

  @Test
  void namesHaveSeparateLimits() {
    exhaust("a", 3);
    assertThat(limits.take("b", 3, 1)).isEqualTo(granted(3, 2, MINUTE));
    assertThat(limits.look("a", 3, 1).granted()).isFalse();
    assertThat(limits.look("b", 3, 1).granted()).isTrue();
    assertThat(limits.look("c", 3, 1).granted()).isTrue();
  }

  @Test
  void aUsedUpLimitIsExhaustedUntilTheMinuteEnds() {
    exhaust("a", 3);
    clock.move(MINUTE.minus(NANOSECOND));
    assertThat(limits.look("a", 3, 1).granted()).isFalse();
    clock.move(NANOSECOND);
    assertThat(limits.look("a", 3, 1).granted()).isTrue();
  }

  @Test
  void aHigherLimitAppliesAtOnceAndEarlierRequestsCount() {
    exhaust("a", 3);
    assertThat(limits.take("a", 10, 1)).isEqualTo(granted(10, 6, MINUTE));
  }

  @Test
  void aLowerLimitAppliesAtOnceAndEarlierRequestsCount() {
    for (int i = 0; i < 4; i++) {
      limits.take("a", 10, 1);
    }
    assertThat(limits.take("a", 5, 1).remaining()).isZero();
    assertThat(limits.take("a", 5, 1).granted()).isFalse();
    assertThat(limits.take("a", 3, 1)).isEqualTo(refused(3, MINUTE));
  }

  @Test
  void namesAreForgottenAfterTheirMinute() {
    for (int i = 0; i < 1000; i++) {
      limits.take("name " + i, 3, 1);
    }
    assertThat(limits.size()).isEqualTo(1000);
    clock.move(Duration.ofSeconds(30));
    limits.take("name 7", 3, 1);
    clock.move(Duration.ofSeconds(30));
    limits.take("late", 3, 1);
    clock.move(Duration.ofSeconds(45));
    assertThat(limits.take("late", 3, 1).remaining()).isEqualTo(1);
    clock.move(Duration.ofSeconds(15));
    limits.take("latest", 3, 1);
    assertThat(limits.size()).isEqualTo(1);
  }

  @Test
  void namesBeyondTheMaximumShareOneLimit() {
    Buckets few = new MemoryBuckets(MINUTE, 10, clock);
    for (int i = 0; i < 10; i++) {
      few.take("known " + i, 3, 1);
    }
    long granted =
        IntStream.range(0, 1000).filter(i -> few.take("stranger " + i, 3, 1).granted()).count();
    assertThat(granted).isEqualTo(3);
    assertThat(few.look("yet another", 3, 1).granted()).isFalse();
    assertThat(few.size()).isEqualTo(11);
    assertThat(few.take("known 4", 3, 1)).isEqualTo(granted(3, 1, MINUTE));
  }

  @Test
  void theLimitIsExactWithParallelRequests() throws Exception {
    Buckets real = new MemoryBuckets(MINUTE, 1000, TimeMeter.SYSTEM_NANOTIME);
    for (int round = 0; round < 300; round++) {
      String name = "name " + round;
      Callable<Boolean> ask = () -> real.take(name, 50, 1).granted();
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<Boolean>> answers = threads.invokeAll(java.util.Collections.nCopies(200, ask));
        assertThat(answers.stream().filter(Future::resultNow)).hasSize(50);
      }
    }
  }

  @Test
  void whatIsChargedBeyondTheLimitIsMissingInTheNextWindow() {
    limits.take("a", 10, 8);
    limits.charge("a", 7);
    assertThat(limits.look("a", 10, 1).granted()).isFalse();
    clock.move(MINUTE);
    assertThat(limits.take("a", 10, 6).granted()).isFalse();
    assertThat(limits.take("a", 10, 5).granted()).isTrue();
  }

  @Test
  void whatIsGivenBackCanBeTakenAgainAndNoMore() {
    limits.take("a", 10, 8);
    limits.giveBack("a", 6);
    assertThat(limits.take("a", 10, 9).granted()).isFalse();
    assertThat(limits.take("a", 10, 8).granted()).isTrue();
    limits.giveBack("a", 100);
    assertThat(limits.take("a", 10, 11).granted()).isFalse();
  }

  @Test
  void whatWasUsedBeforeCounts() {
    assertThat(limits.take("a", 10, 3, () -> 8).granted()).isFalse();
    assertThat(limits.take("a", 10, 2, () -> 0).granted()).isTrue();
    assertThat(limits.take("b", 10, 1, () -> 12).granted()).isFalse();
    assertThat(limits.look("b", 13, 1).granted()).isFalse();
    assertThat(limits.take("b", 13, 1).granted()).isTrue();
  }

  @Test
  void aLimitOfZeroGrantsNothing() {
    assertThat(limits.take("a", 0, 1).granted()).isFalse();
    assertThat(limits.look("a", 0, 1).granted()).isFalse();
    assertThat(limits.take("a", 2, 1)).isEqualTo(granted(2, 1, MINUTE));
  }

  private void exhaust(String name, int limit) {
    for (int i = 0; i < limit; i++) {
      assertThat(limits.take(name, limit, 1).granted()).isTrue();
    }
  }

  private static Allowance granted(int limit, long remaining, Duration untilReset) {
    return new Allowance(true, limit, remaining, Duration.ZERO, untilReset);
  }

  private static Allowance refused(int limit, Duration untilReset) {
    return new Allowance(false, limit, 0, untilReset, untilReset);
  }
}
