package dev.llmproxy.base;

import java.time.Duration;
import java.util.Optional;

/**
 * The workbook.
 *
 * @param spreadsheet id or address of the spreadsheet
 * @param credentials file of a service account
 * @param rootUrl address of another server that speaks the Sheets API
 * @param port port of the embedded workbook; 0 for any free port
 * @param quota whether the embedded workbook enforces Google's quota
 * @param commitWait time after which a commit without an answer can no longer be applied
 */
public record WorkbookSettings(
    Optional<String> spreadsheet,
    Optional<String> credentials,
    Optional<String> rootUrl,
    int port,
    boolean quota,
    Duration commitWait) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static WorkbookSettings of(Settings settings) {
    return settings.read(WorkbookSettings::read);
  }

  static WorkbookSettings read(SettingsReader in) {
    return new WorkbookSettings(
        in.optionalText("GOOGLE_SHEETS_SPREADSHEET_ID"),
        in.optionalText("GOOGLE_APPLICATION_CREDENTIALS"),
        in.optionalAddress("SHEETS_ROOT_URL"),
        in.number("WORKBOOK_PORT", 0, 65_535),
        in.on("WORKBOOK_QUOTA"),
        in.seconds("SHEETS_COMMIT_WAIT_SECONDS"));
  }
}
