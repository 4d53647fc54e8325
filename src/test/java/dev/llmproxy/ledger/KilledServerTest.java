package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.PostgresServer;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.ScriptedProvider;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server in its own process, killed with kill -9 in the middle of a stream. */
class KilledServerTest {
  private static final int WRITTEN_AT_LEAST = 40;

  @TempDir private Path data;

  @Test
  void usageOfAKilledStreamIsRecordedOnSqlite() throws Exception {
    recordsTheUsageOfAKilledStream(Map.of());
  }

  @Test
  void usageOfAKilledStreamIsRecordedOnPostgresql() throws Exception {
    recordsTheUsageOfAKilledStream(Map.of("DATABASE_URL", PostgresServer.shared().newDatabase()));
  }

  private void recordsTheUsageOfAKilledStream(Map<String, String> database) throws Exception {
    try (ScriptedProvider provider = ScriptedProvider.start()) {
      Map<String, String> environment = new HashMap<>(database);
      environment.put("PORT", "0");
      environment.put("HOST", "127.0.0.1");
      environment.put("LLMPROXY_DATA", data.toString());
      environment.put("OPENAI_BASE_URL", provider.baseUrl());
      environment.put("OPENAI_API_KEY", "provider-secret");
      environment.put("LOCAL_MODEL", "off");
      Settings settings = Settings.load(Path.of(""), environment);

      Process server = start(environment);
      String requestId;
      try (HttpClient client = HttpClient.newHttpClient()) {
        HttpResponse<Stream<String>> stream = stream(client, server);
        requestId = stream.headers().firstValue("x-request-id").orElseThrow();
        Awaitility.await().until(() -> checkpointed(settings) >= WRITTEN_AT_LEAST);
        server.destroyForcibly().waitFor();
        // Over HTTP/1.1, closing would wait for ever for the rest of the body.
        client.shutdownNow();
      } finally {
        server.destroyForcibly();
      }

      try (Ledger ledger = Ledger.open(LedgerStore.of(settings), Duration.ofSeconds(1))) {
        List<UsageRecord> records = new ArrayList<>();
        Awaitility.await()
            .until(() -> {
              ledger.settleInterrupted();
              records.addAll(ledger.after(0, 10));
              return !records.isEmpty();
            });
        assertThat(records)
            .singleElement()
            .satisfies(record -> {
              assertThat(record.requestId()).isEqualTo(requestId);
              assertThat(record.status()).isEqualTo(Status.INTERRUPTED);
              assertThat(record.tokensIn()).isPositive();
              assertThat(record.tokensOut()).isBetween((long) WRITTEN_AT_LEAST, 5000L);
              assertThat(record.durationMillis()).isPositive();
              assertThat(record.cost()).isPositive();
            });
      }
    }
  }

  private static Process start(Map<String, String> environment) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            ProcessHandle.current().info().command().orElseThrow(),
            "-cp",
            System.getProperty("java.class.path"),
            "dev.llmproxy.cli.LlmProxyCommand",
            "start",
            "--first-key");
    builder.environment().putAll(environment);
    return builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
  }

  private static HttpResponse<Stream<String>> stream(HttpClient client, Process server)
      throws IOException, InterruptedException {
    String url = null;
    String key = null;
    BufferedReader output =
        new BufferedReader(
            new java.io.InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8));
    while (key == null) {
      String line = output.readLine();
      assertThat(line).as("the server started").isNotNull();
      if (line.startsWith("llmproxy is ready: ")) {
        url = line.substring("llmproxy is ready: ".length());
      } else if (line.strip().startsWith("sk-")) {
        key = line.strip();
      }
    }
    var body = Json.object().put("model", "openai/gpt-4o-mini").put("stream", true);
    body.putArray("messages")
        .addObject()
        .put("role", "user")
        .put("content", "go on [[script chunks=5000 gap=20]]");
    while (true) {
      HttpResponse<Stream<String>> response =
          client.send(
              HttpRequest.newBuilder(URI.create(url + "/chat/completions"))
                  .header("Authorization", "Bearer " + key)
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString(Json.text(body)))
                  .build(),
              HttpResponse.BodyHandlers.ofLines());
      // The server rejects the key until it has read the workbook.
      if (response.statusCode() == 200) {
        return response;
      }
      assertThat(response.statusCode()).isIn(401, 503);
      response.body().close();
    }
  }

  private static long checkpointed(Settings settings) throws Exception {
    try (Connection connection = LedgerStore.of(settings).inspecting().orElseThrow();
        var row =
            connection
                .createStatement()
                .executeQuery(
                    "select coalesce(max(tokens_out), 0) from request where sequence is null")) {
      row.next();
      return row.getLong(1);
    }
  }
}
