package dev.llmproxy.usage;

import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.WorkbookSchema;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;

/**
 * The titles of the users' sheets, e.g. {@code test_at_example_dot_com}. Once given, a title stays.
 */
public final class SheetTitles {
  private static final int LONGEST = 93;

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
      title = title.substring(0, Math.min(LONGEST, title.length())) + "_" + sixHex(address);
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

  private static String sixHex(String address) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(address.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 3);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java runtime has SHA-256.", e);
    }
  }
}
