package dev.llmproxy.usage;

import dev.llmproxy.Sha256;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.WorkbookSchema;
import java.util.Locale;

/**
 * The titles of the users' sheets, e.g. {@code test_at_example_dot_com}. Once given, a title stays.
 */
public final class SheetTitles {
  private static final int LONGEST = 93;
  private static final int HASH_DIGITS = 6;

  private final Ledger ledger;

  public SheetTitles(Ledger ledger) {
    this.ledger = ledger;
  }

  /** The title of this user's sheet, which no other user's has. */
  public String of(String email) {
    String address = email.strip().toLowerCase(Locale.ROOT);
    return ledger.sheetTitle(address).orElseGet(() -> give(address));
  }

  private String give(String address) {
    String title = readable(address);
    if (title.length() > LONGEST || reserved(title) || ledger.sheetTitleTaken(title)) {
      title =
          title.substring(0, Math.min(LONGEST, title.length()))
              + "_"
              + Sha256.hex(address).substring(0, HASH_DIGITS);
    }
    ledger.giveSheetTitle(address, title);
    return title;
  }

  private static String readable(String address) {
    return address.replace("@", "_at_").replace(".", "_dot_").replaceAll("[^\\p{L}\\p{N}_+-]", "_");
  }

  private static boolean reserved(String title) {
    return title.equalsIgnoreCase(ApiKeySheet.TITLE)
        || title.equalsIgnoreCase(WorkbookSchema.SYNC_TITLE)
        || title.startsWith("_");
  }
}
