package dev.llmproxy.workbook;

import com.google.api.client.http.HttpRequestInitializer;
import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.api.client.json.gson.GsonFactory;
import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.GridProperties;
import com.google.api.services.sheets.v4.model.Sheet;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import com.google.api.services.sheets.v4.model.SpreadsheetProperties;
import com.google.auth.http.HttpCredentialsAdapter;
import dev.llmproxy.base.Causes;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.WorkbookSettings;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.apache.camel.CamelContext;
import org.apache.camel.ExchangeException;
import org.apache.camel.component.google.sheets.GoogleSheetsClientFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The administrators' spreadsheet: Google's, that of another server with the Sheets v4 API, or the
 * embedded one. Creates the clients of camel-google-sheets, which by itself cannot use a server
 * other than Google's.
 */
public final class Workbook implements GoogleSheetsClientFactory, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Workbook.class);
  private static final int CONNECT_TIMEOUT_MILLIS = 10_000;
  // More than the 180 s after which Google gives up, so that an error answer still arrives.
  private static final int READ_TIMEOUT_MILLIS = 190_000;

  private final String spreadsheetId;
  private final String rootUrl;
  private final ServiceAccount account;
  private final HttpRequestInitializer authorization;
  private final Duration commitWait;
  private final AutoCloseable embedded;
  private final WorkbookCalls calls = new WorkbookCalls();

  private Workbook(
      String spreadsheetId,
      String rootUrl,
      ServiceAccount account,
      Duration commitWait,
      AutoCloseable embedded) {
    this.spreadsheetId = spreadsheetId;
    this.rootUrl = rootUrl;
    this.account = account;
    authorization =
        account == null ? request -> {} : new HttpCredentialsAdapter(account.credentials());
    this.commitWait = commitWait;
    this.embedded = embedded;
  }

  /**
   * Opens the workbook that the settings name. If another process runs the embedded workbook
   * already, that one is used; otherwise it runs in this process until {@link #close}.
   *
   * @throws WorkbookException when the settings contradict each other or the embedded workbook
   *     cannot be opened
   */
  public static Workbook open(Settings settings) {
    WorkbookSettings own = WorkbookSettings.of(settings);
    String spreadsheetId = own.spreadsheet().orElse(null);
    String rootUrl = own.rootUrl().orElse(null);
    if (rootUrl != null) {
      String url = rootUrl.endsWith("/") ? rootUrl : rootUrl + "/";
      String id = spreadsheetId == null ? EmbeddedWorkbook.SPREADSHEET_ID : spreadsheetId;
      return new Workbook(id, url, null, own.commitWait(), null);
    }
    if (spreadsheetId != null) {
      return google(settings, SpreadsheetId.of(spreadsheetId));
    }
    return embedded(settings.path("LLMPROXY_DATA"), own.port(), own.quota());
  }

  /** The id of the spreadsheet that the settings name, without opening it. */
  public static String idIn(Settings settings) {
    String named = settings.find("GOOGLE_SHEETS_SPREADSHEET_ID").orElse(null);
    return named == null
        ? EmbeddedWorkbook.SPREADSHEET_ID
        : settings.find("SHEETS_ROOT_URL").isPresent() ? named : SpreadsheetId.of(named);
  }

  private static Workbook embedded(Path folder, int port, boolean quota) {
    try {
      Path running = folder.resolve("workbook.url");
      if (Files.exists(running)) {
        Workbook workbook =
            new Workbook(
                EmbeddedWorkbook.SPREADSHEET_ID,
                Files.readString(running).strip(),
                null,
                Duration.ZERO,
                null);
        if (workbook.answers()) {
          return workbook;
        }
      }
      EmbeddedWorkbook server = EmbeddedWorkbook.open(folder, port, quota);
      // A server in this same process cannot apply a commit after the process has ended, so there
      // is nothing to wait for.
      return new Workbook(
          EmbeddedWorkbook.SPREADSHEET_ID, server.rootUrl(), null, Duration.ZERO, server);
    } catch (IOException e) {
      throw new WorkbookException(
          "The workbook in " + folder + " cannot be opened: " + e.getMessage(), e);
    }
  }

  /**
   * Creates a spreadsheet that belongs to the service account, with an empty sheet for the keys.
   *
   * @throws WorkbookException when Google does not allow it
   */
  public static Workbook create(Settings settings, String title) {
    Workbook none = google(settings, null);
    GridProperties grid =
        new GridProperties()
            .setRowCount(WorkbookSchema.ROOM)
            .setColumnCount(ApiKeySheet.HEADERS.size())
            .setFrozenRowCount(1);
    Sheet keys =
        new Sheet()
            .setProperties(
                new SheetProperties().setTitle(ApiKeySheet.TITLE).setGridProperties(grid));
    Spreadsheet wanted =
        new Spreadsheet()
            .setProperties(new SpreadsheetProperties().setTitle(title))
            .setSheets(List.of(keys));
    try {
      Spreadsheet made =
          none.client().spreadsheets().create(wanted).setFields("spreadsheetId").execute();
      return google(settings, made.getSpreadsheetId());
    } catch (IOException e) {
      throw none.failed(e);
    }
  }

  private static Workbook google(Settings settings, String spreadsheetId) {
    return new Workbook(
        spreadsheetId,
        Sheets.DEFAULT_ROOT_URL,
        ServiceAccount.of(settings),
        WorkbookSettings.of(settings).commitWait(),
        null);
  }

  /** The spreadsheet's id for every call. */
  public String spreadsheetId() {
    return spreadsheetId;
  }

  /** The server's root URL, with a slash at the end. */
  public String rootUrl() {
    return rootUrl;
  }

  /** The server's Google account; empty when the workbook is not Google's. */
  public Optional<ServiceAccount> account() {
    return Optional.ofNullable(account);
  }

  /**
   * The URL at which people open the workbook; the server's root URL when the workbook is not
   * Google's.
   */
  public String address() {
    return account == null ? rootUrl : SpreadsheetId.address(spreadsheetId);
  }

  /** The meaning and the remedy of a failed call, for an operator. */
  public String explain(@ExchangeException Throwable failure) {
    return Causes.find(failure, WorkbookException.class)
        .map(WorkbookException::getMessage)
        .orElseGet(() ->
            account == null
                ? "The workbook at %s cannot be used: %s".formatted(rootUrl, failure.getMessage())
                : new GoogleProblem(account, spreadsheetId).explain(failure));
  }

  /** The failed call as an exception with {@link #explain}'s message. */
  public WorkbookException failed(IOException failure) {
    return new WorkbookException(explain(failure), failure);
  }

  /** The calls of the workbook's server by this process. */
  public WorkbookCalls calls() {
    return calls;
  }

  /** Whether this process runs the embedded workbook. */
  public boolean runsHere() {
    return embedded != null;
  }

  /** The time during which the server may still apply a commit that got no answer. */
  public Duration commitWait() {
    return commitWait;
  }

  /** A client. The first call fetches a token, so an outage of Google does not prevent a start. */
  public Sheets client() {
    return new Sheets.Builder(
            new NetHttpTransport(),
            GsonFactory.getDefaultInstance(),
            request -> {
              authorization.initialize(request);
              calls.watch(request);
              request.setConnectTimeout(CONNECT_TIMEOUT_MILLIS).setReadTimeout(READ_TIMEOUT_MILLIS);
            })
        .setApplicationName("llmproxy")
        .setRootUrl(rootUrl)
        .build();
  }

  @Override
  public Sheets makeClient(
      String clientId,
      String clientSecret,
      Collection<String> scopes,
      String applicationName,
      String refreshToken,
      String accessToken) {
    return client();
  }

  @Override
  public Sheets makeClient(
      CamelContext camelContext,
      String serviceAccountKey,
      Collection<String> scopes,
      String applicationName,
      String delegate) {
    return client();
  }

  /** Stops the embedded workbook if it runs in this process. */
  @Override
  public void close() {
    if (embedded == null) {
      return;
    }
    try {
      embedded.close();
    } catch (Exception e) {
      LOG.warn("The embedded workbook did not close cleanly: {}", e.getMessage());
    }
  }

  /** The file of a killed process contains the URL of a server that no longer runs. */
  private boolean answers() {
    try {
      return client().spreadsheets().get(spreadsheetId).setFields("spreadsheetId").execute()
          != null;
    } catch (IOException | IllegalArgumentException e) {
      return false;
    }
  }
}
