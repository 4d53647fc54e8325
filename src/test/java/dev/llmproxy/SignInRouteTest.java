package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.IntNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.emulator.IdToken;
import dev.llmproxy.emulator.SignInStandIn;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The gate for people who sign in. A test route behind it answers with the caller. */
class SignInRouteTest {
  private static final String WHO = "/test-who";
  private static final String CHAT = "/test-chat";
  private static final String OTHER_CLIENT = "other.apps.googleusercontent.com";
  private static final String ANN = "ann@example.com";
  private static final String WHO_ROUTE =
      """
      - route:
          id: test-who
          routeConfigurationId: http-errors
          from:
            uri: platform-http:/test-who
            steps:
              - bean:
                  ref: requests
                  method: open
              - to: direct:gate-sign-in
              - to: direct:gate-limit
              - setBody:
                  simple: "${exchangeProperty.caller.email} ${exchangeProperty.caller.tier} [${headers}]"
      """;

  private static SignInStandIn google;
  private static Gateway gateway;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    google = SignInStandIn.start();
    gateway =
        start(
            folder,
            Map.of(
                "GOOGLE_CLIENT_ID",
                SignInStandIn.CLIENT_ID + " , " + OTHER_CLIENT,
                "LLMPROXY_ALLOWED_USERS",
                "Ann@Example.com, kim@example.com, @example.org, bob@example.net"));
  }

  @AfterAll
  static void stop() {
    gateway.close();
    google.close();
  }

  @Test
  void listedPeopleAreAllowedInAnyCase() {
    HttpResponse<String> response = who(google.token("ANN@example.com"));

    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    assertThat(response.body()).as("no header of the client is left").isEqualTo(ANN + " free [{}]");
    assertThat(response.headers().firstValue("x-ratelimit-limit-requests")).isPresent();
  }

  static List<Arguments> goodTokens() {
    return List.of(
        good("Google's short name", token -> token.claim("iss", "accounts.google.com")),
        good("the second of our client ids", token -> token.claim("aud", OTHER_CLIENT)),
        good("verified as a text", token -> token.claim("email_verified", "true")),
        good("no type", token -> token.withoutHeader("typ")),
        good("no beginning", token -> token.without("nbf")),
        good("expired a moment ago by another clock", token -> token.claim("exp", now() - 20)),
        good("begins in a moment by another clock", token -> token.claim("nbf", now() + 20)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("goodTokens")
  void validTokensAreAccepted(String name, Function<IdToken, IdToken> change) {
    HttpResponse<String> response = who(google.sign(change.apply(google.idToken(ANN))));

    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
  }

  static List<Arguments> badTokens() {
    return List.of(
        bad("another issuer", token -> token.claim("iss", "https://accounts.example.com")),
        bad(
            "an issuer that looks alike",
            token -> token.claim("iss", "https://accounts.google.com/")),
        bad("no issuer", token -> token.without("iss")),
        bad("another audience", token -> token.claim("aud", "another.apps.googleusercontent.com")),
        bad(
            "the setting's whole text for an audience",
            token -> token.claim("aud", SignInStandIn.CLIENT_ID + " , " + OTHER_CLIENT)),
        bad("no audience", token -> token.without("aud")),
        bad("expired", token -> token.claim("exp", now() - 120)),
        bad("never expires", token -> token.without("exp")),
        bad("an expiry that is a text", token -> token.claim("exp", "tomorrow")),
        bad("not yet valid", token -> token.claim("nbf", now() + 120)),
        bad("issued in the future", token -> token.claim("iat", now() + 120)),
        bad("not verified", token -> token.claim("email_verified", BooleanNode.FALSE)),
        bad("verified by a number", token -> token.claim("email_verified", IntNode.valueOf(1))),
        bad("nothing about being verified", token -> token.without("email_verified")),
        bad("no address", token -> token.without("email")),
        bad("an address that is a list", token -> token.claim("email", Json.array().add(ANN))),
        bad("no subject", token -> token.without("sub")),
        bad("an extension that must be known", token -> token.header("crit", "b64")),
        bad("another type", token -> token.header("typ", "at+jwt")),
        bad("another algorithm of the same kind", token -> token.header("alg", "RS512")),
        bad("an unknown key", token -> token.header("kid", "nobody's")));
  }

  @Wire("6.401person")
  @ParameterizedTest(name = "{0}")
  @MethodSource("badTokens")
  void invalidTokensAndTokensForOthersAreRefused(String name, Function<IdToken, IdToken> change) {
    refused(google.sign(change.apply(google.idToken(ANN))));
  }

  @Test
  void tokensNotSignedByGoogleAreRefused() {
    IdToken token = google.idToken(ANN);
    String good = google.sign(token);
    String mallory = google.sign(google.idToken("mallory@example.com"));

    refused(token.signed(SignInStandIn.newKeyPair().getPrivate()));
    refused(good.substring(0, good.lastIndexOf('.')) + mallory.substring(mallory.lastIndexOf('.')));
    refused(good.substring(0, good.length() - 8) + "AAAAAAAA");
    refused(token.unsigned());
    refused(token.header("alg", "none").unsigned());
    refused(token.header("alg", "none").withoutHeader("kid").unsigned());
  }

  @Test
  void tokensSignedWithThePublicKeyAsSecretAreRefused() {
    IdToken token = google.idToken(ANN).header("alg", "HS256");
    byte[] der = google.keyPair().getPublic().getEncoded();
    String pem =
        "-----BEGIN PUBLIC KEY-----\n"
            + java.util.Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
            + "\n-----END PUBLIC KEY-----\n";

    refused(token.signed(der));
    refused(token.signed(pem.getBytes(StandardCharsets.US_ASCII)));
  }

  @Test
  void tokensSignedWithTheirOwnKeyAreRefused() {
    var own = SignInStandIn.newKeyPair();
    refused(
        google
            .idToken(ANN)
            .header("jku", "http://127.0.0.1:9/certs")
            .header("kid", "own")
            .signed(own.getPrivate()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x",
        ".",
        "..",
        "...",
        "a.b.c",
        "e30.e30.e30",
        "eyJhbGciOiJSUzI1NiJ9.e30.",
        "ä.ö.ü",
        "{}",
        "null.null.null",
        "eyJhbGciOiJSUzI1NiJ9..AAAA",
        "a.b.c.d.e"
      })
  void garbageIsRefused(String garbage) {
    refused(garbage);
  }

  @Test
  void longTokensAreReadAndTooLongOnesRefusedByHttp() {
    IdToken token = google.idToken(ANN);

    assertThat(who(google.sign(token.claim("picture", "x".repeat(6_000)))).statusCode())
        .isEqualTo(200);
    refused("a".repeat(12_000));
    refused(google.sign(token).replace(".", "." + "A".repeat(2_000)));
    assertThat(who("a".repeat(100_000)).statusCode()).isEqualTo(431);
  }

  @Wire("6.401person")
  @Test
  void requestsWithoutATokenAreRefused() {
    HttpResponse<String> response = who(null);

    assertThat(response.statusCode()).isEqualTo(401);
    assertThat(error(response).path("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error(response).path("code").isNull()).isTrue();
    assertThat(error(response).path("message").asText()).contains("Sign in with Google");
  }

  @Test
  void apiKeysAndIdTokensAreNotInterchangeable() {
    String key = gateway.createKey("keyed@example.net");

    HttpResponse<String> keyed = who(key);
    HttpResponse<String> token = gateway.get("/v1/models", google.token(ANN));

    assertThat(keyed.statusCode()).isEqualTo(401);
    assertThat(error(keyed).path("code").asText()).isEqualTo("invalid_id_token");
    assertThat(error(keyed).path("message").asText())
        .contains("not an API key", "/v1/chat/completions");
    assertThat(keyed.body()).doesNotContain(key);
    assertThat(token.statusCode()).isEqualTo(401);
    assertThat(error(token).path("code").asText()).isEqualTo("invalid_api_key");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Authorization=Bearer%20", "authorization=Bearer%20", "access_token=", "token="})
  void tokensInTheQueryAreIgnored(String parameter) {
    HttpResponse<String> response = gateway.get(WHO + "?" + parameter + google.token(ANN), null);

    assertThat(response.statusCode()).isEqualTo(401);
  }

  @Wire("2.caller")
  @Test
  void theQueryDoesNotReplaceTheToken() {
    String other = google.token("bob@example.net");

    assertThat(
            gateway
                .get(
                    WHO + "?Authorization=Bearer%20" + other + "&caller=bob@example.net&person=bob",
                    google.token(ANN))
                .body())
        .isEqualTo(ANN + " free [{}]");
  }

  @Wire("6.403person")
  @ParameterizedTest
  @CsvSource({
    "mallory@example.com,",
    "ann@example.com.evil.example,",
    "ann@example.community,",
    "xann@example.com,",
    "ann@sub.example.com,",
    "ann+1@example.com,",
    // An address of the listed domain, but an account that the organisation does not own.
    "former@example.org,",
    "former@example.org,evil.example",
    "former@example.org,sub.example.org",
    "a@sub.example.org,sub.example.org",
    "a@sub.example.org,example.org",
    "a@notexample.org,notexample.org",
    "a@example.org.evil.example,example.org.evil.example",
    "a@example.org@evil.example,example.org",
    "@example.org.evil.example,example.org",
    "example.org,example.org",
    // Characters that become k and i in lower case.
    "\u212Aim@example.com,",
    "k\u0130m@example.com,"
  })
  void peopleWhoAreNotAllowedGet403(String email, String domain) {
    IdToken token = google.idToken(email);

    HttpResponse<String> response =
        who(google.sign(domain == null ? token : token.claim("hd", domain)));

    assertThat(response.statusCode()).as(response.body()).isEqualTo(403);
    assertThat(error(response).path("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error(response).path("code").asText()).isEqualTo("user_not_allowed");
    assertThat(error(response).path("message").asText()).contains(email, "LLMPROXY_ALLOWED_USERS");
  }

  @Test
  void accountsOfAListedDomainAreAllowed() {
    HttpResponse<String> response =
        who(google.sign(google.idToken("Cleo@Example.org").claim("hd", "example.org")));

    assertThat(response.body()).isEqualTo("cleo@example.org free [{}]");
  }

  @Test
  void ownersOfAValidKeySignInWithItsTier() {
    assertThat(who(google.token("dan@example.net")).statusCode()).isEqualTo(403);

    String key = gateway.createKey("Dan@Example.net", "pro");
    gateway.createKey("dan@example.net", "gold");

    assertThat(who(google.token("dan@example.net")).body())
        .as("as the sheet has him, with the first row's tier")
        .isEqualTo("Dan@Example.net pro [{}]");

    revoke(key);
    assertThat(who(google.token("dan@example.net")).body()).isEqualTo("dan@example.net gold [{}]");
  }

  @Test
  void revokedAndExpiredKeysDoNotAllowSignIn() {
    String revoked = gateway.createKey("eve@example.net");
    revoke(revoked);
    new ApiKeyBook(gateway.application().workbook())
        .add("sk-expired", "fay@example.net", "", "pro", "2026-01-01T00:00:00Z", "2026-01-02");
    gateway.awaitKnown("sk-expired", true);

    assertThat(who(google.token("eve@example.net")).statusCode()).isEqualTo(403);
    assertThat(who(google.token("fay@example.net")).statusCode()).isEqualTo(403);
  }

  @Test
  void personAndKeyHaveSeparateLimits(@TempDir Path folder) throws IOException {
    Map<String, String> settings =
        Map.of("LLMPROXY_ALLOWED_USERS", "@gmail.com", "RATE_LIMIT_FREE", "2");
    try (Gateway limited = start(folder, settings)) {
      String key = limited.createKey("gil@gmail.com");

      assertThat(who(limited, google.token("gil@gmail.com")).statusCode()).isEqualTo(200);
      assertThat(who(limited, google.token("GIL@gmail.com")).statusCode()).isEqualTo(200);
      HttpResponse<String> third = who(limited, google.token("gil@gmail.com"));
      assertThat(third.statusCode()).isEqualTo(429);
      assertThat(third.headers().firstValue("Retry-After")).isPresent();

      assertThat(who(limited, google.token("hal@gmail.com")).statusCode()).isEqualTo(200);
      assertThat(limited.chat(key, "openai/scripted", false, "hello").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void requestsOfAPersonAreRecordedAndDoNotCountForAKey() throws SQLException {
    String key = gateway.createKey("ivy@example.net");
    String body =
        "{\"model\":\"openai/scripted\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
    String signedIn = id(gateway.post(CHAT, google.token("ivy@example.net"), body));
    assertThat(record(signedIn).provider()).isEqualTo("chat");
    assertThat(record(signedIn).email()).isEqualTo("ivy@example.net");
    assertThat(record(signedIn).keyHash()).isEmpty();

    String keyed = id(gateway.post(key, body));
    assertThat(record(keyed).provider()).isEqualTo("rest-api");

    Awaitility.await().until(() -> gateway.sheet("ivy_at_example_dot_net").size() == 3);
    assertThat(gateway.sheet("ivy_at_example_dot_net"))
        .anySatisfy(row -> assertThat(row).contains("chat", "SUCCESS", signedIn))
        .anySatisfy(row -> assertThat(row).contains("rest-api", "SUCCESS", keyed));
    Awaitility.await().until(() -> keysCounted(ApiKey.hash(key)) == 1);
    assertThat(keysCounted("")).isZero();
  }

  @Test
  void bodiesOverTheLimitAreRefusedAfterSignIn() {
    String body = " ".repeat(21 << 20);

    assertThat(gateway.post(CHAT, google.token(ANN), body).statusCode()).isEqualTo(413);
    assertThat(gateway.post(CHAT, "wrong", body).statusCode()).isEqualTo(401);
  }

  @Test
  void pagesMaySendTheToken() {
    HttpResponse<String> preflight =
        gateway.send(
            gateway
                .request(WHO, null)
                .method("OPTIONS", BodyPublishers.noBody())
                .header("Origin", "https://app.example.com")
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization,content-type")
                .build());

    assertThat(preflight.statusCode()).isEqualTo(204);
    assertThat(preflight.headers().firstValue("Access-Control-Allow-Headers").orElseThrow())
        .contains("authorization");
  }

  @Test
  void wrongTokensCountLikeWrongKeys(@TempDir Path folder) throws IOException {
    Map<String, String> settings =
        Map.of("LLMPROXY_ALLOWED_USERS", ANN, "AUTH_FAILURES_PER_MINUTE", "3");
    try (Gateway strict = start(folder, settings)) {
      assertThat(who(strict, "a.b.c").statusCode()).isEqualTo(401);
      assertThat(strict.get("/v1/models", "sk-wrong").statusCode()).isEqualTo(401);
      assertThat(who(strict, "a.b.c").statusCode()).isEqualTo(401);

      HttpResponse<String> fourth = who(strict, "a.b.c");
      assertThat(fourth.statusCode()).isEqualTo(429);
      assertThat(fourth.headers().firstValue("Retry-After")).isPresent();
      assertThat(strict.get("/v1/models", "sk-wrong").statusCode()).isEqualTo(429);
      assertThat(who(strict, google.token(ANN)).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void newGoogleKeysAreFetchedAndUnknownKeyIdsAreLimited(@TempDir Path folder) throws IOException {
    try (SignInStandIn rotating = SignInStandIn.start();
        Gateway own = start(folder, allowing(rotating, ANN))) {
      String before = rotating.token(ANN);
      assertThat(who(own, before).statusCode()).isEqualTo(200);
      rotating.rotate();

      assertThat(who(own, rotating.token(ANN)).statusCode()).isEqualTo(200);
      assertThat(who(own, before).statusCode()).isEqualTo(200);

      Instant began = Instant.now();
      int asked = rotating.keysAsked();
      for (int i = 0; i < 200; i++) {
        IdToken token = rotating.idToken(ANN).header("kid", "unknown-" + i);
        assertThat(who(own, rotating.sign(token)).statusCode()).isEqualTo(401);
      }
      assertThat(who(own, rotating.token(ANN)).statusCode()).isEqualTo(200);
      long pauses = 1 + Duration.between(began, Instant.now()).toSeconds() / 10;
      assertThat(rotating.keysAsked() - asked).isLessThanOrEqualTo((int) (2 * pauses));
    }
  }

  @Test
  void knownGoogleKeysStayValidDuringAnOutage(@TempDir Path folder) throws IOException {
    try (SignInStandIn failing = SignInStandIn.start();
        Gateway own = start(folder, allowing(failing, ANN))) {
      assertThat(who(own, failing.token(ANN)).statusCode()).isEqualTo(200);
      failing.fail(true);

      IdToken unknown = failing.idToken(ANN).header("kid", "unknown");
      for (int i = 0; i < 5; i++) {
        assertThat(who(own, failing.sign(unknown)).statusCode()).isEqualTo(401);
        assertThat(who(own, failing.token(ANN)).statusCode()).isEqualTo(200);
      }
      assertThat(failing.keysAsked()).isGreaterThan(1);
    }
  }

  @Wire("6.503person")
  @Test
  void requestsGet503UntilGoogleKeysHaveBeenFetched(@TempDir Path folder) throws IOException {
    try (SignInStandIn failing = SignInStandIn.start();
        Gateway own = start(folder, allowing(failing, ANN))) {
      failing.fail(true);

      for (int i = 0; i < 5; i++) {
        HttpResponse<String> response = who(own, failing.token(ANN));
        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(error(response).path("code").asText()).isEqualTo("overloaded");
        assertThat(response.headers().firstValue("Retry-After")).contains("10");
      }
      assertThat(failing.keysAsked()).isLessThan(5);
      failing.fail(false);
      Awaitility.await().until(() -> who(own, failing.token(ANN)).statusCode() == 200);
    }
  }

  @Wire("6.403person")
  @Test
  void signInIsOffWithoutAClientId(@TempDir Path folder) throws IOException {
    try (Gateway off =
        start(folder, Map.of("GOOGLE_CLIENT_ID", "", "LLMPROXY_ALLOWED_USERS", ANN))) {
      for (String token : new String[] {null, google.token(ANN), "sk-key"}) {
        HttpResponse<String> response = who(off, token);
        assertThat(response.statusCode()).isEqualTo(403);
        assertThat(error(response).path("code").asText()).isEqualTo("sign_in_off");
        assertThat(error(response).path("message").asText()).contains("GOOGLE_CLIENT_ID");
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "LLMPROXY_ALLOWED_USERS | example.com",
        "LLMPROXY_ALLOWED_USERS | ann@example.com bob@example.com",
        "LLMPROXY_ALLOWED_USERS | *@example.com",
        "LLMPROXY_ALLOWED_USERS | ann@",
        "LLMPROXY_ALLOWED_USERS | @com",
        "LLMPROXY_ALLOWED_USERS | ann@example.com;bob@example.com",
        "GOOGLE_KEYS_URL | http://www.googleapis.com/oauth2/v3/certs",
        "GOOGLE_KEYS_URL | file:/etc/passwd",
        "GOOGLE_KEYS_URL | www.googleapis.com",
        "GOOGLE_KEYS_URL | https://"
      })
  void invalidSettingsFailStartup(String name, String value, @TempDir Path folder) {
    assertThatExceptionOfType(Settings.SettingException.class)
        .isThrownBy(() -> Gateway.start(folder, Map.of(name, value)))
        .withMessageContaining(name)
        .withMessageContaining("must be");
  }

  static List<String> disguises() {
    return List.of(
        "caller",
        "Caller",
        "person",
        "exchangeProperty.caller",
        "exchangeProperty.person",
        "CamelExchangeProperty.caller",
        "CamelCaller",
        "CamelHttpUri",
        "CamelBeanMethodName",
        "keyHash",
        "call",
        "sink");
  }

  @Wire("2.caller")
  @ParameterizedTest
  @MethodSource("disguises")
  void requestsCannotSetTheCaller(String name) {
    String key = gateway.createKey("key-owner@example.net");
    String body =
        Json.text(
            Json.object()
                .put("model", "openai/scripted")
                .put("user", "bob@example.net")
                .put(name, "bob@example.net")
                .set(
                    "messages",
                    Json.array().add(Json.object().put("role", "user").put("content", "hello"))));

    for (String path : List.of("/v1/chat/completions", CHAT)) {
      HttpResponse<String> without =
          gateway.send(
              gateway
                  .request(path + "?" + name + "=bob@example.net", null)
                  .header(name, "bob@example.net")
                  .POST(BodyPublishers.ofString(body))
                  .build());
      assertThat(without.statusCode()).isEqualTo(401);
    }
    HttpResponse<String> with =
        gateway.send(
            gateway
                .request("/v1/chat/completions?" + name + "=bob@example.net", key)
                .header(name, "bob@example.net")
                .POST(BodyPublishers.ofString(body))
                .build());
    assertThat(record(id(with)).email()).isEqualTo("key-owner@example.net");
    assertThat(record(id(with)).provider()).isEqualTo("rest-api");
  }

  private static String id(HttpResponse<String> response) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return response.headers().firstValue("x-request-id").orElseThrow();
  }

  private static UsageRecord record(String requestId) {
    return gateway.awaitRecord(record -> record.requestId().equals(requestId));
  }

  /** The number of requests that the ledger has counted for a key. */
  private static long keysCounted(String hash) throws SQLException {
    Path ledger = gateway.settings().path("LLMPROXY_DATA").resolve("ledger.db");
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + ledger);
        PreparedStatement select =
            connection.prepareStatement(
                "select coalesce(sum(requests), 0) from key_counter where key_hash = ?")) {
      select.setString(1, hash);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getLong(1);
      }
    }
  }

  private static void refused(String token) {
    HttpResponse<String> response = who(token);

    assertThat(response.statusCode()).as(response.body()).isEqualTo(401);
    assertThat(error(response).path("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error(response).path("code").asText()).isEqualTo("invalid_id_token");
    assertThat(error(response).path("message").asText())
        .as("the same whatever is wrong")
        .isEqualTo(
            "The ID token is not one that Google has given out for this server, or has expired."
                + " Sign in with Google again.");
  }

  private static HttpResponse<String> who(String token) {
    return who(gateway, token);
  }

  private static HttpResponse<String> who(Gateway asked, String token) {
    return asked.get(WHO, token);
  }

  private static JsonNode error(HttpResponse<String> response) {
    return Gateway.json(response).path("error");
  }

  private static void revoke(String key) {
    ApiKeyBook book = new ApiKeyBook(gateway.application().workbook());
    book.revoke(
        book.rows().stream()
            .filter(row -> row.apiKey().endsWith(ApiKey.hash(key)))
            .findFirst()
            .orElseThrow());
    gateway.awaitKnown(key, false);
  }

  private static Map<String, String> allowing(SignInStandIn standIn, String email) {
    Map<String, String> settings = new HashMap<>(standIn.settings());
    settings.put("LLMPROXY_ALLOWED_USERS", email);
    return settings;
  }

  /**
   * Starts a gateway with a route that answers with the caller, and with chat completions behind
   * this gate.
   */
  private static Gateway start(Path folder, Map<String, String> settings) throws IOException {
    Map<String, String> all = new HashMap<>(google.settings());
    all.putAll(settings);
    String chat =
        Files.readString(Path.of("routes/api-chat-completions.camel.yaml"))
            .replace("id: api-chat-completions", "id: test-chat")
            .replace("platform-http:/v1/chat/completions", "platform-http:" + CHAT)
            .replace("direct:gate-authenticate", "direct:gate-sign-in");
    return Gateway.startWith(WHO_ROUTE + chat, folder, all);
  }

  private static Arguments good(String name, Function<IdToken, IdToken> change) {
    return Arguments.of(name, change);
  }

  private static Arguments bad(String name, Function<IdToken, IdToken> change) {
    return Arguments.of(name, change);
  }

  private static long now() {
    return Instant.now().getEpochSecond();
  }
}
