package dev.llmproxy.base;

import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;

/**
 * Writes of usage to the workbook.
 *
 * @param interval time between two writes
 * @param roundsPerMinute limit for rounds
 * @param detailRowsPerDay rows a day and user with one request each; empty for no limit
 * @param rotatePercent share of the cells of a spreadsheet at which the next one is used
 * @param rotateMonthly whether the next spreadsheet is used in a new month too
 * @param spreadsheets prepared empty spreadsheets
 */
public record FlushSettings(
    Duration interval,
    int roundsPerMinute,
    OptionalInt detailRowsPerDay,
    int rotatePercent,
    boolean rotateMonthly,
    List<String> spreadsheets) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static FlushSettings of(Settings settings) {
    return settings.read(FlushSettings::read);
  }

  static FlushSettings read(SettingsReader in) {
    return new FlushSettings(
        in.seconds("USAGE_FLUSH_SECONDS"),
        in.number("SHEETS_ROUNDS_PER_MINUTE", 1, Integer.MAX_VALUE),
        in.limit("SHEETS_DETAIL_ROWS_PER_DAY", 0, 10_000_000),
        in.number("SHEETS_ROTATE_PERCENT", 1, 100),
        in.on("SHEETS_ROTATE_MONTHLY"),
        in.list("SHEETS_USAGE_SPREADSHEET_IDS"));
  }
}
