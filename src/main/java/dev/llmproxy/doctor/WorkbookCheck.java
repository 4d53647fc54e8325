package dev.llmproxy.doctor;

import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import dev.llmproxy.base.Settings;
import dev.llmproxy.flush.FlushBook;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.KeyProblem;
import dev.llmproxy.keys.KeySnapshot;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.ServiceAccount;
import dev.llmproxy.workbook.SheetIndex;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Checks that the workbook can be reached and that its keys are usable. */
final class WorkbookCheck {
  private static final String CHECK = "workbook";
  private static final Set<PosixFilePermission> OTHERS =
      Set.of(
          PosixFilePermission.GROUP_READ,
          PosixFilePermission.GROUP_WRITE,
          PosixFilePermission.OTHERS_READ,
          PosixFilePermission.OTHERS_WRITE);

  private final Settings settings;
  private final Workbook open;

  /**
   * @param open the open workbook; null has the check open and close the one of the settings
   */
  WorkbookCheck(Settings settings, Workbook open) {
    this.settings = settings;
    this.open = open;
  }

  List<Finding> run() {
    boolean another = settings.find("SHEETS_ROOT_URL").isPresent();
    boolean google = !another && settings.find("GOOGLE_SHEETS_SPREADSHEET_ID").isPresent();
    List<Finding> findings = new ArrayList<>();
    if (settings.find(ServiceAccount.SETTING).isPresent() && !google) {
      findings.add(
          another
              ? Finding.warning(
                  CHECK,
                  "GOOGLE_APPLICATION_CREDENTIALS is not used, because SHEETS_ROOT_URL is set",
                  "To use a Google spreadsheet, leave SHEETS_ROOT_URL empty")
              : Finding.warning(
                  CHECK,
                  "GOOGLE_APPLICATION_CREDENTIALS is set without a spreadsheet, so the embedded workbook is used",
                  "Set GOOGLE_SHEETS_SPREADSHEET_ID"));
    }
    if (open != null) {
      check(findings, open);
      return findings;
    }
    Path embedded = settings.path("LLMPROXY_DATA").resolve("workbook.db");
    if (!another && !google && !Files.exists(embedded)) {
      findings.add(Finding.ok(CHECK, "the embedded workbook will be created by the first start"));
      return findings;
    }
    try (Workbook workbook = Workbook.open(settings)) {
      check(findings, workbook);
    } catch (WorkbookException e) {
      findings.add(Finding.problem(CHECK, e.getMessage(), ""));
    }
    return findings;
  }

  private void check(List<Finding> findings, Workbook workbook) {
    try {
      workbook.account().ifPresent(account -> keyFile(findings, account.file()));
      sheet(findings, workbook);
    } catch (WorkbookException e) {
      findings.add(Finding.problem(CHECK, e.getMessage(), ""));
    }
  }

  private static void keyFile(List<Finding> findings, Path file) {
    try {
      PosixFileAttributeView view = Files.getFileAttributeView(file, PosixFileAttributeView.class);
      if (view != null && view.readAttributes().permissions().stream().anyMatch(OTHERS::contains)) {
        findings.add(
            Finding.warning(
                CHECK, "other users of this machine can access " + file, "chmod 600 " + file));
      }
    } catch (IOException e) {
      throw new WorkbookException(
          "The permissions of " + file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private void sheet(List<Finding> findings, Workbook workbook) {
    List<List<Object>> values;
    try {
      Spreadsheet spreadsheet =
          workbook
              .client()
              .spreadsheets()
              .get(workbook.spreadsheetId())
              .setFields("sheets.properties(sheetId,title)")
              .execute();
      Optional<SheetProperties> keys =
          new SheetIndex(workbook.spreadsheetId(), spreadsheet, FlushBook.sheetMemory(settings))
              .find(ApiKeySheet.TITLE);
      if (keys.isEmpty()) {
        findings.add(
            Finding.warning(
                CHECK,
                "%s has no sheet \"%s\" yet".formatted(workbook.address(), ApiKeySheet.TITLE),
                "Run ./llmproxy init-workbook, or start the server, which adds it"));
        return;
      }
      values =
          workbook
              .client()
              .spreadsheets()
              .values()
              .get(workbook.spreadsheetId(), SheetIndex.range(keys.get(), null))
              .setValueRenderOption("UNFORMATTED_VALUE")
              .execute()
              .getValues();
    } catch (IOException e) {
      throw workbook.failed(e);
    }
    rows(findings, workbook, values == null ? List.of() : values);
  }

  private void rows(List<Finding> findings, Workbook workbook, List<List<Object>> values) {
    if (values.isEmpty()) {
      findings.add(
          Finding.problem(
              CHECK,
              "The sheet \"%s\" has no headers".formatted(ApiKeySheet.TITLE),
              "Run ./llmproxy init-workbook"));
    }
    KeySnapshot snapshot =
        new KeySnapshot(settings.path("LLMPROXY_DATA"), workbook.spreadsheetId());
    List<KeyProblem> problems =
        KeyDirectory.problemsOf(values, snapshot, Tiers.of(settings, workbook)::has);
    long keys =
        new ApiKeySheet(values).rows().stream().filter(row -> !row.apiKey().isBlank()).count();
    findings.add(Finding.ok(CHECK, "%s, %d keys".formatted(workbook.address(), keys)));
    for (KeyProblem problem : problems) {
      findings.add(
          Finding.problem(
              CHECK,
              problem.row() == 0
                  ? "\"%s\" %s".formatted(ApiKeySheet.TITLE, problem.what())
                  : "\"%s\" row %d %s".formatted(ApiKeySheet.TITLE, problem.row(), problem.what()),
              problem.remedy()));
    }
  }
}
