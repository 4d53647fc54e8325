package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;

/**
 * Emulates an OpenID provider, on loopback: discovery, keys, and the authorization code flow with
 * PKCE. Its page signs in without a question whom the test has named.
 */
public final class OpenIdStandIn implements AutoCloseable {
  private static final String CLIENT_ID = "llmproxy-pages";
  private static final String CLIENT_SECRET = "secret of the pages";

  private final HttpServer server;
  private final KeyPair keys = SignInStandIn.newKeyPair();
  private final Map<String, Map<String, String>> codes = new ConcurrentHashMap<>();
  private volatile String email = "ann@example.com";
  private volatile UnaryOperator<IdToken> change = token -> token;
  private volatile boolean refusing;

  private OpenIdStandIn(int port) throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/.well-known/openid-configuration", this::discovery);
    server.createContext("/certs", this::certs);
    server.createContext("/authorize", this::authorize);
    server.createContext("/token", this::token);
    server.start();
  }

  public static OpenIdStandIn start() {
    return start(0);
  }

  /** Starts on a port; 0 for any free one. */
  public static OpenIdStandIn start(int port) {
    try {
      return new OpenIdStandIn(port);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * {@code OpenIdStandIn [EMAIL]} prints the settings for a server that uses this provider, and
   * runs until the process ends.
   */
  public static void main(String[] arguments) throws InterruptedException {
    try (OpenIdStandIn provider = start()) {
      if (arguments.length > 0) {
        provider.signsIn(arguments[0]);
      }
      provider
          .settings()
          .forEach((name, value) -> System.out.println("export " + name + "=" + value));
      System.out.flush();
      new CountDownLatch(1).await();
    }
  }

  public String issuer() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** The settings for a server at which people sign in by this provider. */
  public Map<String, String> settings() {
    return Map.of(
        "OIDC_ISSUER",
        issuer(),
        "OIDC_CLIENT_ID",
        CLIENT_ID,
        "OIDC_CLIENT_SECRET",
        CLIENT_SECRET,
        "OIDC_NAME",
        "Stand-in");
  }

  /** The settings for a server that takes this provider for Google. */
  public Map<String, String> settingsOfGoogle() {
    return Map.of(
        "GOOGLE_ISSUER", issuer(),
        "GOOGLE_CLIENT_ID", CLIENT_ID,
        "GOOGLE_CLIENT_SECRET", CLIENT_SECRET);
  }

  /** Names the person who signs in from now on. */
  public void signsIn(String address) {
    email = address;
  }

  /** Changes the ID tokens from now on. */
  public void changes(UnaryOperator<IdToken> next) {
    change = next;
  }

  /** Sets whether the page refuses everybody. */
  public void refuses(boolean next) {
    refusing = next;
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private void discovery(HttpExchange exchange) throws IOException {
    ObjectNode document =
        Json.object()
            .put("issuer", issuer())
            .put("authorization_endpoint", issuer() + "/authorize")
            .put("token_endpoint", issuer() + "/token")
            .put("jwks_uri", issuer() + "/certs");
    document.putArray("response_types_supported").add("code");
    document.putArray("subject_types_supported").add("public");
    document.putArray("id_token_signing_alg_values_supported").add("RS256").add("HS256");
    answer(exchange, 200, document);
  }

  private void certs(HttpExchange exchange) throws IOException {
    RSAPublicKey rsa = (RSAPublicKey) keys.getPublic();
    ObjectNode set = Json.object();
    set.putArray("keys")
        .addObject()
        .put("kty", "RSA")
        .put("alg", "RS256")
        .put("use", "sig")
        .put("kid", "key")
        .put("n", number(rsa.getModulus()))
        .put("e", number(rsa.getPublicExponent()));
    answer(exchange, 200, set);
  }

  private void authorize(HttpExchange exchange) throws IOException {
    Map<String, String> query = form(exchange.getRequestURI().getRawQuery());
    boolean asked =
        CLIENT_ID.equals(query.get("client_id"))
            && "code".equals(query.get("response_type"))
            && "S256".equals(query.get("code_challenge_method"))
            && query.getOrDefault("scope", "").contains("openid")
            && query.containsKey("nonce")
            && query.containsKey("state");
    if (!asked) {
      answer(exchange, 400, Json.object().put("error", "invalid_request"));
      return;
    }
    String code = UUID.randomUUID().toString();
    codes.put(code, query);
    String result = refusing ? "error=access_denied" : "code=" + code;
    exchange
        .getResponseHeaders()
        .set(
            "Location",
            query.get("redirect_uri")
                + "?"
                + result
                + "&state="
                + URLEncoder.encode(query.get("state"), StandardCharsets.UTF_8));
    exchange.sendResponseHeaders(302, -1);
    exchange.close();
  }

  private void token(HttpExchange exchange) throws IOException {
    Map<String, String> form =
        form(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
    String authorization = exchange.getRequestHeaders().getFirst("Authorization");
    String expected =
        "Basic "
            + Base64.getEncoder()
                .encodeToString(
                    (CLIENT_ID + ":" + URLEncoder.encode(CLIENT_SECRET, StandardCharsets.UTF_8))
                        .getBytes(StandardCharsets.UTF_8));
    if (!expected.equals(authorization)) {
      answer(exchange, 401, Json.object().put("error", "invalid_client"));
      return;
    }
    Map<String, String> asked = codes.remove(form.getOrDefault("code", ""));
    boolean granted =
        asked != null
            && "authorization_code".equals(form.get("grant_type"))
            && asked.get("redirect_uri").equals(form.get("redirect_uri"))
            && asked
                .get("code_challenge")
                .equals(challenge(form.getOrDefault("code_verifier", "")));
    if (!granted) {
      answer(exchange, 400, Json.object().put("error", "invalid_grant"));
      return;
    }
    answer(
        exchange,
        200,
        Json.object()
            .put("access_token", "unused")
            .put("token_type", "Bearer")
            .put("id_token", change.apply(idToken(asked.get("nonce"))).signed(keys.getPrivate())));
  }

  private IdToken idToken(String nonce) {
    Instant now = Instant.now();
    return new IdToken(
        Json.object().put("alg", "RS256").put("kid", "key").put("typ", "JWT"),
        Json.object()
            .put("iss", issuer())
            .put("aud", CLIENT_ID)
            .put("sub", "person")
            .put("email", email)
            .put("email_verified", true)
            .put("nonce", nonce)
            .put("iat", now.getEpochSecond())
            .put("exp", now.plus(Duration.ofMinutes(10)).getEpochSecond()));
  }

  private static String challenge(String verifier) {
    try {
      return IdToken.base64(
          MessageDigest.getInstance("SHA-256")
              .digest(verifier.getBytes(StandardCharsets.US_ASCII)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String number(BigInteger number) {
    byte[] bytes = number.toByteArray();
    return IdToken.base64(bytes[0] == 0 ? Arrays.copyOfRange(bytes, 1, bytes.length) : bytes);
  }

  private static Map<String, String> form(String text) {
    Map<String, String> form = new HashMap<>();
    for (String pair : text.split("&", -1)) {
      String[] sides = pair.split("=", 2);
      form.put(sides[0], URLDecoder.decode(sides[sides.length - 1], StandardCharsets.UTF_8));
    }
    return form;
  }

  private static void answer(HttpExchange exchange, int status, ObjectNode json)
      throws IOException {
    byte[] body = Json.bytes(json);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }
}
