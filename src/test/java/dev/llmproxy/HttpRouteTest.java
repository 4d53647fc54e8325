package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Details of HTTP that SDKs hide. */
class HttpRouteTest {
  private static final int MEGABYTE = 1 << 20;
  private static final String CHAT =
      "{\"model\":\"openai/scripted\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],\"stream\":%s}";

  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway =
        Gateway.start(
            data,
            Map.of("STREAM_KEEPALIVE_SECONDS", "5", "CORS_ORIGINS", "https://app.example.com"));
    key = gateway.createKey("http@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Wire({"1.3", "1.3c"})
  @Test
  void silentStreamsGetComments() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write(
          RawConnection.request(
              "/v1/chat/completions",
              key,
              CHAT.formatted("[[script chunks=3 gap=6500]]", true),
              "Connection: close"));
      String response = client.readAll();

      assertThat(response)
          .contains("word1", "word2", "word3", "[DONE]")
          .contains(": ping\n")
          // openai-go before v3.43 reads an empty line as an event, and stops.
          .doesNotContain(": ping\n\n");
    }
  }

  @Wire({"7.limit", "6.413"})
  @Test
  void bodiesUpToTheLimitPassAndLargerOnesGetAnError() {
    String padding = "x".repeat(6 * MEGABYTE);

    assertThat(
            gateway
                .post(
                    key,
                    CHAT.formatted("hi", false)
                        .replace("{\"model\"", "{\"pad\":\"" + padding + "\",\"model\""))
                .statusCode())
        .isEqualTo(200);
    HttpResponse<String> refused = gateway.post(key, " ".repeat(40 * MEGABYTE));
    assertThat(refused.statusCode()).isEqualTo(413);
    assertThat(Gateway.json(refused).at("/error/code").asText()).isEqualTo("request_too_large");
  }

  @Wire("2.early")
  @Test
  void theKeyIsCheckedBeforeTheSize() {
    assertThat(gateway.post("sk-wrong", " ".repeat(21 * MEGABYTE)).statusCode()).isEqualTo(401);
    assertThat(gateway.post(null, " ".repeat(21 * MEGABYTE)).statusCode()).isEqualTo(401);
  }

  @Wire("7.bodies")
  @Test
  void chunkedBodiesAndBodiesAfterContinueAreRead() throws IOException {
    String body = CHAT.formatted("hi", false);
    try (RawConnection client = gateway.connect()) {
      client.write(
          head("Transfer-Encoding: chunked")
              + Integer.toHexString(5)
              + "\r\n"
              + body.substring(0, 5)
              + "\r\n"
              + Integer.toHexString(body.length() - 5)
              + "\r\n"
              + body.substring(5)
              + "\r\n0\r\n\r\n");
      assertThat(client.readAll()).contains("200 OK").contains("You said: hi");
    }
    try (RawConnection client = gateway.connect()) {
      client.write(head("Expect: 100-continue\r\nContent-Length: " + body.length()));
      assertThat(client.readUntil("\r\n")).isEqualTo("HTTP/1.1 100 Continue\r\n");
      client.write(body);
      assertThat(client.readAll()).contains("200 OK").contains("You said: hi");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/models", "/v1/models/openai/scripted", "/openapi.json"})
  void headIsGetWithoutTheBody(String path) throws IOException {
    HttpResponse<String> get = gateway.send(gateway.request(path, key).GET().build());
    try (RawConnection client = gateway.connect()) {
      client.write(
          "HEAD %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n"
              .formatted(path, key));
      String head = client.readAll();

      assertThat(get.statusCode()).isEqualTo(200);
      assertThat(head)
          .startsWith("HTTP/1.1 200 OK\r\n")
          .containsIgnoringCase("content-type: application/json")
          .containsIgnoringCase("x-request-id: req_")
          .endsWith("\r\n\r\n");
      assertThat(head.indexOf("\r\n\r\n")).isEqualTo(head.length() - 4);
    }
  }

  @Test
  void headOnPostEndpointsIsRefusedWithoutABody() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write("HEAD /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

      assertThat(client.readAll())
          .startsWith("HTTP/1.1 405 ")
          .containsIgnoringCase("allow: OPTIONS, POST")
          .endsWith("\r\n\r\n");
    }
  }

  @Wire("2.ignore")
  @Test
  void formContentTypesAreParsedAsJson() {
    HttpResponse<String> response =
        gateway.send(
            gateway
                .request("/v1/chat/completions", key)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(CHAT.formatted("hi", false)))
                .build());

    assertThat(response.statusCode()).isEqualTo(200);
  }

  @Wire("7.h2")
  @Test
  void clientsThatUpgradeToHttp2AreServed() throws Exception {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
    HttpResponse<String> response =
        client.send(
            gateway
                .request("/v1/chat/completions", key)
                .POST(
                    HttpRequest.BodyPublishers.ofString(
                        CHAT.formatted("[[script chunks=3]]", true)))
                .build(),
            HttpResponse.BodyHandlers.ofString());

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).contains("word3").endsWith("data: [DONE]\n\n");
  }

  @Wire("5.compress")
  @Test
  void streamsAreNeverCompressed() {
    HttpResponse<String> response =
        gateway.send(
            gateway
                .request("/v1/chat/completions", key)
                .header("Accept-Encoding", "gzip")
                .POST(HttpRequest.BodyPublishers.ofString(CHAT.formatted("hi", true)))
                .build());

    assertThat(response.headers().firstValue("content-encoding")).isEmpty();
    assertThat(response.body()).contains("[DONE]");
  }

  @Wire("7.cors")
  @Test
  void pagesOfAllowedOriginsGetCorsHeaders() {
    HttpResponse<String> preflight =
        gateway.send(
            origin("https://app.example.com")
                .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization, x-stainless-os")
                .build());
    HttpResponse<String> refused = gateway.send(origin("https://app.example.com").GET().build());

    assertThat(preflight.statusCode()).isEqualTo(204);
    assertThat(preflight.headers().firstValue("access-control-allow-origin"))
        .hasValue("https://app.example.com");
    assertThat(preflight.headers().firstValue("access-control-allow-headers"))
        .hasValue("authorization, x-stainless-os");
    assertThat(preflight.headers().firstValue("access-control-allow-methods").orElseThrow())
        .contains("POST");
    assertThat(refused.statusCode()).isEqualTo(401);
    assertThat(refused.headers().firstValue("access-control-allow-origin"))
        .hasValue("https://app.example.com");
    assertThat(refused.headers().firstValue("access-control-expose-headers").orElseThrow())
        .contains("x-request-id", "retry-after");
    assertThat(refused.headers().firstValue("access-control-allow-credentials")).isEmpty();
  }

  @Wire("7.cors")
  @Test
  void pagesOfOtherOriginsGetNoCorsHeaders() {
    assertThat(
            gateway
                .send(origin("https://evil.example").GET().build())
                .headers()
                .firstValue("access-control-allow-origin"))
        .isEmpty();
  }

  @Wire("2.405")
  @Test
  void wrongMethodsGetTheAllowedOnes() {
    HttpResponse<String> response = gateway.get("/v1/chat/completions", key);

    assertThat(response.statusCode()).isEqualTo(405);
    assertThat(response.headers().firstValue("allow").orElseThrow())
        .contains("POST")
        .doesNotContain("GET");
  }

  @Wire({"6.body", "6.id"})
  @Test
  void headersThatAreTooLargeAreRefusedInJson() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write(
          "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Large: "
              + "x".repeat(20_000)
              + "\r\n\r\n");
      assertThat(client.readAll())
          .contains("431", "\"error\"", "x-request-id", "openai-processing-ms");
    }
  }

  private static HttpRequest.Builder origin(String origin) {
    return gateway.request("/v1/models", null).header("Origin", origin);
  }

  private static String head(String header) {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer "
        + key
        + "\r\n"
        + header
        + "\r\n\r\n";
  }
}
