package dev.llmproxy.workbook;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The id of a Google spreadsheet, as people copy it. */
final class SpreadsheetId {
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]+");
  private static final Pattern ADDRESS =
      Pattern.compile("(?:https?://)?docs\\.google\\.com/.*?/d/(?!e/)([A-Za-z0-9_-]+)(?:[/?#].*)?");

  private SpreadsheetId() {}

  /**
   * The id, also when the text is the spreadsheet's whole URL.
   *
   * @throws WorkbookException when the text has no id
   */
  static String of(String setting) {
    Matcher address = ADDRESS.matcher(setting);
    if (address.matches()) {
      return address.group(1);
    }
    if (ID.matcher(setting).matches()) {
      return setting;
    }
    throw new WorkbookException(
        "GOOGLE_SHEETS_SPREADSHEET_ID is \"%s\", which has no spreadsheet's id. The id is the part between /d/ and /edit of the spreadsheet's URL."
            .formatted(setting));
  }

  /** The URL at which people open it. */
  static String address(String id) {
    return "https://docs.google.com/spreadsheets/d/" + id;
  }
}
