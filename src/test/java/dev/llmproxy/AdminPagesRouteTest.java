package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of the management pages, and the page System's data. */
class AdminPagesRouteTest {
  private static final String PROVIDER_KEY = "provider-secret";

  private static Gateway gateway;

  @BeforeAll
  static void start(@TempDir Path data) {
    Map<String, String> settings = new HashMap<>(AdminBrowser.SETTINGS);
    settings.put("GOOGLE_CLIENT_ID", "client");
    settings.put("GOOGLE_CLIENT_SECRET", "hidden-google");
    settings.put("SEARXNG_URL", "http://ann:hidden-password@127.0.0.1:9/?key=hidden-password");
    gateway = Gateway.start(data, settings);
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @ParameterizedTest
  @CsvSource({
    "/admin,                                           text/html",
    "/admin/,                                          text/html",
    "/admin/ui/app.js,                                 text/javascript",
    "/admin/ui/pages/system.js,                        text/javascript",
    "/admin/ui/app.css,                                text/css",
    "/admin/ui/vendor/htm-3.1.1/standalone.module.js,  text/javascript"
  })
  void filesAreServedWithTypeAndPolicy(String path, String type) {
    HttpResponse<String> file = gateway.get(path, null);

    assertThat(file.statusCode()).isEqualTo(200);
    assertThat(file.headers().firstValue("content-type").orElseThrow()).startsWith(type);
    assertThat(file.headers().firstValue("content-security-policy").orElseThrow())
        .startsWith("default-src 'none'; script-src 'self'; style-src 'self'")
        .doesNotContain("unsafe");
    assertThat(file.headers().firstValue("x-content-type-options")).hasValue("nosniff");
    assertThat(file.headers().firstValue("cross-origin-opener-policy")).hasValue("same-origin");
    assertThat(file.headers().firstValue("cache-control").orElseThrow())
        .isEqualTo(path.contains("/vendor/") ? "public, max-age=31536000, immutable" : "no-cache");
    assertThat(file.body()).doesNotContain("innerHTML =").doesNotContain("eval(");
  }

  @Test
  void unchangedFileIsNotSentAgain() {
    String etag = gateway.get("/admin/ui/app.js", null).headers().firstValue("etag").orElseThrow();

    HttpResponse<String> again =
        gateway.send(
            gateway.request("/admin/ui/app.js", null).header("If-None-Match", etag).GET().build());

    assertThat(again.statusCode()).isEqualTo(304);
    assertThat(again.body()).isEmpty();
  }

  @Test
  void filesAreCompressedForBrowsersThatAcceptIt() throws Exception {
    HttpResponse<byte[]> zipped =
        HttpClient.newHttpClient()
            .send(
                gateway
                    .request("/admin/ui/app.js", null)
                    .header("Accept-Encoding", "gzip, br")
                    .GET()
                    .build(),
                HttpResponse.BodyHandlers.ofByteArray());

    assertThat(zipped.headers().firstValue("content-encoding")).hasValue("gzip");
    try (GZIPInputStream plain = new GZIPInputStream(new ByteArrayInputStream(zipped.body()))) {
      assertThat(new String(plain.readAllBytes(), StandardCharsets.UTF_8))
          .isEqualTo(Files.readString(Path.of("ui/app.js")));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/admin/ui/",
        "/admin/ui/nothing.js",
        "/admin/ui/..%2fapplication.properties",
        "/admin/ui/%2e%2e/application.properties",
        "/admin/ui/..%5capplication.properties",
        "/admin/ui/pages",
        "/admin/ui/vendor/list.json",
        "/admin/nothing"
      })
  void nothingElseIsServed(String path) {
    HttpResponse<String> answer = gateway.get(path, null);

    assertThat(answer.statusCode()).isEqualTo(404);
    assertThat(answer.body()).contains("unknown_url");
  }

  @Test
  void changedFileIsReadAgain(@TempDir Path folder) throws IOException {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Path file = Files.createDirectories(home.resolve("ui")).resolve("index.html");
    Files.writeString(file, "first");
    try (Gateway own = Gateway.startAt(home, folder.resolve("data"), Map.of())) {
      assertThat(own.get("/admin/", null).body()).isEqualTo("first");

      Files.writeString(file, "the second");

      Awaitility.await()
          .untilAsserted(() -> assertThat(own.get("/admin/", null).body()).isEqualTo("the second"));
    }
  }

  @Test
  void vendoredFilesAreThoseOfTheList() throws Exception {
    Path vendor = Path.of("ui/vendor");
    Map<String, String> listed = new HashMap<>();
    for (JsonNode library : Json.parse(Files.readString(vendor.resolve("list.json")))) {
      assertThat(library.path("integrity").asText()).startsWith("sha512-");
      assertThat(library.path("hashes").properties())
          .as("%s has its licence", library.path("name"))
          .anyMatch(file -> file.getKey().contains("LICENSE"));
      library
          .path("hashes")
          .properties()
          .forEach(file -> listed.put(file.getKey(), file.getValue().asText()));
    }
    Set<String> there;
    try (Stream<Path> files = Files.walk(vendor)) {
      there =
          files
              .filter(Files::isRegularFile)
              .map(file -> vendor.relativize(file).toString())
              .filter(name -> !name.equals("list.json"))
              .collect(Collectors.toCollection(TreeSet::new));
    }

    assertThat(there).isEqualTo(new TreeSet<>(listed.keySet()));
    for (String name : there) {
      assertThat(sha512(Files.readAllBytes(vendor.resolve(name))))
          .as(name)
          .isEqualTo(listed.get(name));
    }
  }

  @Test
  void systemShowsSettingsWithTheirOriginAndNoSecret() {
    HttpResponse<String> answer =
        AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN).get("/admin/api/system");
    JsonNode report = Gateway.json(answer);

    assertThat(answer.body()).doesNotContain(PROVIDER_KEY, "hidden-google", "hidden-password");
    Map<String, JsonNode> settings = new HashMap<>();
    report.path("settings").forEach(one -> settings.put(one.path("name").asText(), one));
    assertThat(settings.get("LLMPROXY_ADMINS").path("value").asText())
        .isEqualTo(AdminBrowser.ADMIN);
    assertThat(settings.get("LLMPROXY_ADMINS").path("origin").asText()).isEqualTo("environment");
    assertThat(settings.get("CHAT_TURNS").path("origin").asText()).isEqualTo("default");
    assertThat(settings.get("OPENAI_API_KEY").path("secret").asBoolean()).isTrue();
    assertThat(report.at("/ledger/database").asText()).isEqualTo("SQLite");
    assertThat(report.at("/keys/usable").asBoolean()).isTrue();
  }

  @Test
  void systemIsForAdministrators() {
    gateway.createKey("ann@example.com");

    assertThat(
            AdminBrowser.signedIn(gateway, "ann@example.com").get("/admin/api/system").statusCode())
        .isEqualTo(403);
    assertThat(gateway.get("/admin/api/system", null).statusCode()).isEqualTo(401);
  }

  private static String sha512(byte[] content) throws GeneralSecurityException {
    return "sha512-"
        + Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-512").digest(content));
  }
}
