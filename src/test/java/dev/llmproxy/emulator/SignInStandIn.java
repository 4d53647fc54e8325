package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.node.ArrayNode;
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
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Emulates Google's sign-in, on loopback.
 *
 * <ul>
 *   <li>{@code GET /certs} is the key set in Google's format, for GOOGLE_KEYS_URL;
 *   <li>{@code GET /token?email=ann@example.com} is a new ID token as text, valid for an hour;
 *       {@code aud} is the client id ({@link #CLIENT_ID} by default), and {@code hd} the
 *       organisation's domain (none by default). Pages of any origin may fetch it.
 * </ul>
 */
public final class SignInStandIn implements AutoCloseable {
  /** The value of GOOGLE_CLIENT_ID in tests. */
  public static final String CLIENT_ID = "llmproxy-test.apps.googleusercontent.com";

  private final HttpServer server;
  private final List<Key> keys = new CopyOnWriteArrayList<>();
  private final AtomicInteger keysServed = new AtomicInteger();
  private volatile boolean failing;

  private record Key(String id, KeyPair pair) {}

  private SignInStandIn(int port) throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/certs", this::certs);
    server.createContext("/token", this::token);
    rotate();
    server.start();
  }

  public static SignInStandIn start() {
    return start(0);
  }

  /** Starts on a port; 0 for any free one. */
  public static SignInStandIn start(int port) {
    try {
      return new SignInStandIn(port);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * {@code SignInStandIn [--port N]} prints the settings for a server that uses this key set, and
   * runs until the process ends.
   */
  public static void main(String[] arguments) throws InterruptedException {
    List<String> words = List.of(arguments);
    int port = words.indexOf("--port");
    try (SignInStandIn google = start(port < 0 ? 0 : Integer.parseInt(words.get(port + 1)))) {
      google
          .settings()
          .forEach((name, value) -> System.out.println("export " + name + "=" + value));
      System.out.flush();
      new CountDownLatch(1).await();
    }
  }

  /** The settings for a server that uses this key set. */
  public Map<String, String> settings() {
    return Map.of(
        "GOOGLE_CLIENT_ID",
        CLIENT_ID,
        "GOOGLE_KEYS_URL",
        "http://127.0.0.1:" + server.getAddress().getPort() + "/certs");
  }

  /** Signs with a new key from now on; the old keys stay in the set. */
  public void rotate() {
    keys.add(new Key("key-" + (keys.size() + 1), newKeyPair()));
  }

  /** Sets whether requests for the key set fail (503). */
  public void fail(boolean failing) {
    this.failing = failing;
  }

  /** The number of requests for the key set. */
  public int keysAsked() {
    return keysServed.get();
  }

  /** The current key pair. */
  public KeyPair keyPair() {
    return keys.getLast().pair();
  }

  /** A valid token for {@link #CLIENT_ID}, of a personal account. */
  public String token(String email) {
    return sign(idToken(email));
  }

  /** Signs a token in Google's way. */
  public String sign(IdToken token) {
    return token.signed(keyPair().getPrivate());
  }

  /** A builder with the claims of a valid token, which has the same fields as Google's tokens. */
  public IdToken idToken(String email) {
    Instant now = Instant.now();
    ObjectNode header =
        Json.object().put("alg", "RS256").put("kid", keys.getLast().id()).put("typ", "JWT");
    ObjectNode claims =
        Json.object()
            .put("iss", "https://accounts.google.com")
            .put("azp", CLIENT_ID)
            .put("aud", CLIENT_ID)
            .put("sub", "1" + Math.abs((long) email.hashCode()))
            .put("email", email)
            .put("email_verified", true)
            .put("nbf", now.minusSeconds(5).getEpochSecond())
            .put("name", "Test")
            .put("iat", now.getEpochSecond())
            .put("exp", now.plus(Duration.ofHours(1)).getEpochSecond());
    return new IdToken(header, claims);
  }

  /** A key pair that is not in the key set. */
  public static KeyPair newKeyPair() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private void certs(HttpExchange exchange) throws IOException {
    keysServed.incrementAndGet();
    ObjectNode set = Json.object();
    ArrayNode list = set.putArray("keys");
    for (Key key : keys) {
      RSAPublicKey rsa = (RSAPublicKey) key.pair().getPublic();
      list.addObject()
          .put("kty", "RSA")
          .put("alg", "RS256")
          .put("use", "sig")
          .put("kid", key.id())
          .put("n", number(rsa.getModulus()))
          .put("e", number(rsa.getPublicExponent()));
    }
    exchange.getResponseHeaders().set("Cache-Control", "public, max-age=21600, must-revalidate");
    answer(exchange, failing ? 503 : 200, "application/json; charset=UTF-8", Json.text(set));
  }

  private void token(HttpExchange exchange) throws IOException {
    Map<String, String> query = query(exchange);
    exchange.getResponseHeaders().set("Access-Control-Allow-Origin", "*");
    if (!query.containsKey("email")) {
      answer(exchange, 400, "text/plain", "The email is missing: /token?email=ann@example.com");
      return;
    }
    IdToken token = idToken(query.get("email"));
    if (query.containsKey("aud")) {
      token.claim("aud", query.get("aud")).claim("azp", query.get("aud"));
    }
    if (query.containsKey("hd")) {
      token.claim("hd", query.get("hd"));
    }
    answer(exchange, 200, "text/plain", sign(token));
  }

  private static Map<String, String> query(HttpExchange exchange) {
    String query = exchange.getRequestURI().getRawQuery();
    return Stream.of(query == null ? new String[0] : query.split("&", -1))
        .map(pair -> pair.split("=", 2))
        .filter(pair -> pair.length == 2 && !pair[1].isEmpty())
        .collect(
            Collectors.toMap(
                pair -> pair[0],
                pair -> URLDecoder.decode(pair[1], StandardCharsets.UTF_8),
                (first, second) -> first));
  }

  /** Big-endian without a sign. */
  private static String number(BigInteger number) {
    byte[] bytes = number.toByteArray();
    return IdToken.base64(
        bytes[0] == 0 ? java.util.Arrays.copyOfRange(bytes, 1, bytes.length) : bytes);
  }

  private static void answer(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }
}
