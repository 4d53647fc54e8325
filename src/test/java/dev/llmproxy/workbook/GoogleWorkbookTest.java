package dev.llmproxy.workbook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.api.services.sheets.v4.model.AddSheetRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.SheetProperties;
import dev.llmproxy.app.Application;
import dev.llmproxy.app.Server;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.cli.WorkbookSetup;
import dev.llmproxy.emulator.GoogleStandIn;
import dev.llmproxy.keys.ApiKeyBook;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Google's workbook, over TLS and with the token of a signed assertion. */
class GoogleWorkbookTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  @TempDir private static Path home;
  private static GoogleStandIn google;

  @TempDir private Path folder;
  private String spreadsheetId;

  @BeforeAll
  static void start() {
    google = GoogleStandIn.start(home);
  }

  @AfterAll
  static void stop() {
    google.close();
  }

  @BeforeEach
  void heal() {
    google.heal();
    spreadsheetId = google.newSpreadsheet();
  }

  @Test
  void signedAssertionGetsOneTokenForManyCalls() {
    try (Workbook workbook = Workbook.open(settings())) {
      new ApiKeyBook(workbook).add("sk-1234567890", "ann@example.com", "Laptop", "free", "now");

      assertThat(new ApiKeyBook(workbook).rows()).hasSize(1);
      assertThat(workbook.address())
          .isEqualTo("https://docs.google.com/spreadsheets/d/" + spreadsheetId);
    }
    assertThat(google.calls()).hasSizeGreaterThan(4);
    assertThat(google.tokensGiven()).isOne();
  }

  @Test
  void expiredTokenIsRenewed() {
    google.setTokenLife(Duration.ofSeconds(1));
    try (Workbook workbook = Workbook.open(settings())) {
      ApiKeyBook book = new ApiKeyBook(workbook);
      for (int i = 1; i <= 3; i++) {
        book.rows();
        google.revokeTokens();
        assertThat(google.tokensGiven()).isGreaterThanOrEqualTo(i);
      }
    }
  }

  @Test
  void refusedTokenIsRenewedWithinTheCall() {
    try (Workbook workbook = Workbook.open(settings())) {
      ApiKeyBook book = new ApiKeyBook(workbook);
      book.rows();
      google.revokeTokens();

      book.rows();

      assertThat(google.tokensGiven()).isEqualTo(2);
    }
  }

  @Test
  void serverStartsWithTheTokenServerDownAndRecovers() throws Exception {
    google.stopTokenServer();
    Application application = Application.open(settings());
    try (Server server = Server.start(application);
        HttpClient client = HttpClient.newHttpClient()) {
      HttpRequest models =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + "/v1/models"))
              .header("Authorization", "Bearer sk-1234567890")
              .build();
      assertThat(client.send(models, HttpResponse.BodyHandlers.ofString()).statusCode())
          .isEqualTo(503);

      google.startTokenServer();

      Awaitility.await().atMost(LONG).until(application.keyDirectory()::loaded);
      assertThat(client.send(models, HttpResponse.BodyHandlers.ofString()).statusCode())
          .isEqualTo(401);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "not-shared.403      | not shared with the service account | "
            + GoogleStandIn.EMAIL
            + " as Editor",
        "api-disabled.403    | API is not enabled | open https://console.developers.google.com/apis/api/sheets.googleapis.com/overview?project=123456789012, press Enable",
        "billing-disabled.403| billing account | open https://console.developers.google.com/billing/enable?project=123456789012.",
        "suspended.403       | Google refuses (403) | has been suspended",
        "wrong-id.404        | has no spreadsheet | GOOGLE_SHEETS_SPREADSHEET_ID",
        "excel-file.400      | not a Google spreadsheet | File > Save as Google Sheets",
        "protected-cells.400 | protected cells | let " + GoogleStandIn.EMAIL + " edit them",
        "full.400            | spreadsheet is full | new spreadsheet",
        "quota.429           | quota for this minute | tries again by itself",
        "unavailable.503     | Google's servers have failed (503) | tries again by itself",
      })
  void errorOfGoogleNamesTheRemedy(String name, String what, String remedy) throws IOException {
    google.refuse(
        Integer.parseInt(name.replaceFirst(".*\\.", "")),
        Files.readString(Path.of("src/test/resources/fixtures/google", name + ".json")));
    try (Workbook workbook = Workbook.open(settings())) {
      assertThatThrownBy(() -> new ApiKeyBook(workbook).rows())
          .isInstanceOf(WorkbookException.class)
          .hasMessageContainingAll(what, remedy);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "400 | invalid_grant   | Invalid JWT Signature.              | does not know the key in",
        "400 | invalid_grant   | Invalid grant: account not found    | has no service account "
            + GoogleStandIn.EMAIL,
        "400 | invalid_scope   | Invalid OAuth scope or ID token audience provided. | gives no token",
      })
  void refusedTokenNamesTheRemedy(int status, String error, String words, String what) {
    google.refuseTokens(status, error, words);
    try (Workbook workbook = Workbook.open(settings())) {
      assertThatThrownBy(() -> new ApiKeyBook(workbook).rows())
          .isInstanceOf(WorkbookException.class)
          .hasMessageContainingAll(what, words);
    }
  }

  @Test
  void serviceAccountKeyRevokedAtRunTimeIsReported() {
    try (Workbook workbook = Workbook.open(settings())) {
      new ApiKeyBook(workbook).rows();
      google.revokeTokens();
      google.refuseTokens(400, "invalid_grant", "Invalid JWT Signature.");

      assertThatThrownBy(() -> new ApiKeyBook(workbook).rows())
          .hasMessageContainingAll("deleted or disabled", "make a new key");
    }
  }

  @Test
  void disabledAccountIsNamed() {
    google.refuseTokens(401, "disabled_client", "The OAuth client was disabled.");
    try (Workbook workbook = Workbook.open(settings())) {
      assertThatThrownBy(() -> new ApiKeyBook(workbook).rows())
          .hasMessageContainingAll(GoogleStandIn.EMAIL, "deleted or disabled");
    }
  }

  @Test
  void wrongClockIsReportedWithGooglesTime() {
    google.setAhead(Duration.ofHours(3));
    try (Workbook workbook = Workbook.open(settings())) {
      assertThatThrownBy(() -> new ApiKeyBook(workbook).rows())
          .hasMessageContainingAll("clock is wrong", "Google's clock says", "timedatectl");
    }
  }

  @Test
  void unreachableTokenServerIsNamed() throws IOException {
    google.stopTokenServer();
    try (Workbook workbook = Workbook.open(settings())) {
      assertThatThrownBy(() -> new ApiKeyBook(workbook).rows())
          .hasMessageContainingAll("token server http://127.0.0.1:", "cannot be reached");
    } finally {
      google.startTokenServer();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://docs.google.com/spreadsheets/d/ID/edit#gid=0",
        "https://docs.google.com/spreadsheets/u/1/d/ID/edit?usp=sharing",
        "docs.google.com/spreadsheets/d/ID",
        "ID",
      })
  void wholeUrlOfTheSpreadsheetIsAccepted(String address) {
    try (Workbook workbook =
        Workbook.open(
            settings(
                Map.of("GOOGLE_SHEETS_SPREADSHEET_ID", address.replace("ID", spreadsheetId))))) {
      assertThat(new ApiKeyBook(workbook).rows()).isEmpty();
      assertThat(workbook.spreadsheetId()).isEqualTo(spreadsheetId);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://docs.google.com/spreadsheets/d/e/2PACX-1vT/pubhtml",
        "https://example.com/spreadsheets/d/abc/edit",
        "my sheet",
      })
  void invalidSpreadsheetIdIsRefused(String id) {
    assertThatThrownBy(() -> Workbook.open(settings(Map.of("GOOGLE_SHEETS_SPREADSHEET_ID", id))))
        .isInstanceOf(WorkbookException.class)
        .hasMessageContainingAll(id, "between /d/ and /edit");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"installed\":{\"client_secret\":\"s3cret\"}} | OAuth client",
        "{\"web\":{\"client_secret\":\"s3cret\"}} | OAuth client",
        "{\"type\":\"authorized_user\",\"refresh_token\":\"s3cret\"} | person's credentials",
        "{\"type\":\"external_account\"} | its type is \"external_account\"",
        "{\"type\":\"service_account\"} | has no client_email",
        "s3cret | is not JSON",
        "{\"type\":\"service_account\",\"client_email\":\"a\",\"private_key_id\":\"1\",\"private_key\":\"s3cret\"} | is damaged",
      })
  void fileWithoutAServiceAccountKeyIsRefused(String json, String what) throws IOException {
    Path file = Files.writeString(folder.resolve("key.json"), json);

    assertThatThrownBy(
            () -> Workbook.open(settings(Map.of(ServiceAccount.SETTING, file.toString()))))
        .isInstanceOf(WorkbookException.class)
        .hasMessageContainingAll("key.json", what)
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void unreadableKeyFileIsNamed() {
    assertThatThrownBy(
            () -> Workbook.open(settings(Map.of(ServiceAccount.SETTING, "/nowhere/key.json"))))
        .hasMessageContainingAll("/nowhere/key.json", "is not there");
    assertThatThrownBy(
            () -> Workbook.open(settings(Map.of(ServiceAccount.SETTING, folder.toString()))))
        .hasMessageContainingAll(folder.toString(), "cannot be read");
  }

  @Test
  void setUpCreatesMissingSheetsOnce() throws IOException {
    try (Workbook workbook = Workbook.open(settings())) {
      WorkbookSetup setup = new WorkbookSetup(workbook);

      WorkbookSetup.Done first = setup.run();
      WorkbookSetup.Done second = setup.run();

      assertThat(first.made()).contains("User API Keys", "_sync");
      assertThat(first.frozen()).containsExactly("User API Keys");
      assertThat(second.changed()).isFalse();
      new ApiKeyBook(workbook).add("sk-1234567890", "ann@example.com", "Laptop", "free", "now");
      assertThat(new ApiKeyBook(workbook).rows().get(0).number()).isEqualTo(2);
    }
  }

  @Test
  void setUpWritesHeadersOnlyIntoEmptySheets() throws IOException {
    try (Workbook workbook = Workbook.open(settings())) {
      var client = workbook.client();
      client
          .spreadsheets()
          .batchUpdate(
              workbook.spreadsheetId(),
              new BatchUpdateSpreadsheetRequest()
                  .setRequests(
                      List.of(
                          new Request()
                              .setAddSheet(
                                  new AddSheetRequest()
                                      .setProperties(
                                          new SheetProperties().setTitle(ApiKeySheet.TITLE))))))
          .execute();

      WorkbookSetup.Done done = new WorkbookSetup(workbook).run();

      assertThat(done.headed()).containsExactly(ApiKeySheet.TITLE);
      assertThat(done.made()).doesNotContain(ApiKeySheet.TITLE);
      assertThat(
              client
                  .spreadsheets()
                  .values()
                  .get(workbook.spreadsheetId(), "User API Keys!A1:Z1")
                  .execute()
                  .getValues()
                  .get(0))
          .isEqualTo(ApiKeySheet.HEADERS);
    }
  }

  @Test
  void createdSpreadsheetIsSetUp() throws IOException {
    Settings settings = settings(Map.of("GOOGLE_SHEETS_SPREADSHEET_ID", ""));
    try (Workbook workbook = Workbook.create(settings, "Mine")) {
      WorkbookSetup.Done done = new WorkbookSetup(workbook).run();

      assertThat(done.title()).isEqualTo("Mine");
      assertThat(done.headed()).containsExactly(ApiKeySheet.TITLE);
      assertThat(done.frozen()).isEmpty();
      assertThat(workbook.spreadsheetId()).isNotEqualTo(spreadsheetId);
    }
  }

  @Test
  void accountWithoutStorageGetsTheAdviceToShareASpreadsheet() throws IOException {
    google.refuse(
        403, Files.readString(Path.of("src/test/resources/fixtures/google/not-shared.403.json")));

    assertThatThrownBy(
            () -> Workbook.create(settings(Map.of("GOOGLE_SHEETS_SPREADSHEET_ID", "")), "Mine"))
        .hasMessageContainingAll("no storage", "https://sheets.new", GoogleStandIn.EMAIL);
  }

  @Test
  void assertionOfAnotherKeyIsRefused() throws Exception {
    Path other = folder.resolve("other.json");
    byte[] key = KeyPairGenerator.getInstance("RSA").generateKeyPair().getPrivate().getEncoded();
    var json = google.keyJson();
    json.put(
        "private_key",
        "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n"
            .formatted(Base64.getMimeEncoder().encodeToString(key)));
    Files.write(other, Json.bytes(json));
    try (Workbook workbook =
        Workbook.open(settings(Map.of(ServiceAccount.SETTING, other.toString())))) {
      assertThatThrownBy(() -> new ApiKeyBook(workbook).rows())
          .hasMessageContaining("does not know the key in " + other);
    }
  }

  private Settings settings() {
    return settings(Map.of());
  }

  private Settings settings(Map<String, String> others) {
    Map<String, String> environment = new HashMap<>(google.settings());
    environment.put("LLMPROXY_DATA", folder.resolve("data").toString());
    environment.put("PORT", "0");
    environment.put("HOST", "127.0.0.1");
    environment.put("LOCAL_MODEL", "off");
    environment.put("KEYS_REFRESH_SECONDS", "1");
    environment.put("GOOGLE_SHEETS_SPREADSHEET_ID", spreadsheetId);
    environment.putAll(others);
    return Settings.load(Path.of(""), environment);
  }
}
