package dev.llmproxy.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.RawConnection;
import dev.llmproxy.base.Json;
import dev.llmproxy.emulator.Flood;
import dev.llmproxy.emulator.PlayedProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
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
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A hostile provider of many parallel requests. After each test the server must answer and record
 * ordinary requests to another provider.
 */
@Tag("hostile")
class HostileProviderTest {
  private static final String CHATS = "/v1/chat/completions";
  private static final int AT_ONCE = 24;
  private static final int SILENT_CLIENTS = 200;
  private static final int LARGE_EVENT = 64 << 10;
  private static final long DRIP_NANOS = 20_000_000;

  private static PlayedProvider provider;
  private static SmallServer server;
  private static HttpClient client;
  private static int port;

  @BeforeAll
  static void start(@TempDir Path folder) throws Exception {
    provider = PlayedProvider.start();
    server = SmallServer.start(folder, Map.of("COMPATIBLE_BASE_URL", provider.baseUrl()));
    port = server.port();
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
    provider.close();
  }

  @AfterEach
  void serves() throws Exception {
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> provider.underWay() == 0);
    server.assertServes();
    assertThat(server.printed()).doesNotContain("OutOfMemoryError");
  }

  static Stream<Arguments> floods() {
    return Stream.of(
        Arguments.of("endless headers", Flood.headers()),
        Arguments.of("an endless header", Flood.longHeader()),
        Arguments.of("endless interim answers", Flood.interimAnswers()),
        Arguments.of("endless empty lines", Flood.emptyLines()),
        Arguments.of("endless comments", Flood.comments()),
        Arguments.of("an endless line", Flood.longLine()),
        Arguments.of("a stream of 700 MB", Flood.events(LARGE_EVENT, 700)),
        Arguments.of("events of 1 MB", Flood.events(1 << 20, 700)),
        Arguments.of("a whole answer without end", Flood.completion()),
        Arguments.of("a whole answer of small things", Flood.emptyObjects()));
  }

  @MethodSource("floods")
  @ParameterizedTest(name = "{0}")
  void chatsEndWhenTheProviderSendsTooMuch(String name, PlayedProvider.Performance flood) {
    provider.perform(List.of(flood));

    CompletableFuture<List<Integer>> streamed = askAtOnce(CHATS, chat(true));
    assertThat(streamed.join()).doesNotContain(500);
    assertThat(askAtOnce(CHATS, chat(false)).join()).isSubsetOf(502, 503);
  }

  @Test
  void embeddingsEndWhenTheProviderSendsTooMuch() {
    provider.perform(List.of(Flood.embeddings()));
    String one = "{\"model\":\"compatible/x\",\"input\":\"hello\"}";
    var many = Json.object().put("model", "compatible/x");
    IntStream.range(0, 2048).forEach(i -> many.withArray("input").add("hello"));

    assertThat(askAtOnce("/v1/embeddings", one).join()).isSubsetOf(502, 503);
    assertThat(askAtOnce("/v1/embeddings", Json.text(many)).join()).isSubsetOf(502, 503);
  }

  @ParameterizedTest
  @ValueSource(ints = {LARGE_EVENT, 1 << 20})
  void clientsThatDoNotReadLargeEventsTakeLittleMemory(int characters) throws Exception {
    provider.perform(List.of(Flood.events(characters)));
    List<Socket> silent = new ArrayList<>();
    try {
      for (int i = 0; i < SILENT_CLIENTS; i++) {
        silent.add(silentClient());
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> provider.asked() == SILENT_CLIENTS);

      server.assertServes();
    } finally {
      for (Socket socket : silent) {
        socket.close();
      }
    }
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> provider.hungUp() == SILENT_CLIENTS);
  }

  @Test
  void requestsAfterAbsurdTokenCountsAreRecorded() {
    String usage = "{\"prompt_tokens\":9000000000000000000,\"completion_tokens\":1e15}";
    String chunk =
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"usage\":%s}"
            .formatted(usage);
    play("text/event-stream", "data: " + chunk + "\n\ndata: [DONE]\n\n");
    assertThat(askAtOnce(CHATS, chat(true)).join()).containsOnly(200);

    play("application/json", "{\"data\":[{\"embedding\":[1]}],\"usage\":" + usage + "}");
    assertThat(
            askAtOnce("/v1/embeddings", "{\"model\":\"compatible/x\",\"input\":\"hello\"}").join())
        .containsOnly(200);
  }

  @Test
  void aSlowlyDrippingProviderDoesNotDelayOtherRequests() throws Exception {
    provider.perform(
        List.of(out -> {
          out.write("HTTP/1.1 200 OK\r\nX-Slow: ".getBytes(StandardCharsets.US_ASCII));
          while (true) {
            out.write('x');
            LockSupport.parkNanos(DRIP_NANOS);
          }
        }));
    List<Socket> waiting = new ArrayList<>();
    try {
      for (int i = 0; i < SILENT_CLIENTS; i++) {
        waiting.add(silentClient());
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> provider.asked() == SILENT_CLIENTS);

      server.assertServes();
    } finally {
      for (Socket socket : waiting) {
        socket.close();
      }
    }
    // When a client leaves, its connection to the provider is closed.
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> provider.hungUp() == SILENT_CLIENTS);
  }

  private static void play(String contentType, String body) {
    String answer =
        "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
            .formatted(contentType, body.length(), body);
    provider.play(List.of(answer.getBytes(StandardCharsets.US_ASCII)));
  }

  private static String chat(boolean stream) {
    var body = Json.object().put("model", "compatible/x").put("stream", stream);
    body.putArray("messages").addObject().put("role", "user").put("content", "hello");
    return Json.text(body);
  }

  /** Sends many requests in parallel; completes with their statuses. */
  private static CompletableFuture<List<Integer>> askAtOnce(String path, String body) {
    HttpRequest request =
        server.request(
            path,
            server.key(),
            builder ->
                builder
                    .timeout(Duration.ofMinutes(2))
                    .POST(HttpRequest.BodyPublishers.ofString(body)));
    List<CompletableFuture<Integer>> answers =
        IntStream.range(0, AT_ONCE)
            .mapToObj(i ->
                client
                    .sendAsync(request, HttpResponse.BodyHandlers.discarding())
                    .thenApply(HttpResponse::statusCode))
            .toList();
    return CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
        .thenApply(all -> answers.stream().map(CompletableFuture::join).toList());
  }

  private static Socket silentClient() throws IOException {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(8192);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    socket
        .getOutputStream()
        .write(
            RawConnection.request(CHATS, server.key(), chat(true), "Connection: close")
                .getBytes(StandardCharsets.UTF_8));
    return socket;
  }
}
