package dev.llmproxy.error;

import java.math.BigDecimal;
import java.time.Duration;

/**
 * Durations in Go's format: {@code 1s}, {@code 8.64s}, {@code 6m0s}, {@code 120ms}. OpenAI's rate
 * limit headers use it.
 */
public final class GoDuration {
  private GoDuration() {}

  /**
   * Formats a duration.
   *
   * @param duration not negative; rounded up to milliseconds
   */
  public static String text(Duration duration) {
    long milliseconds = duration.plusNanos(999_999).toMillis();
    if (milliseconds > 0 && milliseconds < 1000) {
      return milliseconds + "ms";
    }
    long minutes = milliseconds / 60_000;
    String seconds =
        BigDecimal.valueOf(milliseconds % 60_000, 3).stripTrailingZeros().toPlainString() + "s";
    if (minutes == 0) {
      return seconds;
    }
    return minutes < 60
        ? minutes + "m" + seconds
        : minutes / 60 + "h" + minutes % 60 + "m" + seconds;
  }
}
