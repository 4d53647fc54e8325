package dev.llmproxy.keys;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The texts of the column {@code Status} of the sheet {@code User API Keys}: the product's
 * messages, which begin with a sign of their own, and people's confirmations.
 */
public final class KeyStatus {
  /** How to confirm that keys or a column are gone, as the end of a sentence. */
  static final String HOW_TO_CONFIRM =
      "write CONFIRM into the column Status, or run ./llmproxy confirm-keys";

  private static final String WARNING = "⚠ ";
  private static final String DONE = "✓ ";
  private static final String CONFIRM = "confirm";
  private static final String CONFIRMED = DONE + "Confirmed ";
  // For so long other servers can read the confirmation.
  private static final Duration SHOWN = Duration.ofHours(1);

  private KeyStatus() {}

  /** The text for problems; an empty text for none. */
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

  /** Whether the product may change a cell: it is empty, the product's text or a confirmation. */
  public static boolean isOurs(String status) {
    return status.isBlank()
        || status.startsWith(WARNING)
        || status.startsWith(DONE)
        || isConfirm(status);
  }

  /**
   * The new text of a cell.
   *
   * @param status the cell's present text
   * @param text the text of {@link #of} for the problems of the cell's row
   */
  public static String next(String status, String text, Instant now) {
    if (isConfirm(status)) {
      return CONFIRMED + now.truncatedTo(ChronoUnit.MILLIS);
    }
    boolean fresh = confirmedAt(status).filter(then -> now.isBefore(then.plus(SHOWN))).isPresent();
    return fresh && text.isEmpty() ? status : text;
  }

  /**
   * The cells of Status to change. A problem of the whole sheet goes into the first row whose cell
   * the product may change, else below the last row.
   *
   * @param statuses the present texts by row number, in the sheet's order
   * @return the new texts by row number; empty when nothing differs
   */
  public static Map<Integer, String> changes(
      Map<Integer, String> statuses, List<KeyProblem> problems, Instant now) {
    Map<Integer, List<KeyProblem>> byRow =
        problems.stream().collect(Collectors.groupingBy(KeyProblem::row));
    List<KeyProblem> whole = byRow.getOrDefault(0, List.of());
    Map<Integer, String> changes = new LinkedHashMap<>();
    int last = 1;
    for (Map.Entry<Integer, String> status : statuses.entrySet()) {
      last = status.getKey();
      if (isOurs(status.getValue())) {
        List<KeyProblem> said = new ArrayList<>(whole);
        said.addAll(byRow.getOrDefault(last, List.of()));
        whole = List.of();
        String next = next(status.getValue(), of(said), now);
        if (!next.equals(status.getValue())) {
          changes.put(last, next);
        }
      }
    }
    if (!whole.isEmpty()) {
      changes.put(last + 1, of(whole));
    }
    return changes;
  }

  /** Whether a cell is a confirmation: somebody's, or the product's note of one. */
  static boolean isConfirmation(String status) {
    return isConfirm(status) || confirmedAt(status).isPresent();
  }

  /** Whether a cell confirms the loss of keys that are held since the given time. */
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
