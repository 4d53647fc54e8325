package dev.llmproxy.workbook;

import com.google.api.client.http.HttpRequestInitializer;
import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.api.client.json.gson.GsonFactory;
import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.SheetsScopes;
import com.google.auth.http.HttpCredentialsAdapter;
import com.google.auth.oauth2.GoogleCredentials;
import dev.llmproxy.Settings;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import org.apache.camel.CamelContext;
import org.apache.camel.component.google.sheets.GoogleSheetsClientFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The spreadsheet that administrators work in, and the way to it: Google's, another server that
 * speaks Sheets v4, or the embedded one. Makes the clients of camel-google-sheets, which the
 * embedded and other servers could not serve otherwise.
 */
public final class Workbook implements GoogleSheetsClientFactory, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Workbook.class);
  private static final int CONNECT_TIMEOUT_MILLIS = 10_000;
  // Above the 180 s after which Google gives up, so that an answer can still be told from silence.
  private static final int READ_TIMEOUT_MILLIS = 190_000;

  private final String spreadsheetId;
  private final String rootUrl;
  private final GoogleCredentials credentials;
  private final Duration commitWait;
  private final AutoCloseable embedded;

  private Workbook(
      String spreadsheetId,
      String rootUrl,
      GoogleCredentials credentials,
      Duration commitWait,
      AutoCloseable embedded) {
    this.spreadsheetId = spreadsheetId;
    this.rootUrl = rootUrl;
    this.credentials = credentials;
    this.commitWait = commitWait;
    this.embedded = embedded;
  }

  /**
   * The workbook that the settings name. The embedded one is used in place when another process
   * runs it already, otherwise it runs in this process until {@link #close}.
   *
   * @throws WorkbookException when the settings do not fit together or the embedded workbook cannot
   *     be opened
   */
  public static Workbook open(Settings settings) {
    Duration commitWait = settings.seconds("SHEETS_COMMIT_WAIT_SECONDS");
    String spreadsheetId = settings.find("GOOGLE_SHEETS_SPREADSHEET_ID").orElse(null);
    String rootUrl = settings.find("SHEETS_ROOT_URL").orElse(null);
    if (rootUrl != null) {
      String url = rootUrl.endsWith("/") ? rootUrl : rootUrl + "/";
      String id = spreadsheetId == null ? EmbeddedWorkbook.SPREADSHEET_ID : spreadsheetId;
      return new Workbook(id, url, null, commitWait, null);
    }
    if (spreadsheetId != null) {
      return new Workbook(
          spreadsheetId, Sheets.DEFAULT_ROOT_URL, serviceAccount(settings), commitWait, null);
    }
    return embedded(settings.path("LLMPROXY_DATA"), settings.integer("WORKBOOK_PORT", 0, 65_535));
  }

  private static Workbook embedded(Path folder, int port) {
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
      EmbeddedWorkbook server = EmbeddedWorkbook.open(folder, port);
      // A commit to a server in this very process cannot be applied after the process is gone:
      // there is nothing to wait for.
      return new Workbook(
          EmbeddedWorkbook.SPREADSHEET_ID, server.rootUrl(), null, Duration.ZERO, server);
    } catch (IOException e) {
      throw new WorkbookException(
          "The workbook in " + folder + " cannot be opened: " + e.getMessage(), e);
    }
  }

  private static GoogleCredentials serviceAccount(Settings settings) {
    Path file =
        settings
            .find("GOOGLE_APPLICATION_CREDENTIALS")
            .map(Path::of)
            .orElseThrow(() ->
                new WorkbookException(
                    "GOOGLE_SHEETS_SPREADSHEET_ID is set but GOOGLE_APPLICATION_CREDENTIALS is not: set it to the JSON"
                        + " file of a service account with which the spreadsheet is shared as editor."));
    try (InputStream json = Files.newInputStream(file)) {
      return GoogleCredentials.fromStream(json).createScoped(List.of(SheetsScopes.SPREADSHEETS));
    } catch (IOException e) {
      throw new WorkbookException(
          "GOOGLE_APPLICATION_CREDENTIALS ("
              + file
              + ") cannot be read as a service account's file: "
              + e.getMessage(),
          e);
    }
  }

  /** The spreadsheet's id in every call. */
  public String spreadsheetId() {
    return spreadsheetId;
  }

  /** The server's root URL, with a slash at the end. */
  public String rootUrl() {
    return rootUrl;
  }

  /** Whether this process runs the embedded workbook. */
  public boolean runsHere() {
    return embedded != null;
  }

  /** How long after sending a commit without an answer the server may still apply it. */
  public Duration commitWait() {
    return commitWait;
  }

  /**
   * A client; a token is fetched with the first call, so that an outage of Google's does not keep
   * the server from starting.
   */
  public Sheets client() {
    HttpRequestInitializer authorization =
        credentials == null ? request -> {} : new HttpCredentialsAdapter(credentials);
    return new Sheets.Builder(
            new NetHttpTransport(),
            GsonFactory.getDefaultInstance(),
            request -> {
              authorization.initialize(request);
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

  /** A file left by a killed process names a server that is gone. */
  private boolean answers() {
    try {
      return client().spreadsheets().get(spreadsheetId).setFields("spreadsheetId").execute()
          != null;
    } catch (IOException | IllegalArgumentException e) {
      return false;
    }
  }
}
