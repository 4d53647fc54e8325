package dev.llmproxy.flush;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Sha256;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.WorkbookSchema;
import java.text.Normalizer;
import java.util.Locale;

/**
 * The titles of the users' sheets, e.g. {@code test_at_example_dot_com}. A title never changes once
 * it is assigned.
 */
public final class SheetTitles {
  private static final int LONGEST = 100;
  private static final int HASH_DIGITS = 6;

  private final Ledger ledger;

  public SheetTitles(Ledger ledger) {
    this.ledger = ledger;
  }

  /** The title of this user's sheet. No other user's sheet has it. */
  public String of(String email) {
    String address = EmailAddress.folded(email);
    return ledger.sheetTitle(address).orElseGet(() -> assign(address));
  }

  private String assign(String address) {
    String plain = plain(address);
    String readable = readable(plain);
    String title = readable;
    // Usually no suffix. Each further digit makes a clash with another title less likely.
    for (int digits = HASH_DIGITS;
        unusable(title) || (digits == HASH_DIGITS && !plain.equals(address));
        digits += HASH_DIGITS) {
      String digest = Sha256.hex(address);
      int length = Math.min(LONGEST - digits - 1, readable.length());
      title =
          readable.substring(0, length)
              + "_"
              + digest.substring(0, Math.min(digits, digest.length()));
    }
    ledger.assignSheetTitle(address, title);
    return title;
  }

  private boolean unusable(String title) {
    return title.length() > LONGEST || reserved(title) || ledger.sheetTitleTaken(title);
  }

  /**
   * The address without letters that spreadsheets may confuse: a spreadsheet does not distinguish
   * titles that differ only in capitals or in forms of one letter.
   */
  private static String plain(String address) {
    String composed = Normalizer.normalize(address, Normalizer.Form.NFKC);
    return composed.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT);
  }

  private static String readable(String address) {
    return address.replace("@", "_at_").replace(".", "_dot_").replaceAll("[^\\p{L}\\p{N}_+-]", "_");
  }

  private static boolean reserved(String title) {
    return title.equalsIgnoreCase(ApiKeySheet.TITLE)
        || title.equalsIgnoreCase(WorkbookSchema.SYNC_TITLE)
        || title.equalsIgnoreCase(WorkbookSchema.INDEX_TITLE);
  }
}
