package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.admin.SignInMethod;
import dev.llmproxy.base.Jdbc;
import dev.llmproxy.base.Sha256;
import dev.llmproxy.call.Person;
import dev.llmproxy.keys.ApiKeyBook;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The gate of the admin API: sessions, origins, tokens and roles. */
class AdminGateRouteTest {
  private static final String SIGN_OUT = "/admin/api/sign-out";
  private static final String ACTIONS = "/admin/api/actions";
  private static final String SESSION = "/admin/api/session";

  private static MovedClock clock;
  private static Gateway gateway;

  @BeforeAll
  static void start(@TempDir Path data) {
    clock = new MovedClock(Instant.now());
    gateway = Gateway.start(data, AdminBrowser.SETTINGS, clock);
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void administratorIsTold() {
    JsonNode session =
        Gateway.json(AdminBrowser.signedIn(gateway, "Admin@Example.com").get(SESSION));

    assertThat(session.path("signed_in").asBoolean()).isTrue();
    assertThat(session.path("email").asText()).isEqualTo(AdminBrowser.ADMIN);
    assertThat(session.path("role").asText()).isEqualTo("ADMIN");
    assertThat(session.path("csrf_token").asText()).hasSize(43);
  }

  @Test
  void answersAreNeitherStoredNorSharedWithOtherOrigins() {
    AdminBrowser browser = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);

    HttpResponse<String> answer = browser.get(ACTIONS);

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("cache-control")).hasValue("no-store");
    assertThat(answer.headers().firstValue("x-content-type-options")).hasValue("nosniff");
    HttpResponse<String> foreign =
        gateway.send(
            browser.request(ACTIONS).header("Origin", "https://evil.example").GET().build());
    refused(foreign, 403, "wrong_origin");
    assertThat(foreign.headers().firstValue("access-control-allow-origin")).isEmpty();
  }

  @Test
  void ownerOfAUsableKeyIsAUserAndMayNotDoWhatAdministratorsDo() {
    gateway.createKey("Kim@example.com");
    AdminBrowser browser = AdminBrowser.signedIn(gateway, "kim@example.com");

    assertThat(Gateway.json(browser.get(SESSION)).path("role").asText()).isEqualTo("USER");
    refused(browser.get(ACTIONS), 403, "admin_only");
  }

  @Test
  void personWithoutAKeyIsNotSignedIn() {
    AdminBrowser browser = AdminBrowser.signedIn(gateway, "mallory@example.com");

    assertThat(Gateway.json(browser.get(SESSION)).path("signed_in").asBoolean()).isFalse();
    refused(browser.get(ACTIONS), 401, "not_signed_in");
  }

  @Test
  void userWhoseLastKeyIsRevokedIsSignedOut() {
    String key = gateway.createKey("ann@example.com");
    AdminBrowser browser = AdminBrowser.signedIn(gateway, "ann@example.com");
    ApiKeyBook book = new ApiKeyBook(gateway.application().workbook());

    book.revoke(
        book.rows().stream()
            .filter(row -> row.email().equals("ann@example.com"))
            .findFirst()
            .orElseThrow());
    gateway.awaitKnown(key, false);

    refused(browser.get(ACTIONS), 401, "not_signed_in");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "nonsense", "' or 1=1 --"})
  void wrongCookiesAreRefused(String token) {
    refused(AdminBrowser.withToken(gateway, token).get(ACTIONS), 401, "not_signed_in");
  }

  @Test
  void apiKeysAreRefused() {
    String key = gateway.createKey(AdminBrowser.ADMIN);

    refused(gateway.get(ACTIONS, key), 401, "not_signed_in");
  }

  @Test
  void sessionSurvivesARestart() {
    AdminBrowser browser = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);

    gateway.stop();
    gateway.start();

    assertThat(browser.get(ACTIONS).statusCode()).isEqualTo(200);
  }

  @Test
  void sessionEndsAfterTwoHoursWithoutUse() {
    AdminBrowser browser = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);

    clock.move(Duration.ofMinutes(119));
    assertThat(browser.get(ACTIONS).statusCode()).isEqualTo(200);
    clock.move(Duration.ofMinutes(119));
    assertThat(browser.get(ACTIONS).statusCode()).as("the last use counts").isEqualTo(200);
    clock.move(Duration.ofHours(2));

    refused(browser.get(ACTIONS), 401, "not_signed_in");
  }

  @Test
  void sessionEndsAfterTwelveHoursOfUse() {
    AdminBrowser browser = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);

    for (int hour = 1; hour < 12; hour++) {
      clock.move(Duration.ofHours(1));
      assertThat(browser.get(ACTIONS).statusCode()).isEqualTo(200);
    }
    clock.move(Duration.ofHours(1));

    refused(browser.get(ACTIONS), 401, "not_signed_in");
  }

  @Test
  void signOutEndsTheSessionAndIsRecorded() {
    AdminBrowser browser = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);

    HttpResponse<String> answer = browser.post(SIGN_OUT, "");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("set-cookie").orElseThrow())
        .startsWith("llmproxy_session=;")
        .contains("Max-Age=0");
    refused(browser.get(ACTIONS), 401, "not_signed_in");
    JsonNode actions =
        Gateway.json(AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN).get(ACTIONS));
    assertThat(actions.at("/actions/0/action").asText()).isEqualTo("session.end");
    assertThat(actions.at("/actions/0/actor").asText()).isEqualTo(AdminBrowser.ADMIN);
    assertThat(actions.at("/actions/0/address").asText()).isEqualTo("127.0.0.1");
  }

  @ParameterizedTest
  @CsvSource({
    "the session's, http://127.0.0.1:PORT,             same-origin, 200, ",
    "the session's, http://127.0.0.1:PORT,             ,            200, ",
    "the session's, ,                                  same-origin, 200, ",
    "the session's, ,                                  ,            403, wrong_origin",
    "the session's, ,                                  same-site,   403, wrong_origin",
    "the session's, ,                                  none,        403, wrong_origin",
    "the session's, http://127.0.0.1:PORT,             cross-site,  403, wrong_origin",
    "the session's, null,                              ,            403, wrong_origin",
    "the session's, http://127.0.0.1:1,                ,            403, wrong_origin",
    "the session's, https://127.0.0.1:PORT,            ,            403, wrong_origin",
    "the session's, http://localhost:PORT,             ,            403, wrong_origin",
    "the session's, http://127.0.0.1:PORT.evil.example,,            403, wrong_origin",
    "the session's, https://evil.example,              ,            403, wrong_origin",
    "another's,     http://127.0.0.1:PORT,             same-origin, 403, wrong_csrf_token",
    "'',            http://127.0.0.1:PORT,             same-origin, 403, wrong_csrf_token",
    "none,          http://127.0.0.1:PORT,             same-origin, 403, wrong_csrf_token"
  })
  void changesNeedTheOwnOriginAndTheSessionsToken(
      String token, String origin, String site, int status, String code) {
    AdminBrowser browser = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);
    HttpRequest.Builder request =
        browser.request(SIGN_OUT).POST(BodyPublishers.ofString("csrf_token=" + browser.csrf()));
    switch (token) {
      case "the session's" -> request.header("X-CSRF-Token", browser.csrf());
      case "another's" ->
          request.header("X-CSRF-Token", AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN).csrf());
      case "" -> request.header("X-CSRF-Token", "");
      default -> {}
    }
    if (origin != null) {
      request.header("Origin", origin.replace("PORT", "" + gateway.port()));
    }
    if (site != null) {
      request.header("Sec-Fetch-Site", site);
    }

    HttpResponse<String> answer = gateway.send(request.build());

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    if (code != null) {
      refused(answer, status, code);
      assertThat(browser.get(ACTIONS).statusCode()).as("still signed in").isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"cross-site", "same-site"})
  void otherSitesMayNotReadWithTheCookie(String site) {
    AdminBrowser browser = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);

    refused(
        gateway.send(browser.request(ACTIONS).header("Sec-Fetch-Site", site).GET().build()),
        403,
        "wrong_origin");
  }

  @ParameterizedTest
  @CsvSource({
    "localhost,               200",
    "LOCALHOST:9999,          200",
    "127.0.0.1,               200",
    "[::1]:80,                200",
    "192.0.2.1,               403",
    "evil.example,            403",
    "localhost.evil.example,  403",
    "127.0.0.1.evil.example,  403",
    "localhost:80@evil.example, 403"
  })
  void onlyNamesOfThisMachineAreServedWhenTheServerListensOnLoopback(String host, int status)
      throws IOException {
    try (RawConnection connection = gateway.connect()) {
      connection.write(
          "GET " + SESSION + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
      String answer = connection.readAll();

      assertThat(answer).matches("(?s)HTTP/1.1 (%d|400) .*".formatted(status));
      if (status == 403) {
        assertThat(answer).doesNotContain("signed_in");
      }
    }
  }

  @Test
  void headersAndQueryOfTheClientDoNotSignIn() {
    HttpResponse<String> answer =
        gateway.send(
            gateway
                .request(ACTIONS + "?admin=x&llmproxy_session=x", null)
                .header("admin", "x")
                .GET()
                .build());

    refused(answer, 401, "not_signed_in");
  }

  @Test
  void actionsAreListedPageByPage() {
    for (int i = 0; i < 3; i++) {
      AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN).post(SIGN_OUT, "");
      clock.move(Duration.ofSeconds(1));
    }
    AdminBrowser browser = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);

    JsonNode first = Gateway.json(browser.get(ACTIONS + "?limit=2"));
    String last = first.at("/actions/1/id").asText();
    JsonNode second = Gateway.json(browser.get(ACTIONS + "?limit=2&before=" + last));

    assertThat(first.path("actions")).hasSize(2);
    assertThat(first.path("more").asBoolean()).isTrue();
    assertThat(second.path("actions")).isNotEmpty();
    assertThat(second.at("/actions/0/id").asText()).isLessThan(last);
    Function<JsonNode, String> time = page -> page.at("/actions/0/at").asText();
    assertThat(time.apply(first)).isGreaterThan(time.apply(second));
    refused(browser.get(ACTIONS + "?limit=0"), 400, "invalid_value");
    refused(browser.get(ACTIONS + "?limit=many"), 400, "invalid_value");
  }

  @Test
  void linkedSessionEndsWhenLinksAreSwitchedOff(@TempDir Path own) {
    String token;
    try (Gateway first = Gateway.start(own, Map.of(), clock)) {
      token =
          first
              .application()
              .admin()
              .sessions()
              .begin(new Person("admin@localhost", null), SignInMethod.LINK);
      assertThat(AdminBrowser.withToken(first, token).get(ACTIONS).statusCode()).isEqualTo(200);
    }
    try (Gateway second = Gateway.start(own, Map.of("ADMIN_LINK", "off"), clock)) {
      refused(AdminBrowser.withToken(second, token).get(ACTIONS), 401, "not_signed_in");
    }
  }

  @Test
  void onlyHashesOfTokensAreStored() {
    AdminBrowser browser = AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN);

    String stored =
        gateway
            .application()
            .ledger()
            .read(connection ->
                Jdbc.list(connection, "select id from admin_session", row -> row.getString(1))
                    .toString());
    assertThat(stored).contains(Sha256.hex(browser.token())).doesNotContain(browser.token());
  }

  private static void refused(HttpResponse<String> answer, int status, String code) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(Gateway.json(answer).at("/error/code").asText()).isEqualTo(code);
    assertThat(Gateway.json(answer).at("/error/message").asText()).isNotEmpty();
  }
}
