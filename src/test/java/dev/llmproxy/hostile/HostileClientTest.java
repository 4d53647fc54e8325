package dev.llmproxy.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.RawConnection;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hostile clients. After each test the server must answer and record ordinary requests. */
@Tag("hostile")
class HostileClientTest {
  private static final int STRANGERS = 300;
  private static final int LARGE = 19_000_000;
  private static final String LARGE_PART = "x".repeat(2_000_000);

  private static SmallServer server;
  private static HttpClient client;

  private final List<RawConnection> connections = new ArrayList<>();

  @BeforeAll
  static void start(@TempDir Path folder) throws Exception {
    server = SmallServer.start(folder, Map.of("CLIENT_HEAD_SECONDS", "2"));
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
  }

  @AfterEach
  void serves() throws Exception {
    try {
      server.assertServes();
      assertThat(server.printed())
          .doesNotContain("OutOfMemoryError")
          .doesNotContain("\tat ")
          .doesNotContain(" ERROR ");
    } finally {
      for (RawConnection connection : connections) {
        connection.close();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
      })
  void servesAfterLargeBodiesWithoutAValidKey(String headers) throws Exception {
    for (int i = 0; i < STRANGERS; i++) {
      RawConnection stranger = connect();
      stranger.write(
          "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
              + headers
              + "Authorization: Bearer nope\r\nContent-Length: "
              + LARGE
              + "\r\n\r\n"
              + LARGE_PART);
    }
    for (RawConnection stranger : connections) {
      assertThat(stranger.readUntil("invalid_api_key")).startsWith("HTTP/1.1 401 ");
    }
  }

  @Test
  void servesAfterABodyWithMillionsOfValues() {
    String values = "[" + "{},".repeat(LARGE / 3) + "{}]";

    assertThat(postAtOnce(8, values.getBytes(StandardCharsets.US_ASCII), "identity"))
        .isSubsetOf(400, 503);
  }

  @Test
  void servesAfterManyLargeImagesAtOnce() {
    String image =
        "{\"model\":\"openai/scripted\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,%s\"}}]}]}"
            .formatted("A".repeat(LARGE));

    byte[] body = image.getBytes(StandardCharsets.US_ASCII);
    assertThat(postAtOnce(1, body, "identity")).containsOnly(200);
    assertThat(postAtOnce(16, body, "identity")).isSubsetOf(200, 503);
  }

  @Test
  void servesAfterSmallBodiesThatDecodeToLargeOnes() throws Exception {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
      byte[] part = " ".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII);
      for (int megabytes = 0; megabytes < 500; megabytes++) {
        gzip.write(part);
      }
    }

    assertThat(postAtOnce(1, packed.toByteArray(), "gzip")).containsOnly(413);
    assertThat(postAtOnce(40, packed.toByteArray(), "gzip")).isSubsetOf(413, 503);
  }

  @Test
  void servesAfterAbortedUploads() throws Exception {
    for (String bearer : List.of("nope", server.key())) {
      for (int i = 0; i < 50; i++) {
        try (RawConnection upload = new RawConnection(server.port())) {
          upload.write(
              "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                  + bearer
                  + "\r\nContent-Length: 5000000\r\n\r\n{\"model\":");
        }
      }
    }
  }

  @Test
  void servesAfterIncompleteRequests() throws Exception {
    for (String half :
        List.of("", "POST /v1/chat/com", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: 1")) {
      for (int i = 0; i < 100; i++) {
        connect().write(half);
      }
    }
    server.assertServes();
    for (RawConnection half : connections) {
      half.readAll();
    }
  }

  @Test
  void servesWhenIdleClientsTakeAllConnections(@TempDir Path folder) throws Exception {
    // The server's libraries alone take 230 open files.
    try (SmallServer cramped = SmallServer.start(folder, Map.of(), 512)) {
      for (int i = 0; i < 300; i++) {
        connections.add(new RawConnection(cramped.port()));
      }
      cramped.assertServes();
    }
  }

  @Test
  void servesAfterIncompleteRequestsToTheEmbeddedWorkbook() throws Exception {
    URI workbook = server.workbook();
    for (int i = 0; i < 100; i++) {
      RawConnection half = new RawConnection(workbook.getPort());
      connections.add(half);
      half.write("GET /v4/spreadsheets/llmproxy HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: 1");
    }
    // Needs the workbook: the command writes the key there, and the server reads it.
    assertThat(server.createKey("after-half-requests@example.com")).startsWith("sk-");
  }

  private RawConnection connect() throws IOException {
    RawConnection connection = new RawConnection(server.port());
    connections.add(connection);
    return connection;
  }

  /** Sends requests in parallel with the valid key and returns their statuses. */
  private static List<Integer> postAtOnce(int count, byte[] body, String coding) {
    HttpRequest request =
        server.request(
            "/v1/chat/completions",
            server.key(),
            with ->
                with.timeout(Duration.ofMinutes(2))
                    .header("Content-Encoding", coding)
                    .POST(HttpRequest.BodyPublishers.ofByteArray(body)));
    List<CompletableFuture<HttpResponse<Void>>> answers =
        IntStream.range(0, count)
            .mapToObj(i -> client.sendAsync(request, HttpResponse.BodyHandlers.discarding()))
            .toList();
    return answers.stream().map(answer -> answer.join().statusCode()).toList();
  }
}
