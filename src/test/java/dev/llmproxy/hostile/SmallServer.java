package dev.llmproxy.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.StartedProduct;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.workbook.Workbook;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.awaitility.Awaitility;

/**
 * The built product, started by its launcher with 512 MB as in a small container. It has a scripted
 * provider named {@code openai} and one key.
 */
public final class SmallServer implements AutoCloseable {
  private static final Duration LONGEST = Duration.ofSeconds(60);

  private final ScriptedProvider provider = ScriptedProvider.start();
  private final Path data;
  private final StartedProduct process;
  private final int port;
  private final String key;
  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(20))
          .build();

  private SmallServer(Path folder, Map<String, String> settings, int openFiles) throws IOException {
    data = folder.resolve("data");
    Map<String, String> environment = new HashMap<>();
    environment.put("JAVA_OPTS", "-Xmx512m");
    environment.put("OPENAI_BASE_URL", provider.baseUrl());
    environment.put("OPENAI_API_KEY", "provider-secret");
    environment.put("KEYS_REFRESH_SECONDS", "1");
    environment.put("USAGE_FLUSH_SECONDS", "1");
    environment.put("RATE_LIMIT_FREE", "1000000");
    environment.put("PROVIDER_RETRIES", "0");
    environment.put("BREAKER_FAILURE_PERCENT", "unlimited");
    environment.put("LIVE_MODELS", "off");
    environment.put("AUTH_FAILURES_PER_MINUTE", "1000000");
    environment.putAll(settings);
    try {
      process = StartedProduct.launch(folder, environment, openFiles);
    } catch (IOException | RuntimeException e) {
      provider.close();
      throw e;
    }
    try {
      port = process.port();
      key = createKey("hostile@example.com");
    } catch (IOException | RuntimeException e) {
      process.destroy();
      provider.close();
      throw e;
    }
  }

  /** Starts in an empty folder. */
  public static SmallServer start(Path folder) throws IOException, InterruptedException {
    return start(folder, Map.of());
  }

  /**
   * Like {@link #start(Path)} with settings.
   *
   * @param settings environment variables that override those of tests
   */
  public static SmallServer start(Path folder, Map<String, String> settings)
      throws IOException, InterruptedException {
    return new SmallServer(folder, settings, 0);
  }

  /** Like {@link #start(Path, Map)} with a limit of open files and connections. */
  public static SmallServer start(Path folder, Map<String, String> settings, int openFiles)
      throws IOException, InterruptedException {
    return new SmallServer(folder, settings, openFiles);
  }

  public ScriptedProvider provider() {
    return provider;
  }

  public int port() {
    return port;
  }

  /** A valid key. */
  public String key() {
    return key;
  }

  /** The server's output so far. */
  public String printed() {
    return process.output() + process.log();
  }

  /** The port of the server's embedded workbook. */
  public URI workbook() throws IOException {
    return URI.create(Files.readString(data.resolve("workbook.url")).strip());
  }

  /** Creates a key as the command line does, and waits until the server accepts it. */
  public String createKey(String email) throws IOException {
    String made = ApiKey.generate(new SecureRandom());
    Workbook workbook =
        Workbook.open(Settings.load(Path.of(""), Map.of("SHEETS_ROOT_URL", workbook().toString())));
    new ApiKeyBook(workbook).add(made, email, "Test", "free", "2026-01-01T00:00:00Z");
    Awaitility.await()
        .atMost(LONGEST)
        .until(() -> send(request("/v1/models", made, r -> {})).statusCode() == 200);
    return made;
  }

  /** Builds a request to the server; {@code with} completes it. */
  public HttpRequest request(String path, String bearer, Consumer<HttpRequest.Builder> with) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).timeout(LONGEST);
    if (bearer != null) {
      request.header("Authorization", "Bearer " + bearer);
    }
    with.accept(request);
    return request.build();
  }

  /** Sends a request and waits for the whole answer. */
  public HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  /** Posts a chat request. */
  public HttpResponse<String> post(String bearer, String body)
      throws IOException, InterruptedException {
    return send(
        request(
            "/v1/chat/completions",
            bearer,
            request -> request.POST(HttpRequest.BodyPublishers.ofString(body))));
  }

  /** Fails unless ordinary requests, with and without streaming, are answered and recorded. */
  public void assertServes() throws IOException, InterruptedException {
    process.requireAlive();
    assertAnswered(false);
    assertAnswered(true);
    process.requireAlive();
  }

  @Override
  public void close() {
    try {
      process.close();
    } finally {
      provider.close();
    }
  }

  private void assertAnswered(boolean stream) throws IOException, InterruptedException {
    var body = Json.object().put("model", "openai/scripted").put("stream", stream);
    body.putArray("messages").addObject().put("role", "user").put("content", "still there?");
    HttpResponse<String> answer = post(key, Json.text(body));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.body()).contains(stream ? "[DONE]" : "You said: still there?");
    String id = answer.headers().firstValue("x-request-id").orElseThrow();
    Awaitility.await()
        .atMost(LONGEST)
        .untilAsserted(() -> assertThat(recorded(id)).contains("SUCCESS"));
  }

  /** Waits until a request is settled and returns its status in the ledger. */
  public Optional<String> recorded(String requestId) throws SQLException {
    String url = "jdbc:sqlite:" + data.resolve("ledger.db") + "?open_mode=1&busy_timeout=10000";
    try (Connection connection = DriverManager.getConnection(url);
        PreparedStatement select =
            connection.prepareStatement(
                "select status from request where request_id = ? and sequence is not null")) {
      select.setString(1, requestId);
      try (ResultSet row = select.executeQuery()) {
        return row.next() ? Optional.ofNullable(row.getString(1)) : Optional.empty();
      }
    }
  }
}
