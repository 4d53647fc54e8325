package dev.llmproxy.call;

import java.util.Locale;
import java.util.Optional;

/** Where conversations are stored. */
public enum ConversationStorage {
  /** Conversations are not stored. */
  OFF,
  /** Conversations are stored in the ledger's database. */
  LEDGER,
  /** Conversations are stored in the ledger's database and in the workbook. */
  WORKBOOK;

  /** Parses the value of a cell or setting, in upper or lower case; empty for an unknown value. */
  public static Optional<ConversationStorage> of(String word) {
    return switch (word.strip().toLowerCase(Locale.ROOT)) {
      case "off", "no", "false" -> Optional.of(OFF);
      case "ledger" -> Optional.of(LEDGER);
      case "workbook" -> Optional.of(WORKBOOK);
      default -> Optional.empty();
    };
  }
}
