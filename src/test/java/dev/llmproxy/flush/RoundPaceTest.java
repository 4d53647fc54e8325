package dev.llmproxy.flush;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RoundPaceTest {
  private static final Duration TICK = Duration.ofMillis(500);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final AtomicLong nanos = new AtomicLong(-5);

  /** Without spacing, all rounds came in the first moments of a minute and none until its end. */
  @ParameterizedTest
  @CsvSource({"12, 5, 0", "12, 5, 3", "12, 5, 6", "12, 1, 3", "60, 1, 3", "30, 10, 5"})
  void steadyLoadNeverWaitsLongerThanTwoIntervals(int most, int seconds, int atStart) {
    RoundPace pace = new RoundPace(most, Duration.ofSeconds(seconds), nanos::get);
    List<Long> begun = new ArrayList<>();
    for (int i = 0; i < atStart; i++) {
      begin(pace, begun, true);
      nanos.addAndGet(Duration.ofMillis(100).toNanos());
    }
    for (int tick = 0; tick < 600; tick++) {
      begin(pace, begun, false);
      nanos.addAndGet(TICK.toNanos());
    }

    long interval = Math.max(seconds, 60 / most);
    for (int i = atStart; i < begun.size(); i++) {
      long last = i == 0 ? -5 : begun.get(i - 1);
      assertThat(Duration.ofNanos(begun.get(i) - last))
          .isLessThanOrEqualTo(Duration.ofSeconds(2 * interval));
    }
    assertThat(begun.getLast())
        .isGreaterThan(nanos.get() - Duration.ofSeconds(2 * interval).toNanos());
    assertThat(mostInAMinute(begun)).isLessThanOrEqualTo(most);
  }

  @Test
  void fullBatchesFollowAtOnceUntilTheMinutesRoundsAreUsed() {
    RoundPace pace = new RoundPace(12, Duration.ofSeconds(5), nanos::get);
    List<Long> begun = new ArrayList<>();
    for (int tick = 0; tick < 240; tick++) {
      begin(pace, begun, true);
      nanos.addAndGet(TICK.toNanos());
    }

    assertThat(begun).hasSize(24);
    assertThat(begun.get(11) - begun.get(0)).isEqualTo(11 * TICK.toNanos());
    assertThat(mostInAMinute(begun)).isEqualTo(12);
  }

  @Test
  void remainingRoundsAreSpreadOverTheMinute() {
    RoundPace pace = new RoundPace(12, Duration.ofSeconds(5), nanos::get);
    List<Long> begun = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      begin(pace, begun, true);
    }
    for (int tick = 0; tick < 119; tick++) {
      begin(pace, begun, false);
      nanos.addAndGet(TICK.toNanos());
    }

    assertThat(begun).hasSize(12);
    assertThat(begun.get(11)).isGreaterThanOrEqualTo(Duration.ofSeconds(45).toNanos() - 5);
  }

  @Test
  void limitOfOneRoundAMinuteAllowsOneRound() {
    RoundPace pace = new RoundPace(1, Duration.ofSeconds(5), nanos::get);
    List<Long> begun = new ArrayList<>();
    for (int tick = 0; tick < 241; tick++) {
      begin(pace, begun, tick % 2 == 0);
      nanos.addAndGet(TICK.toNanos());
    }

    assertThat(begun).hasSize(3);
    assertThat(mostInAMinute(begun)).isEqualTo(1);
  }

  private void begin(RoundPace pace, List<Long> begun, boolean atOnce) {
    if (pace.open(atOnce)) {
      pace.begin();
      begun.add(nanos.get());
    }
  }

  private static int mostInAMinute(List<Long> begun) {
    return begun.stream()
        .mapToInt(first ->
            (int)
                begun.stream()
                    .filter(one -> one >= first && one < first + MINUTE.toNanos())
                    .count())
        .max()
        .orElse(0);
  }
}
