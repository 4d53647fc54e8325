package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.emulator.RecordedRequest;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** URL, headers and fields of requests to a provider, as set by its file and its settings. */
class ProviderAddressRouteTest {
  private static final String AZURE =
      """
      format: openai
      headers:
        api-key: "{{AZURE_API_KEY}}"
        X-Title: llmproxy
      query:
        api-version: 2024-10-21
        signature: "{{AZURE_SIGNATURE}}"
      """;

  private static ScriptedProvider other;
  private static Gateway gateway;
  private static String key;
  private static LogLines log;

  @BeforeAll
  static void start(@TempDir Path folder) throws IOException {
    log = LogLines.open();
    Path home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(home.resolve("providers/azure.yaml"), AZURE);
    Files.writeString(home.resolve("providers/queried.yaml"), "format: openai\n");
    Files.writeString(home.resolve("providers/secure.yaml"), "format: openai\n");
    Files.writeString(
        home.resolve("providers/strict.yaml"),
        "format: openai\nrequest: {drop: [stream_options, store]}\n");
    Files.writeString(
        home.resolve("providers/asked.yaml"), "format: openai\nrequest: {stream: asked}\n");
    Files.writeString(
        home.resolve("providers/whole.yaml"), "format: openai\nrequest: {stream: never}\n");
    other = ScriptedProvider.start();
    String base = other.baseUrl();
    gateway =
        Gateway.startAt(
            home,
            folder.resolve("data"),
            Map.ofEntries(
                Map.entry("AZURE_API_KEY", "azure-secret"),
                Map.entry("AZURE_SIGNATURE", "s/1&x=y"),
                Map.entry("AZURE_BASE_URL", base.replace("/v1", "/openai/deployments/gpt")),
                Map.entry("SECURE_BASE_URL", base.replace("http:", "https:")),
                Map.entry("STRICT_API_KEY", "strict-secret"),
                Map.entry("STRICT_BASE_URL", base),
                Map.entry("ASKED_API_KEY", "asked-secret"),
                Map.entry("ASKED_BASE_URL", base),
                Map.entry("WHOLE_API_KEY", "whole-secret"),
                Map.entry("WHOLE_BASE_URL", base),
                Map.entry(
                    "QUERIED_BASE_URL",
                    base + "?httpMethod=GET&throwExceptionOnFailure=true&a=%2F")));
    key = gateway.createKey("ann@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    other.close();
    log.close();
  }

  @Test
  void providersThatMayNotStreamGetWholeRequestsFromWholeRequests() {
    HttpResponse<String> whole = gateway.chat(key, "asked/m", false, "not streamed");
    RecordedRequest request = other.lastRequest();

    assertThat(whole.statusCode()).isEqualTo(200);
    assertThat(whole.body()).contains("You said: not streamed");
    assertThat(request.body().has("stream")).isFalse();
    assertThat(request.body().has("stream_options")).isFalse();
    assertThat(request.headers()).containsEntry("accept", "application/json");

    assertThat(gateway.chat(key, "asked/m", true, "hello").body()).endsWith("data: [DONE]\n\n");
    assertThat(other.lastRequest().body().path("stream").asBoolean()).isTrue();
  }

  @Test
  void wholeAnswersOfProvidersThatNeverStreamBecomeStreams() {
    HttpResponse<String> stream = gateway.chat(key, "whole/m", true, "as chunks");

    assertThat(other.lastRequest().body().has("stream")).isFalse();
    assertThat(stream.body())
        .contains("chat.completion.chunk", "You said: as chunks", "\"finish_reason\":\"stop\"")
        .endsWith("data: [DONE]\n\n");
    UsageRecord record = gateway.awaitRecord(each -> each.model().equals("whole/m"));
    assertThat(record.tokensOut()).isPositive();
  }

  @Test
  void headersAndParametersOfAProviderFileAreSentOnlyToThatProvider() {
    gateway.chat(key, "azure/gpt", true, "hello");

    RecordedRequest request = other.lastRequest();
    assertThat(request.path())
        .isEqualTo(
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21&signature=s%2F1%26x%3Dy");
    assertThat(request.headers())
        .containsEntry("api-key", "azure-secret")
        .containsEntry("x-title", "llmproxy")
        .doesNotContainKey("authorization");

    gateway.chat(key, "openai/scripted", true, "hello");

    assertThat(gateway.provider().lastRequest().headers())
        .containsEntry("authorization", "Bearer provider-secret")
        .doesNotContainKeys("api-key", "x-title");
    assertThat(log.said())
        .noneMatch(line -> line.contains("azure-secret") || line.contains("s/1&x"));
  }

  /** The provider speaks no TLS, so the error shows that the gateway does. */
  @Test
  void httpsBaseUrlsUseTls() {
    HttpResponse<String> response = gateway.chat(key, "secure/m", false, "hello");

    assertThat(response.statusCode()).isEqualTo(502);
    assertThat(response.body()).contains("TLS failed");
  }

  /** A provider that refuses the request for usage reports none, so that usage is estimated. */
  @Test
  void fieldsDroppedByAProviderFileAreNotSent() {
    String body =
        """
        {"model":"strict/scripted","stream":true,"store":false,"stream_options":{"include_usage":true},
         "messages":[{"role":"user","content":"[[script chunks=4]]"}]}
        """;

    HttpResponse<String> response = gateway.post(key, body);

    assertThat(response.body()).contains("\"usage\":{").endsWith("data: [DONE]\n\n");
    JsonNode sent = other.lastRequest().body();
    assertThat(sent.path("stream").asBoolean()).isTrue();
    assertThat(sent.has("stream_options")).isFalse();
    assertThat(sent.has("store")).isFalse();
    UsageRecord row = gateway.awaitRecord(record -> record.model().equals("strict/scripted"));
    assertThat(row.tokensOut()).isEqualTo(4);
    assertThat(row.tokensIn()).isPositive();
  }

  /** The query follows the path, and Camel does not read it as options. */
  @Test
  void theQueryOfABaseUrlIsSent() {
    gateway.chat(key, "queried/m", false, "hello");

    assertThat(other.lastRequest().method()).isEqualTo("POST");
    assertThat(other.lastRequest().path())
        .isEqualTo("/v1/chat/completions?httpMethod=GET&throwExceptionOnFailure=true&a=%2F");

    gateway.post("/v1/embeddings", key, "{\"model\":\"queried/m\",\"input\":\"hello\"}");

    assertThat(other.lastRequest().path())
        .isEqualTo("/v1/embeddings?httpMethod=GET&throwExceptionOnFailure=true&a=%2F");
  }
}
