package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that are nearly valid, or too large: each gets a helpful error. */
class OddRequestRouteTest {
  private static final String CHAT = "/v1/chat/completions";
  private static final int MEGABYTE = 1 << 20;

  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start(@TempDir Path data) {
    gateway = Gateway.start(data, Map.of("MAX_BODY_MB", "30"));
    key = gateway.createKey("odd@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  // --- model ids

  @Wire("2.id")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "openai/x\\nforged line",
        "openai/\\u001b[31mred",
        "openai/\\u202egnol",
        "openai/\\u2028",
        "openai/\\ud800",
        "openai/\\u0000"
      })
  void modelIdsWithInvisibleCharactersAreRefusedAndNotRepeated(String id) {
    HttpResponse<String> chat = gateway.post(key, chat(id, "\"hi\""));
    HttpResponse<String> embedding =
        gateway.post("/v1/embeddings", key, "{\"model\":\"%s\",\"input\":\"a\"}".formatted(id));

    for (HttpResponse<String> response : List.of(chat, embedding)) {
      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(error(response).path("param").asText()).isEqualTo("model");
      assertThat(response.body()).doesNotContain("openai/");
    }
    assertThat(gateway.get("/v1/models/openai/x%0Aforged", key).statusCode()).isEqualTo(400);
  }

  @Wire("2.id")
  @Test
  void modelIdsUpTo256CharactersPassAndLongerOnesGetAShortError() {
    String longest = "openai/" + "x".repeat(249);

    assertThat(gateway.post(key, chat(longest, "\"hi\"")).statusCode()).isEqualTo(200);
    HttpResponse<String> refused = gateway.post(key, chat(longest + "x", "\"hi\""));
    HttpResponse<String> huge = gateway.post(key, chat("x".repeat(5 * MEGABYTE), "\"hi\""));
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(huge.statusCode()).isEqualTo(400);
    assertThat(huge.body()).hasSizeLessThan(1000);
  }

  @Wire("6.short")
  @Test
  void errorsThatQuoteTheClientAreShort() {
    String role =
        "{\"model\":\"openai/x\",\"messages\":[{\"role\":\"%s\",\"content\":\"hi\"}]}"
            .formatted("r".repeat(MEGABYTE));

    HttpResponse<String> response = gateway.post(key, role);

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(error(response).path("param").asText()).isEqualTo("messages[0].role");
    assertThat(response.body()).hasSizeLessThan(5000);
  }

  // --- limits of JSON

  @Wire("6.400limit")
  @Test
  void stringsOfMoreThan20MillionCharactersPass() {
    String image =
        "[{\"type\":\"image_url\",\"image_url\":{\"url\":\"%s\"}}]"
            .formatted("A".repeat(20_000_001));

    assertThat(gateway.post(key, chat("openai/scripted", image)).statusCode()).isEqualTo(200);
  }

  @Wire("6.400limit")
  @ParameterizedTest
  @CsvSource({"depth, nesting depth, 1000", "number, Number, 1000", "name, Name length, 50000"})
  void jsonOverALimitIsRefusedWithTheLimit(String kind, String named, String limit) {
    String extra =
        switch (kind) {
          case "depth" -> "[".repeat(1001) + "]".repeat(1001);
          case "number" -> "1".repeat(1001);
          default -> "{\"" + "n".repeat(50_001) + "\":1}";
        };

    HttpResponse<String> response =
        gateway.post(
            key, chat("openai/x", "\"hi\"").replaceFirst("\\{", "{\"extra\":" + extra + ","));

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(error(response).path("message").asText())
        .contains(named, limit)
        .doesNotContain("StreamReadConstraints", "not valid JSON");
  }

  // --- codings

  @Wire("7.coding")
  @ParameterizedTest
  @ValueSource(strings = {"gzip", "x-gzip", "deflate", "identity"})
  void bodiesInSupportedCodingsAreDecoded(String coding) throws IOException {
    HttpResponse<String> response =
        post(coding, encoded(coding, chat("openai/scripted", "\"hi\"")));

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).contains("You said: hi");
  }

  @Wire("6.415")
  @Test
  void bodiesInOtherCodingsAreRefusedWithTheirName() {
    HttpResponse<String> response = post("compress", new byte[] {1, 2, 3});

    assertThat(response.statusCode()).isEqualTo(415);
    assertThat(error(response).path("message").asText()).contains("Content-Encoding", "compress");
    assertThat(gateway.post(key, chat("openai/scripted", "\"hi\"")).statusCode()).isEqualTo(200);
  }

  @Test
  void bodiesThatCannotBeDecodedAreBadRequests() {
    HttpResponse<String> response =
        post("gzip", "this is not gzip".getBytes(StandardCharsets.UTF_8));

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(error(response).path("message").asText()).contains("Content-Encoding", "gzip");
  }

  @Wire("7.coding")
  @Test
  void theLimitAppliesToTheDecodedBody() throws IOException {
    HttpResponse<String> response = post("gzip", encoded("gzip", " ".repeat(31 * MEGABYTE)));

    assertThat(response.statusCode()).isEqualTo(413);
  }

  // --- hints

  @Wire("6.404url")
  @ParameterizedTest
  @CsvSource({
    "/chat/completions, /v1/chat/completions",
    "/v1/v1/chat/completions, /v1/chat/completions",
    "/V1/chat/completions, /v1/chat/completions",
    "/v1/chat/completions/chat/completions, /v1/chat/completions",
    "/api/v1/embeddings, /v1/embeddings",
    "/models/openai/gpt-4o-mini, /v1/models/openai/gpt-4o-mini"
  })
  void wrongBaseUrlsGetTheRightPath(String path, String meant) {
    HttpResponse<String> response = gateway.post(path, key, "{}");

    assertThat(response.statusCode()).isEqualTo(404);
    assertThat(error(response).path("message").asText())
        .contains("Did you mean " + meant + "?", "base URL", "/v1");
  }

  @Test
  void unrelatedPathsGetNoHint() {
    assertThat(error(gateway.get("/nothing", key)).path("message").asText())
        .isEqualTo("Unknown request URL: GET /nothing.");
  }

  @Wire("6.401")
  @ParameterizedTest
  @ValueSource(strings = {"%s", "Basic dTpw", "Bearer", "Bearer ", "Bearer\t%s", "Token %s"})
  void headersWithoutABearerKeyGetTheRightForm(String authorization) throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write(
          "GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: %s\r\n\r\n"
              .formatted(authorization.formatted(key)));

      assertThat(client.readAll())
          .startsWith("HTTP/1.1 401 ")
          .contains("`Authorization: Bearer sk-…`", "invalid_api_key")
          .doesNotContain("revoked", key);
    }
  }

  private static String chat(String model, String content) {
    return "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":%s}]}"
        .formatted(model, content);
  }

  private static JsonNode error(HttpResponse<String> response) {
    return Gateway.json(response).path("error");
  }

  private static HttpResponse<String> post(String coding, byte[] body) {
    return gateway.send(
        gateway
            .request(CHAT, key)
            .header("Content-Encoding", coding)
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .build());
  }

  private static byte[] encoded(String coding, String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    OutputStream coded =
        switch (coding) {
          case "gzip", "x-gzip" -> new GZIPOutputStream(bytes);
          case "deflate" -> new DeflaterOutputStream(bytes);
          default -> bytes;
        };
    try (coded) {
      coded.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }
}
