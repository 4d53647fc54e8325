package dev.llmproxy.call;

import java.util.Locale;
import java.util.Optional;

/** What becomes of what a caller and the models say to each other. */
public enum Keeping {
  /** Nothing of it is kept. */
  OFF,
  /** It is kept in the ledger's database. */
  LEDGER,
  /** It is kept there and in the workbook. */
  WORKBOOK;

  /** What a cell or a setting says, in any case of letters; empty when it cannot be read. */
  public static Optional<Keeping> of(String word) {
    return switch (word.strip().toLowerCase(Locale.ROOT)) {
      case "off", "no", "false" -> Optional.of(OFF);
      case "ledger" -> Optional.of(LEDGER);
      case "workbook" -> Optional.of(WORKBOOK);
      default -> Optional.empty();
    };
  }
}
