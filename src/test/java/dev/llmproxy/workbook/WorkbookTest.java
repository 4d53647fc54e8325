package dev.llmproxy.workbook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.api.client.http.GenericUrl;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkbookTest {
  @TempDir private Path folder;
  private final List<String> seen = new CopyOnWriteArrayList<>();
  private HttpServer google;

  @BeforeEach
  void startTokenServer() throws IOException {
    google = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    google.createContext(
        "/token",
        exchange ->
            answer(
                exchange,
                "{\"access_token\":\"t0\",\"expires_in\":3600,\"token_type\":\"Bearer\"}"));
    google.createContext("/api", exchange -> answer(exchange, "{}"));
    google.start();
  }

  @AfterEach
  void stopTokenServer() {
    google.stop(0);
  }

  @Test
  void firstCallFetchesTheServiceAccountsToken() throws Exception {
    Path account = serviceAccount();
    try (Workbook workbook =
        Workbook.open(
            settings(
                Map.of(
                    "GOOGLE_SHEETS_SPREADSHEET_ID",
                    "the-id",
                    "GOOGLE_APPLICATION_CREDENTIALS",
                    account.toString())))) {
      assertThat(workbook.spreadsheetId()).isEqualTo("the-id");
      assertThat(workbook.rootUrl()).isEqualTo("https://sheets.googleapis.com/");
      assertThat(workbook.runsHere()).isFalse();
      var requests = workbook.client().getRequestFactory();
      assertThat(seen).isEmpty();

      requests.buildGetRequest(new GenericUrl(url("/api"))).execute();

      assertThat(seen).containsExactly("/token null", "/api Bearer t0");
    }
  }

  @Test
  void missingCredentialsAreNamed() {
    assertThatThrownBy(
            () -> Workbook.open(settings(Map.of("GOOGLE_SHEETS_SPREADSHEET_ID", "the-id"))))
        .isInstanceOf(WorkbookException.class)
        .hasMessageContaining("GOOGLE_APPLICATION_CREDENTIALS");
  }

  @Test
  void unreadableCredentialsAreNamed() throws IOException {
    Path broken = Files.writeString(folder.resolve("broken.json"), "{}");

    assertThatThrownBy(() ->
            Workbook.open(
                settings(
                    Map.of(
                        "GOOGLE_SHEETS_SPREADSHEET_ID",
                        "the-id",
                        "GOOGLE_APPLICATION_CREDENTIALS",
                        broken.toString()))))
        .isInstanceOf(WorkbookException.class)
        .hasMessageContaining("broken.json");
  }

  @Test
  void anotherServerGetsNoGoogleCredentials() throws Exception {
    Path account = serviceAccount();
    Settings settings =
        settings(
            Map.of(
                "SHEETS_ROOT_URL", url(""),
                "GOOGLE_SHEETS_SPREADSHEET_ID", "the-id",
                "GOOGLE_APPLICATION_CREDENTIALS", account.toString()));
    try (Workbook workbook = Workbook.open(settings)) {
      workbook.client().getRequestFactory().buildGetRequest(new GenericUrl(url("/api"))).execute();

      assertThat(workbook.rootUrl()).isEqualTo(url("/"));
      assertThat(seen).containsExactly("/api null");
    }
  }

  @Test
  void embeddedWorkbookOfAnotherProcessIsUsed() {
    Settings settings = settings(Map.of());
    try (Workbook first = Workbook.open(settings);
        Workbook second = Workbook.open(settings)) {
      assertThat(first.runsHere()).isTrue();
      assertThat(second.runsHere()).isFalse();
      assertThat(second.rootUrl()).isEqualTo(first.rootUrl());
    }
  }

  @Test
  void urlFileOfAKilledProcessIsIgnored() throws IOException {
    Files.writeString(folder.resolve("workbook.url"), "http://127.0.0.1:9/\n");

    try (Workbook workbook = Workbook.open(settings(Map.of()))) {
      assertThat(workbook.runsHere()).isTrue();
    }
  }

  @Test
  void embeddedWorkbookEnforcesTheQuotaWhenConfigured() throws IOException {
    try (Workbook workbook = Workbook.open(settings(Map.of("WORKBOOK_QUOTA", "on")))) {
      var reading = workbook.client().spreadsheets().get(workbook.spreadsheetId());
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 1_000; i++) {
                  reading.execute();
                }
              })
          .hasMessageContaining("Read requests per minute per user");
    }
  }

  private Settings settings(Map<String, String> values) {
    var environment = new java.util.HashMap<>(values);
    environment.put("LLMPROXY_DATA", folder.toString());
    return Settings.load(Path.of(""), environment);
  }

  private Path serviceAccount() throws IOException, NoSuchAlgorithmException {
    byte[] key = KeyPairGenerator.getInstance("RSA").generateKeyPair().getPrivate().getEncoded();
    String pem =
        "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n"
            .formatted(Base64.getMimeEncoder().encodeToString(key));
    return Files.write(
        folder.resolve("account.json"),
        Json.bytes(
            Json.object()
                .put("type", "service_account")
                .put("client_id", "1")
                .put("client_email", "llmproxy@project.example")
                .put("private_key_id", "1")
                .put("private_key", pem)
                .put("token_uri", url("/token"))));
  }

  private String url(String path) {
    return "http://127.0.0.1:" + google.getAddress().getPort() + path;
  }

  private void answer(HttpExchange exchange, String json) throws IOException {
    exchange.getRequestBody().readAllBytes();
    seen.add(
        exchange.getRequestURI().getPath()
            + " "
            + exchange.getRequestHeaders().getFirst("Authorization"));
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }
}
