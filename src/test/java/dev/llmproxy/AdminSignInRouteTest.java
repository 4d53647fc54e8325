package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import dev.llmproxy.emulator.IdToken;
import dev.llmproxy.emulator.OpenIdStandIn;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The sign-in to the management pages, by an OpenID provider and by a one-time link. */
class AdminSignInRouteTest {
  private static final String SIGN_IN = "/admin/sign-in";
  private static final String LINK = "/admin/sign-in/link";
  private static final String SESSION = "/admin/api/session";
  private static MovedClock clock;

  private static OpenIdStandIn provider;
  private static Gateway gateway;

  @BeforeAll
  static void start(@TempDir Path data) {
    clock = new MovedClock(Instant.now());
    provider = OpenIdStandIn.start();
    Map<String, String> settings = new HashMap<>(AdminBrowser.SETTINGS);
    settings.putAll(provider.settings());
    settings.putAll(provider.settingsOfGoogle());
    settings.put("LLMPROXY_ALLOWED_USERS", "ann@example.com, @example.org");
    gateway = Gateway.start(data, settings, clock);
  }

  @AfterAll
  static void stop() {
    gateway.close();
    provider.close();
  }

  @BeforeEach
  void wellBehaved() {
    provider.signsIn(AdminBrowser.ADMIN);
    provider.changes(token -> token);
    provider.refuses(false);
  }

  @Test
  void personWithoutASessionIsToldTheWaysToSignIn() {
    JsonNode session = Gateway.json(gateway.get(SESSION, null));

    assertThat(session.path("signed_in").asBoolean()).isFalse();
    assertThat(session.path("methods").findValuesAsText("name"))
        .containsExactly("Google", "Stand-in");
    assertThat(gateway.get(session.at("/methods/1/href").asText(), null).statusCode())
        .isEqualTo(303);
  }

  @ParameterizedTest
  @ValueSource(strings = {"google", "oidc"})
  void administratorSignsInAtTheProvider(String method) {
    HttpResponse<String> done = signIn(method);

    assertThat(location(done)).isEqualTo("/admin/");
    String cookie = cookie(done, "llmproxy_session");
    assertThat(cookie)
        .contains("; Path=/admin; HttpOnly; SameSite=Lax; Max-Age=43200")
        .doesNotContain("Secure");
    AdminBrowser browser = AdminBrowser.withToken(gateway, value(cookie));
    assertThat(Gateway.json(browser.get(SESSION)).path("role").asText()).isEqualTo("ADMIN");
    JsonNode last = Gateway.json(browser.get("/admin/api/actions")).at("/actions/0");
    assertThat(last.path("action").asText()).isEqualTo("session.begin");
    assertThat(last.at("/detail/method").asText()).isEqualTo(method);
  }

  @Test
  void allowedPersonSignsInAsUser() {
    provider.signsIn("Ann@Example.com");

    JsonNode session = session(signIn("oidc"));

    assertThat(session.path("role").asText()).isEqualTo("USER");
    assertThat(session.path("email").asText()).isEqualTo("ann@example.com");
  }

  @Test
  void addressOfADomainNeedsGooglesWordThatTheDomainOwnsTheAccount() {
    provider.signsIn("kim@example.org");

    assertThat(location(signIn("google"))).endsWith("/not_allowed");
    provider.changes(token -> token.claim("hd", "example.org"));
    assertThat(location(signIn("google"))).isEqualTo("/admin/");
    provider.changes(token -> token);
    assertThat(location(signIn("oidc"))).as("the operator's own provider").isEqualTo("/admin/");
  }

  @Test
  void strangerIsRefusedAndThisIsRecorded() {
    provider.signsIn("mallory@example.com");

    HttpResponse<String> done = signIn("oidc");

    assertThat(location(done)).isEqualTo("/admin/#/sign-in/not_allowed");
    assertThat(cookies(done)).noneMatch(cookie -> cookie.startsWith("llmproxy_session="));
    JsonNode last = lastAction();
    assertThat(last.path("action").asText()).isEqualTo("session.refused");
    assertThat(last.at("/detail/reason").asText()).contains("mallory@example.com");
  }

  static List<Arguments> badTokens() {
    return List.of(
        bad("another nonce", token -> token.claim("nonce", "other")),
        bad("no nonce", token -> token.without("nonce")),
        bad("another audience", token -> token.claim("aud", "other")),
        bad("another issuer", token -> token.claim("iss", "https://other.example")),
        bad("expired", token -> token.claim("exp", Instant.now().getEpochSecond() - 300)),
        bad("not verified", token -> token.claim("email_verified", BooleanNode.FALSE)),
        bad("nothing about being verified", token -> token.without("email_verified")),
        bad("no address", token -> token.without("email")),
        bad("an address that is none", token -> token.claim("email", "admin")),
        bad("another key", token -> token.header("kid", "other")),
        bad("another algorithm", token -> token.header("alg", "RS512")),
        bad("no algorithm", token -> token.header("alg", "none")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badTokens")
  void invalidTokensAreRefused(String name, UnaryOperator<IdToken> change) {
    provider.changes(change);

    HttpResponse<String> done = signIn("oidc");

    assertThat(location(done)).isEqualTo("/admin/#/sign-in/failed");
    assertThat(cookies(done)).noneMatch(cookie -> cookie.startsWith("llmproxy_session="));
  }

  @Test
  void personWhoDeclinesIsToldSo() {
    provider.refuses(true);

    assertThat(location(signIn("oidc"))).isEqualTo("/admin/#/sign-in/refused");
  }

  @Test
  void answerForAnotherStateOrWithoutTheCookieIsRefused() {
    HttpResponse<String> begun = gateway.get(SIGN_IN + "?method=oidc", null);
    URI answer = URI.create(location(follow(location(begun))));
    String path = answer.getRawPath() + "?" + answer.getRawQuery();
    String cookie = value(cookie(begun, "llmproxy_sign_in"));

    assertThat(location(callback(path, null))).endsWith("/expired");
    assertThat(location(callback(path, "x".repeat(43)))).endsWith("/expired");
    assertThat(location(callback(path.replaceAll("state=.*", "state=x"), cookie)))
        .endsWith("/expired");
    assertThat(location(callback(path, cookie))).as("it was taken").endsWith("/expired");
  }

  @Test
  void answerIsAcceptedOnce() {
    HttpResponse<String> begun = gateway.get(SIGN_IN + "?method=oidc", null);
    URI answer = URI.create(location(follow(location(begun))));
    String path = answer.getRawPath() + "?" + answer.getRawQuery();
    String cookie = value(cookie(begun, "llmproxy_sign_in"));

    assertThat(location(callback(path, cookie))).isEqualTo("/admin/");
    assertThat(location(callback(path, cookie))).endsWith("/expired");
  }

  @Test
  void answerAfterTenMinutesIsRefused() {
    HttpResponse<String> begun = gateway.get(SIGN_IN + "?method=oidc", null);
    URI answer = URI.create(location(follow(location(begun))));
    clock.move(Duration.ofMinutes(10));

    assertThat(
            location(
                callback(
                    answer.getRawPath() + "?" + answer.getRawQuery(),
                    value(cookie(begun, "llmproxy_sign_in")))))
        .endsWith("/expired");
  }

  @Test
  void noParameterChoosesWhereTheBrowserGoes() {
    for (String parameter : List.of("redirect_uri", "return", "next", "Location", "body")) {
      HttpResponse<String> begun =
          gateway.get(SIGN_IN + "?method=oidc&" + parameter + "=https://evil.example/", null);

      assertThat(location(begun))
          .startsWith(provider.issuer() + "/authorize?")
          .doesNotContain("evil");
    }
    assertThat(location(gateway.get(SIGN_IN + "?method=https://evil.example/", null)))
        .isEqualTo("/admin/#/sign-in/unavailable");
  }

  @Test
  void linkSignsInOnce() {
    String token = gateway.application().admin().links().create();

    HttpResponse<String> page = gateway.get(LINK + "?token=" + token, null);
    HttpResponse<String> preview = gateway.get(LINK + "?token=" + token, null);
    HttpResponse<String> first = useLink(token, null);
    HttpResponse<String> second = useLink(token, null);

    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.body()).contains("value=\"" + token + "\"").doesNotContain("<script");
    assertThat(page.headers().firstValue("content-security-policy").orElseThrow())
        .contains("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'")
        .doesNotContain("unsafe");
    assertThat(page.headers().firstValue("referrer-policy")).hasValue("same-origin");
    assertThat(cookies(page)).as("a preview signs nobody in").isEmpty();
    assertThat(preview.statusCode()).isEqualTo(200);
    assertThat(location(first)).isEqualTo("/admin/");
    JsonNode session = session(first);
    assertThat(session.path("role").asText()).isEqualTo("ADMIN");
    assertThat(session.path("email").asText()).isEqualTo(AdminBrowser.ADMIN);
    assertThat(location(second)).isEqualTo("/admin/#/sign-in/link_void");
    assertThat(lastAction().path("action").asText()).isEqualTo("session.refused");
  }

  @Test
  void linkIsVoidAfterAnHour() {
    String token = gateway.application().admin().links().create();
    clock.move(Duration.ofHours(1));

    assertThat(location(useLink(token, null))).endsWith("/link_void");
  }

  @Test
  void linkOpenedThroughAProxyIsRefusedAndStaysValid() {
    String token = gateway.application().admin().links().create();

    for (String header : List.of("X-Forwarded-For", "Forwarded", "X-Real-IP")) {
      assertThat(location(useLink(token, header))).endsWith("/link_elsewhere");
    }
    assertThat(location(useLink(token, null))).isEqualTo("/admin/");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "token=", "token=x", "token=%22%3E%3Cscript%3E"})
  void linkWithoutAValidTokenShowsNoPage(String query) {
    HttpResponse<String> page = gateway.get(LINK + "?" + query, null);

    assertThat(page.statusCode()).isEqualTo(400);
    assertThat(page.body()).doesNotContain("<script>");
  }

  @Test
  void linkIsNotUsedByAnotherOrigin() {
    String token = gateway.application().admin().links().create();

    HttpResponse<String> foreign =
        gateway.send(
            gateway
                .request(LINK, null)
                .header("Origin", "https://evil.example")
                .POST(BodyPublishers.ofString("token=" + token))
                .build());

    assertThat(foreign.statusCode()).isEqualTo(403);
    assertThat(location(useLink(token, null))).isEqualTo("/admin/");
  }

  private static HttpResponse<String> signIn(String method) {
    HttpResponse<String> begun = gateway.get(SIGN_IN + "?method=" + method, null);
    assertThat(location(begun)).startsWith(provider.issuer() + "/authorize?");
    URI answer = URI.create(location(follow(location(begun))));
    return callback(
        answer.getRawPath() + "?" + answer.getRawQuery(), value(cookie(begun, "llmproxy_sign_in")));
  }

  private static HttpResponse<String> follow(String address) {
    return gateway.send(HttpRequest.newBuilder(URI.create(address)).GET().build());
  }

  private static HttpResponse<String> callback(String path, String cookie) {
    HttpRequest.Builder request = gateway.request(path, null).GET();
    return gateway.send(
        (cookie == null ? request : request.header("Cookie", "llmproxy_sign_in=" + cookie))
            .build());
  }

  private static HttpResponse<String> useLink(String token, String proxyHeader) {
    HttpRequest.Builder request =
        gateway
            .request(LINK, null)
            .header("Origin", "http://127.0.0.1:" + gateway.port())
            .POST(BodyPublishers.ofString("token=" + token));
    return gateway.send(
        (proxyHeader == null ? request : request.header(proxyHeader, "127.0.0.1")).build());
  }

  private static JsonNode session(HttpResponse<String> done) {
    return Gateway.json(
        AdminBrowser.withToken(gateway, value(cookie(done, "llmproxy_session"))).get(SESSION));
  }

  private static JsonNode lastAction() {
    return Gateway.json(
            AdminBrowser.signedIn(gateway, AdminBrowser.ADMIN).get("/admin/api/actions"))
        .at("/actions/0");
  }

  private static String location(HttpResponse<String> answer) {
    assertThat(answer.statusCode()).as(answer.body()).isIn(302, 303);
    return answer.headers().firstValue("location").orElseThrow();
  }

  private static List<String> cookies(HttpResponse<String> answer) {
    return answer.headers().allValues("set-cookie");
  }

  private static String cookie(HttpResponse<String> answer, String name) {
    return cookies(answer).stream()
        .filter(cookie -> cookie.startsWith(name + "="))
        .findFirst()
        .orElseThrow();
  }

  private static String value(String cookie) {
    return cookie.substring(cookie.indexOf('=') + 1, cookie.indexOf(';'));
  }

  private static Arguments bad(String name, UnaryOperator<IdToken> change) {
    return Arguments.of(name, change);
  }
}
