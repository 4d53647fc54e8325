package dev.llmproxy;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.ValueRange;
import dev.llmproxy.app.Application;
import dev.llmproxy.app.Server;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.SteadyClock;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.ledger.UsageRecord;
import dev.llmproxy.workbook.TierSheet;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.awaitility.Awaitility;

/**
 * The real gateway on a free port with its own embedded workbook and a scripted provider named
 * {@code openai}.
 */
public final class Gateway implements AutoCloseable {
  private final ScriptedProvider provider = ScriptedProvider.start();
  private final Settings settings;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Clock clock;
  private final Clock steady;
  private Application application;
  private Server server;

  private Gateway(Path home, Path data, Map<String, String> settings, Clock clock, Clock steady) {
    this.clock = clock;
    this.steady = steady;
    Map<String, String> environment = new HashMap<>();
    environment.put("PORT", "0");
    environment.put("HOST", "127.0.0.1");
    environment.put("LLMPROXY_DATA", data.toString());
    environment.put("OPENAI_BASE_URL", provider.baseUrl());
    environment.put("OPENAI_API_KEY", "provider-secret");
    environment.put("LOCAL_MODEL", "off");
    environment.put("KEYS_REFRESH_SECONDS", "1");
    environment.put("USAGE_FLUSH_SECONDS", "1");
    environment.put("CONVERSATION_FLUSH_SECONDS", "1");
    environment.put("SHEETS_ROUNDS_PER_MINUTE", "60000");
    environment.put("RATE_LIMIT_FREE", "1000000");
    // Most tests of failures are about a single attempt.
    environment.put("PROVIDER_RETRIES", "0");
    environment.put("BREAKER_FAILURE_PERCENT", "unlimited");
    environment.put("LIVE_MODELS", "off");
    environment.put("AUTH_FAILURES_PER_MINUTE", "1000000");
    environment.putAll(settings);
    this.settings = Settings.load(home, environment);
  }

  /** Starts with a data folder and uses the data in it. */
  public static Gateway start(Path data) {
    return start(data, Map.of());
  }

  /** Like {@link #start(Path)} with settings that override those of tests. */
  public static Gateway start(Path data, Map<String, String> settings) {
    return start(data, settings, Clock.systemUTC(), new SteadyClock());
  }

  /** Like {@link #start(Path, Map)} with a clock for times and waits. */
  public static Gateway start(Path data, Map<String, String> settings, Clock clock) {
    return start(data, settings, clock, clock);
  }

  /** Like {@link #start(Path, Map, Clock)} with a second clock for waits and durations. */
  public static Gateway start(Path data, Map<String, String> settings, Clock clock, Clock steady) {
    return start(Path.of(""), data, settings, clock, steady);
  }

  /**
   * Like {@link #start(Path, Map)} with additional routes.
   *
   * @param folder for data and a copy of the product's folder
   * @param route YAML of one or more routes
   */
  public static Gateway startWith(String route, Path folder, Map<String, String> settings)
      throws IOException {
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(home.resolve("routes/test.camel.yaml"), route);
    return startAt(home, folder.resolve("data"), settings);
  }

  /** Like {@link #start(Path, Map)} with another home, e.g. an {@link OwnHome}. */
  public static Gateway startAt(Path home, Path data, Map<String, String> settings) {
    return start(home, data, settings, Clock.systemUTC(), new SteadyClock());
  }

  private static Gateway start(
      Path home, Path data, Map<String, String> settings, Clock clock, Clock steady) {
    Gateway gateway = new Gateway(home, data, settings, clock, steady);
    gateway.start();
    return gateway;
  }

  /**
   * Like {@link #start(Path, Map)} without waiting for keys, e.g. while the workbook cannot be
   * read.
   */
  public static Gateway startUnread(Path data, Map<String, String> settings) {
    return startUnread(data, settings, Clock.systemUTC());
  }

  /** Like {@link #startUnread(Path, Map)} with a clock. */
  public static Gateway startUnread(Path data, Map<String, String> settings, Clock clock) {
    Gateway gateway = new Gateway(Path.of(""), data, settings, clock, clock);
    gateway.open();
    return gateway;
  }

  /** Starts again after {@link #stop}, on the same data. */
  public void start() {
    open();
    Awaitility.await().until(application.keyDirectory()::loaded);
  }

  private void open() {
    application = Application.open(settings, clock, steady);
    server = Server.start(application);
  }

  /** Ends all running requests with an error. */
  public void cut(ApiError why) {
    server.cut(why);
  }

  public void stop() {
    server.close();
  }

  @Override
  public void close() {
    stop();
    provider.close();
  }

  public ScriptedProvider provider() {
    return provider;
  }

  public Application application() {
    return application;
  }

  public Settings settings() {
    return settings;
  }

  public int port() {
    return server.port();
  }

  /** The port of MANAGEMENT_PORT. */
  public int managementPort() {
    return server.managementPort().orElseThrow();
  }

  /** Gets a path of the management port. */
  public HttpResponse<String> getManagement(String path) {
    return send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + managementPort() + path))
            .timeout(Duration.ofSeconds(60))
            .build());
  }

  /** Creates a key as the command line does, and waits until the gateway accepts it. */
  public String createKey(String email) {
    return createKey(email, "free");
  }

  /** Like {@link #createKey(String)} with a tier. */
  public String createKey(String email, String tier) {
    String key = ApiKey.generate(new SecureRandom());
    new ApiKeyBook(application.workbook()).add(key, email, "Test", tier, "2026-01-01T00:00:00Z");
    awaitKnown(key, true);
    return key;
  }

  /**
   * Writes tiers into the sheet {@code Tiers}, below its first row, and waits until they are read.
   *
   * @param rows cells under the headers of {@link TierSheet#HEADERS}
   */
  public void setTiers(List<?>... rows) {
    List<List<Object>> cells = new ArrayList<>();
    for (List<?> row : rows) {
      cells.add(List.copyOf(row));
    }
    try {
      Awaitility.await().until(() -> !sheet(TierSheet.TITLE).isEmpty());
      application
          .workbook()
          .client()
          .spreadsheets()
          .values()
          .update(
              application.workbook().spreadsheetId(),
              "'" + TierSheet.TITLE + "'!A3",
              new ValueRange().setValues(cells))
          .setValueInputOption("RAW")
          .execute();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    List<String> names = cells.stream().map(row -> (String) row.getFirst()).toList();
    long reading = application.keyDirectory().nextReading();
    Awaitility.await()
        .until(() ->
            names.stream().allMatch(application.tiers()::has)
                && application.tiers().lastReading() > reading);
  }

  /** Waits until the gateway accepts, or no longer accepts, a key. */
  public void awaitKnown(String key, boolean known) {
    Awaitility.await()
        .until(() ->
            application
                    .keyDirectory()
                    .find(ApiKey.hash(key))
                    .filter(record -> !record.revoked())
                    .isPresent()
                == known);
  }

  /** Opens a plain connection. */
  public RawConnection connect() throws IOException {
    return new RawConnection(port());
  }

  public HttpResponse<String> get(String path, String key) {
    return send(request(path, key).GET().build());
  }

  /** A chat with one user message. */
  public HttpResponse<String> chat(String key, String model, boolean stream, String message) {
    var body = Json.object().put("model", model).put("stream", stream);
    body.putArray("messages").addObject().put("role", "user").put("content", message);
    return post(key, Json.text(body));
  }

  /** Posts a chat request. */
  public HttpResponse<String> post(String key, String body) {
    return post("/v1/chat/completions", key, body);
  }

  public HttpResponse<String> post(String path, String key, String body) {
    return send(
        request(path, key)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build());
  }

  public HttpRequest.Builder request(String path, String key) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
            .timeout(Duration.ofSeconds(60));
    return key == null ? request : request.header("Authorization", "Bearer " + key);
  }

  public HttpResponse<String> send(HttpRequest request) {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  public static JsonNode json(HttpResponse<String> response) {
    try {
      return Json.parse(response.body());
    } catch (IOException e) {
      throw new IllegalStateException("Not JSON: " + response.body(), e);
    }
  }

  /** The cells of a sheet, header row first; empty when the sheet does not exist. */
  public List<List<Object>> sheet(String title) {
    Sheets sheets = application.workbook().client();
    try {
      List<List<Object>> values =
          sheets
              .spreadsheets()
              .values()
              .get(application.workbook().spreadsheetId(), "'" + title + "'!A1:Z")
              .setValueRenderOption("UNFORMATTED_VALUE")
              .execute()
              .getValues();
      return values == null ? List.of() : values;
    } catch (IOException e) {
      return List.of();
    }
  }

  /** Waits until the ledger has this many settled records. */
  public List<UsageRecord> awaitRecords(int count) {
    return Awaitility.await()
        .until(() -> application.ledger().after(0, 10_000), records -> records.size() >= count);
  }

  /** Waits for a settled record that matches, and returns the first. */
  public UsageRecord awaitRecord(Predicate<UsageRecord> wanted) {
    return Awaitility.await()
        .until(
            () -> application.ledger().after(0, 10_000).stream().filter(wanted).findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }
}
