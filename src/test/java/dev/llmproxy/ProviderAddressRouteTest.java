package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.emulator.RecordedRequest;
import dev.llmproxy.emulator.ScriptedProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where requests to a provider go, and what is in them, as its file and its settings say. */
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
    other = ScriptedProvider.start();
    String base = other.baseUrl();
    gateway =
        Gateway.startAt(
            home,
            folder.resolve("data"),
            Map.of(
                "AZURE_API_KEY",
                "azure-secret",
                "AZURE_SIGNATURE",
                "s/1&x=y",
                "AZURE_BASE_URL",
                base.replace("/v1", "/openai/deployments/gpt"),
                "QUERIED_BASE_URL",
                base + "?httpMethod=GET&throwExceptionOnFailure=true&a=%2F"));
    key = gateway.createKey("ann@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    other.close();
    log.close();
  }

  @Test
  void headersAndParametersOfAProvidersFileAreSentToItAlone() {
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

  /** It goes on behind the path, and none of it is taken for an option of Camel's. */
  @Test
  void aQueryOfTheBaseUrlStaysAQuery() {
    gateway.chat(key, "queried/m", false, "hello");

    assertThat(other.lastRequest().method()).isEqualTo("POST");
    assertThat(other.lastRequest().path())
        .isEqualTo("/v1/chat/completions?httpMethod=GET&throwExceptionOnFailure=true&a=%2F");

    gateway.post("/v1/embeddings", key, "{\"model\":\"queried/m\",\"input\":\"hello\"}");

    assertThat(other.lastRequest().path())
        .isEqualTo("/v1/embeddings?httpMethod=GET&throwExceptionOnFailure=true&a=%2F");
  }
}
