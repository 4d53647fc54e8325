package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.llmproxy.base.Json;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/**
 * Emulates Google's servers for a service account, on loopback: a token server that checks the
 * signed assertion, and {@code https://sheets.googleapis.com}, which requires the token. The
 * product needs no special settings: Java's own settings for a forward proxy and a trust store lead
 * its calls here. Errors have Google's wording.
 */
public final class GoogleStandIn implements AutoCloseable {
  /** The account of the key file. */
  public static final String EMAIL = "llmproxy@my-project.iam.gserviceaccount.com";

  private static final String HOST = "sheets.googleapis.com";
  // Google's client sends this audience for every token server.
  private static final String AUDIENCE = "https://oauth2.googleapis.com/token";
  private static final String PASSWORD = "changeit";
  private static final Duration SKEW = Duration.ofMinutes(5);

  private final Path folder;
  private final EmbeddedWorkbook workbook;
  private final KeyPair key;
  private final LoopbackServer proxy;
  private final HttpsServer sheets;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Map<String, Instant> tokens = new ConcurrentHashMap<>();
  private final AtomicInteger tokensGiven = new AtomicInteger();
  private final List<String> calls = new CopyOnWriteArrayList<>();
  private final ProxySelector proxiesBefore = ProxySelector.getDefault();
  private final SSLSocketFactory trustBefore = HttpsURLConnection.getDefaultSSLSocketFactory();
  private HttpServer tokenServer;
  private int tokenPort;
  private volatile Duration tokenLife = Duration.ofHours(1);
  private volatile Duration ahead = Duration.ZERO;
  private volatile Answer tokenRefusal;
  private volatile Answer refusal;

  /** A status and a JSON body. */
  private record Answer(int status, String json) {}

  private GoogleStandIn(Path folder) throws IOException, GeneralSecurityException {
    this.folder = Files.createDirectories(folder);
    workbook = EmbeddedWorkbook.open(folder.resolve("google"), 0);
    key = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    startTokenServer();
    SSLContext context = certificate();
    sheets = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    sheets.setHttpsConfigurator(new HttpsConfigurator(context));
    sheets.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    sheets.createContext("/", this::sheets);
    sheets.start();
    proxy = LoopbackServer.start(this::tunnel);
    Files.writeString(keyFile(), Json.pretty(keyJson()));
    HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
    ProxySelector.setDefault(new OnlyGoogle());
  }

  /**
   * Starts the servers, and redirects this process's calls to Google here until {@link #close}.
   *
   * @param folder the folder for the key file, the certificate and the spreadsheets
   */
  public static GoogleStandIn start(Path folder) {
    try {
      return new GoogleStandIn(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Runs until the process ends, for use with a started {@code ./llmproxy}: {@code GoogleStandIn
   * FOLDER}.
   */
  public static void main(String[] arguments) throws Exception {
    GoogleStandIn google = start(Path.of(arguments[0]).toAbsolutePath());
    Runtime.getRuntime().addShutdownHook(new Thread(google::close));
    System.out.println("export GOOGLE_SHEETS_SPREADSHEET_ID=" + google.spreadsheetId());
    System.out.println("export GOOGLE_APPLICATION_CREDENTIALS=" + google.keyFile());
    System.out.println("export JAVA_OPTS='" + google.javaOptions() + "'");
    new CountDownLatch(1).await();
  }

  /** The service account's key file. */
  public Path keyFile() {
    return folder.resolve("service-account.json");
  }

  /** The contents of a key file. */
  public ObjectNode keyJson() {
    String pem =
        "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n"
            .formatted(Base64.getMimeEncoder().encodeToString(key.getPrivate().getEncoded()));
    return Json.object()
        .put("type", "service_account")
        .put("project_id", "my-project")
        .put("private_key_id", "0123456789abcdef")
        .put("private_key", pem)
        .put("client_email", EMAIL)
        .put("client_id", "1")
        .put("token_uri", tokenUri());
  }

  /** The id of the first spreadsheet, which is shared with the account. */
  public String spreadsheetId() {
    return EmbeddedWorkbook.SPREADSHEET_ID;
  }

  /** Creates a spreadsheet that is shared with the account, and returns its id. */
  public String newSpreadsheet() {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(workbook.rootUrl() + "v4/spreadsheets"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString("{\"properties\":{\"title\":\"Keys\"}}"))
            .build();
    try {
      String answer = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
      return Json.parse(answer).path("spreadsheetId").asText();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Resets all faults: nothing is rejected, the clock is right, tokens are valid for an hour. */
  public void heal() {
    refusal = null;
    tokenRefusal = null;
    ahead = Duration.ZERO;
    tokenLife = Duration.ofHours(1);
    tokensGiven.set(0);
    calls.clear();
  }

  /** The settings for a server that uses these servers. */
  public Map<String, String> settings() {
    return Map.of(
        "GOOGLE_SHEETS_SPREADSHEET_ID",
        spreadsheetId(),
        "GOOGLE_APPLICATION_CREDENTIALS",
        keyFile().toString());
  }

  /** The JVM options that redirect another process's calls to Google here. */
  public String javaOptions() {
    return "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=%d -Djavax.net.ssl.trustStore=%s -Djavax.net.ssl.trustStorePassword=%s"
        .formatted(proxy.port(), folder.resolve("google.p12"), PASSWORD);
  }

  /** The number of issued tokens. */
  public int tokensGiven() {
    return tokensGiven.get();
  }

  /** The answered calls of the Sheets API, such as {@code GET /v4/…}. */
  public List<String> calls() {
    return List.copyOf(calls);
  }

  /** Sets the lifetime of new tokens. */
  public void setTokenLife(Duration life) {
    tokenLife = life;
  }

  /** Revokes all tokens issued so far. */
  public void revokeTokens() {
    tokens.clear();
  }

  /** Sets the clock ahead of the machine's clock. */
  public void setAhead(Duration ahead) {
    this.ahead = ahead;
  }

  /** Rejects all requests for tokens with this error. */
  public void refuseTokens(int status, String error, String description) {
    tokenRefusal =
        error == null
            ? null
            : new Answer(
                status,
                Json.text(Json.object().put("error", error).put("error_description", description)));
  }

  /** Rejects all calls with this error. */
  public void refuse(int status, String json) {
    refusal = new Answer(status, json);
  }

  /** Stops the token server. */
  public void stopTokenServer() {
    tokenServer.stop(0);
  }

  /** Starts the token server again, on the same port. */
  public void startTokenServer() throws IOException {
    tokenServer =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), tokenPort), 0);
    tokenPort = tokenServer.getAddress().getPort();
    tokenServer.createContext("/token", this::token);
    tokenServer.start();
  }

  @Override
  public void close() {
    ProxySelector.setDefault(proxiesBefore);
    HttpsURLConnection.setDefaultSSLSocketFactory(trustBefore);
    tokenServer.stop(0);
    sheets.stop(0);
    workbook.close();
    proxy.close();
  }

  private String tokenUri() {
    return "http://127.0.0.1:" + tokenPort + "/token";
  }

  private void token(HttpExchange exchange) throws IOException {
    Map<String, String> form =
        form(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
    String problem = problem(form);
    if (tokenRefusal != null) {
      answer(exchange, tokenRefusal.status(), tokenRefusal.json());
    } else if (problem != null) {
      answer(
          exchange,
          400,
          Json.text(Json.object().put("error", "invalid_grant").put("error_description", problem)));
    } else {
      String token = "ya29.token-" + tokensGiven.incrementAndGet();
      tokens.put(token, Instant.now().plus(tokenLife));
      answer(
          exchange,
          200,
          Json.text(
              Json.object()
                  .put("access_token", token)
                  .put("expires_in", tokenLife.toSeconds())
                  .put("token_type", "Bearer")));
    }
  }

  /** The error in the assertion in Google's wording, or null. */
  private String problem(Map<String, String> form) throws IOException {
    if (!"urn:ietf:params:oauth:grant-type:jwt-bearer".equals(form.get("grant_type"))) {
      return "Bad Request";
    }
    String[] parts = form.getOrDefault("assertion", "").split("\\.", -1);
    if (parts.length != 3 || !signed(parts)) {
      return "Invalid JWT Signature.";
    }
    JsonNode claims = Json.parse(Base64.getUrlDecoder().decode(parts[1]));
    if (!claims.path("iss").asText().equals(EMAIL)) {
      return "Invalid grant: account not found";
    }
    if (!claims.path("aud").asText().equals(AUDIENCE)) {
      return "Invalid JWT: Failed audience check.";
    }
    if (!List.of(claims.path("scope").asText().split(" "))
        .contains("https://www.googleapis.com/auth/spreadsheets")) {
      return "Invalid OAuth scope or ID token audience provided.";
    }
    Instant now = Instant.now().plus(ahead);
    Instant issued = Instant.ofEpochSecond(claims.path("iat").asLong());
    Instant expires = Instant.ofEpochSecond(claims.path("exp").asLong());
    boolean reasonable =
        !issued.isAfter(now.plus(SKEW))
            && !expires.isBefore(now.minus(SKEW))
            && !expires.isAfter(issued.plus(Duration.ofHours(1)));
    return reasonable
        ? null
        : "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.";
  }

  private boolean signed(String[] parts) {
    try {
      Signature signature = Signature.getInstance("SHA256withRSA");
      signature.initVerify(key.getPublic());
      signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
      return signature.verify(Base64.getUrlDecoder().decode(parts[2]));
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private void sheets(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    String authorization = exchange.getRequestHeaders().getFirst("Authorization");
    Instant until =
        authorization == null ? null : tokens.get(authorization.replaceFirst("^Bearer ", ""));
    if (until == null || until.isBefore(Instant.now())) {
      exchange
          .getResponseHeaders()
          .set(
              "WWW-Authenticate",
              "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"");
      answer(
          exchange,
          401,
          error(
              401,
              "UNAUTHENTICATED",
              "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."));
      return;
    }
    calls.add(exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath());
    if (refusal != null) {
      answer(exchange, refusal.status(), refusal.json());
      return;
    }
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(workbook.rootUrl()).resolve(exchange.getRequestURI()))
            .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
    for (String name : List.of("Content-Type", "Content-Encoding", "X-HTTP-Method-Override")) {
      String value = exchange.getRequestHeaders().getFirst(name);
      if (value != null) {
        request.header(name, value);
      }
    }
    try {
      HttpResponse<String> answer =
          client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      answer(exchange, answer.statusCode(), answer.body());
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static String error(int code, String status, String message) {
    var error = Json.object();
    error.putObject("error").put("code", code).put("message", message).put("status", status);
    return Json.text(error);
  }

  private static void answer(HttpExchange exchange, int status, String json) throws IOException {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json; charset=UTF-8");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private static Map<String, String> form(String text) {
    Map<String, String> form = new HashMap<>();
    for (String pair : text.split("&", -1)) {
      int equals = pair.indexOf('=');
      if (equals > 0) {
        form.put(
            pair.substring(0, equals),
            URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
      }
    }
    return form;
  }

  private void tunnel(Socket client) throws IOException {
    String request = head(client.getInputStream());
    OutputStream out = client.getOutputStream();
    if (!request.startsWith("CONNECT " + HOST + ":443 ")) {
      out.write(
          "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
              .getBytes(StandardCharsets.US_ASCII));
      return;
    }
    try (Socket server =
        new Socket(InetAddress.getLoopbackAddress(), sheets.getAddress().getPort())) {
      out.write("HTTP/1.1 200 Connection established\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      Thread back = Thread.ofVirtual().start(() -> copy(server, client));
      copy(client, server);
      back.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void copy(Socket from, Socket to) {
    try {
      from.getInputStream().transferTo(to.getOutputStream());
      to.shutdownOutput();
    } catch (IOException e) {
      // The peer has gone.
    }
  }

  private static String head(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("The connection ended within the request's head");
      }
      head.append((char) next);
    }
    return head.toString();
  }

  /** Creates the certificate with keytool, because the JDK has no public API for it. */
  private SSLContext certificate() throws IOException, GeneralSecurityException {
    Path store = folder.resolve("google.p12");
    List<String> command =
        new ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
    command.addAll(List.of("-genkeypair", "-alias", "google", "-keyalg", "EC", "-validity", "30"));
    command.addAll(List.of("-dname", "CN=" + HOST, "-ext", "san=dns:" + HOST));
    command.addAll(List.of("-storepass", PASSWORD, "-keystore", store.toString()));
    Files.deleteIfExists(store);
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("keytool.log").toFile())
            .start();
    try {
      if (process.waitFor() != 0) {
        throw new IOException(Files.readString(folder.resolve("keytool.log")));
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
    // A trust store needs a certificate entry, not a key entry.
    KeyStore keys = KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
    KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    own.init(keys, PASSWORD.toCharArray());
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("google", keys.getCertificate("google"));
    try (OutputStream out = Files.newOutputStream(store)) {
      trusted.store(out, PASSWORD.toCharArray());
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private final class OnlyGoogle extends ProxySelector {
    @Override
    public List<Proxy> select(URI uri) {
      return HOST.equals(uri.getHost())
          ? List.of(
              new Proxy(
                  Proxy.Type.HTTP,
                  new InetSocketAddress(InetAddress.getLoopbackAddress(), proxy.port())))
          : proxiesBefore.select(uri);
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {
      proxiesBefore.connectFailed(uri, address, failure);
    }
  }
}
