package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.flush.FlushBook;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.workbook.ServiceAccount;
import dev.llmproxy.workbook.Workbook;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Prepares a Google spreadsheet for use as the workbook. */
@Command(
    name = "init-workbook",
    mixinStandardHelpOptions = true,
    description = {
      "Adds missing sheets and headers to the spreadsheet GOOGLE_SHEETS_SPREADSHEET_ID. Running it again changes nothing.",
      "Without an id, creates a spreadsheet with the service account of GOOGLE_APPLICATION_CREDENTIALS."
    })
final class InitWorkbookCommand implements Runnable {
  private static final String TITLE = "llmproxy";

  private final Settings settings;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Spec private CommandSpec spec;

  InitWorkbookCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public void run() {
    boolean named =
        settings.find("GOOGLE_SHEETS_SPREADSHEET_ID").isPresent()
            || settings.find("SHEETS_ROOT_URL").isPresent();
    if (!named && settings.find(ServiceAccount.SETTING).isEmpty()) {
      printEmbedded();
      return;
    }
    try (Workbook workbook = named ? Workbook.open(settings) : Workbook.create(settings, TITLE)) {
      // Printed before the sheets are added: the user needs the id even when that fails.
      if (!named && !json) {
        printCreated(workbook);
      }
      WorkbookSetup.Done done =
          new WorkbookSetup(
                  workbook, FlushBook.sheetMemory(settings), Tiers.of(settings, workbook)::rows)
              .run();
      if (json) {
        printJson(workbook, done, !named);
      } else {
        printText(workbook, done);
      }
    }
  }

  private void printEmbedded() {
    PrintWriter out = out();
    if (json) {
      out.println(Json.text(Json.object().put("embedded", true).put("changed", false)));
      return;
    }
    out.println(
        "The embedded workbook in "
            + settings.path("LLMPROXY_DATA")
            + " is used; it needs no preparation.");
    out.println(
        "To use a Google spreadsheet, set GOOGLE_SHEETS_SPREADSHEET_ID and GOOGLE_APPLICATION_CREDENTIALS"
            + " (docs/google-sheets.md).");
  }

  private void printCreated(Workbook workbook) {
    String email = workbook.account().orElseThrow().email();
    out()
        .println(
            """
            Created the spreadsheet "%s": %s
            Put this line into application.properties, or export it in the environment:

              GOOGLE_SHEETS_SPREADSHEET_ID=%s

            It belongs to the service account %s and is in that account's Drive, which nobody can open:
            until it is shared through the Drive API (permissions.create), only llmproxy can see it.
            Better: create a spreadsheet yourself at https://sheets.new, share it with that address as Editor, and set its id.
            """
                .formatted(TITLE, workbook.address(), workbook.spreadsheetId(), email));
  }

  private void printText(Workbook workbook, WorkbookSetup.Done done) {
    PrintWriter out = out();
    out.println("Spreadsheet      " + done.title() + "  " + workbook.address());
    workbook
        .account()
        .ifPresent(account ->
            out.println("Service account  " + account.email() + "  (share with it as Editor)"));
    printSheets("Added sheets     ", done.made());
    printSheets("Wrote headers    ", done.headed());
    printSheets("Froze headers    ", done.frozen());
    out.println();
    out.println(
        done.changed()
            ? "Ready. A first key: ./llmproxy create-api-key you@example.com \"My key\""
            : "Nothing to do: all sheets and headers exist.");
  }

  private void printSheets(String what, List<String> sheets) {
    if (!sheets.isEmpty()) {
      out().println(what + String.join(", ", sheets));
    }
  }

  private void printJson(Workbook workbook, WorkbookSetup.Done done, boolean created) {
    ObjectNode answer =
        Json.object()
            .put("spreadsheet_id", workbook.spreadsheetId())
            .put("url", workbook.address())
            .put("title", done.title())
            .put("created", created)
            .put("changed", done.changed());
    workbook.account().ifPresent(account -> answer.put("service_account", account.email()));
    done.made().forEach(answer.putArray("made")::add);
    done.headed().forEach(answer.putArray("headed")::add);
    done.frozen().forEach(answer.putArray("frozen")::add);
    out().println(Json.text(answer));
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }
}
