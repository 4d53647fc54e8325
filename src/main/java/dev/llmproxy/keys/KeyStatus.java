package dev.llmproxy.keys;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What stands in the column {@code Status} of the sheet {@code User API Keys}: what the product has
 * to say, which begins with a sign that tells it from what people write, and their answer.
 */
public final class KeyStatus {
  /** What somebody does who means that keys or a column are gone, as the end of a sentence. */
  static final String HOW_TO_CONFIRM =
      "write CONFIRM into the column Status, or run ./llmproxy confirm-keys";

  private static final String WARNING = "⚠ ";
  private static final String DONE = "✓ ";
  private static final String CONFIRM = "confirm";
  private static final String CONFIRMED = DONE + "Confirmed ";
  // So long other servers can still read it.
  private static final Duration SHOWN = Duration.ofHours(1);

  private KeyStatus() {}

  /** The text for problems; empty for none. */
  public static String of(List<KeyProblem> problems) {
    return problems.isEmpty()
        ? ""
        : WARNING
            + problems.stream()
                .map(problem ->
                    (problem.row() == 0 ? "The sheet " : "This row ")
                        + problem.what()
                        + ". "
                        + problem.remedy()
                        + ".")
                .collect(Collectors.joining(" "));
  }

  /** Whether the product may change what stands there: it is empty, its own, or an answer to it. */
  public static boolean isOurs(String status) {
    return status.isBlank()
        || status.startsWith(WARNING)
        || status.startsWith(DONE)
        || isConfirm(status);
  }

  /**
   * The new text of a cell.
   *
   * @param text what {@link #of} gave for its row
   */
  public static String next(String status, String text, Instant now) {
    if (isConfirm(status)) {
      return CONFIRMED + now.truncatedTo(ChronoUnit.MILLIS);
    }
    boolean fresh = confirmedAt(status).filter(then -> now.isBefore(then.plus(SHOWN))).isPresent();
    return fresh && text.isEmpty() ? status : text;
  }

  /** Whether a cell says that what is gone is meant to be, by somebody's word or the product's. */
  static boolean isAnswer(String status) {
    return isConfirm(status) || confirmedAt(status).isPresent();
  }

  /** Whether it answers what is held since that moment. */
  static boolean confirms(String status, Instant heldSince) {
    return isConfirm(status)
        || confirmedAt(status).filter(then -> !then.isBefore(heldSince)).isPresent();
  }

  private static boolean isConfirm(String status) {
    return status.strip().equalsIgnoreCase(CONFIRM);
  }

  private static Optional<Instant> confirmedAt(String status) {
    if (!status.startsWith(CONFIRMED)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Instant.parse(status.substring(CONFIRMED.length()).strip()));
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }
}
