package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients that read slowly or half-close, on plain sockets (wire contract, §5). */
class SlowClientRouteTest {
  private static final long MEGABYTE = 1 << 20;
  private static final int CHUNKS = 3000;
  private static final int CHUNK_BYTES = 20_000;

  private Gateway gateway;
  private String key;

  @BeforeEach
  void start(@TempDir Path data) {
    gateway = Gateway.start(data, Map.of("PROVIDER_ANSWER_MB", "100", "EVENT_LOOPS", "3"));
    key = gateway.createKey("slow@example.com");
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  @Wire("5.8b")
  @Test
  void clientsThatDoNotReadSlowOnlyTheirOwnProvider() throws IOException {
    try (Socket slow =
        request("[[script chunks=%d size=%d]]".formatted(CHUNKS, CHUNK_BYTES), true)) {
      // The whole answer has 60 MB; the bytes sent are in the buffers of four sockets.
      assertThat(writtenWhenProviderWaits()).isLessThan(30 * MEGABYTE);
      assertThat(gateway.chat(key, "openai/scripted", true, "[[script chunks=50]]").body())
          .endsWith("data: [DONE]\n\n");
      assertThat(gateway.provider().cancelled()).isZero();

      // When the client reads, it gets everything.
      assertThat(new String(slow.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
          .contains("word" + CHUNKS)
          .contains("data: [DONE]");
    }
  }

  @Test
  void errorsWaitForSlowClientsAndTheCallEndsOnce() throws IOException {
    try (Socket slow =
        request("[[script chunks=%d size=%d]]".formatted(CHUNKS, CHUNK_BYTES), true)) {
      writtenWhenProviderWaits();

      // As in a server stop, the error is written while nothing can be sent.
      gateway.cut(OpenAiErrors.stopping());

      assertThat(new String(slow.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
          .contains("event: error", "The server is stopping.")
          .doesNotContain("data: [DONE]", "word" + CHUNKS);
      assertThat(gateway.awaitRecords(1))
          .extracting(UsageRecord::status)
          .containsExactly(Status.ERROR);
      Awaitility.await().until(() -> gateway.provider().cancelled() == 1);
    }
  }

  @Test
  @SuppressWarnings("deprecation") // Vert.x has no other way to its event loops.
  void aBusyServerDoesNotBufferTheProvidersAnswer() throws Exception {
    CountDownLatch busy = new CountDownLatch(1);
    try (Socket reader =
        request("[[script chunks=%d size=%d]]".formatted(CHUNKS, CHUNK_BYTES), true)) {
      assertThat(reader.getInputStream().read()).isPositive();
      gateway
          .application()
          .vertx()
          .nettyEventLoopGroup()
          .forEach(loop -> loop.execute(() -> Uninterruptibles.awaitUninterruptibly(busy)));
      try {
        assertThat(writtenWhenProviderWaits()).isLessThan(30 * MEGABYTE);
      } finally {
        busy.countDown();
      }
      assertThat(new String(reader.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
          .contains("word" + CHUNKS)
          .contains("data: [DONE]");
    }
  }

  /** In TCP a half-closed connection looks the same as a closed one. */
  @Wire("5.8")
  @Test
  void halfClosedConnectionsCountAsClosed() throws IOException {
    try (Socket socket = request("[[script chunks=1000 gap=50]]", false)) {
      Awaitility.await().until(() -> !gateway.provider().requests().isEmpty());
      socket.shutdownOutput();

      assertThat(socket.getInputStream().readAllBytes()).isEmpty();
      assertThat(gateway.awaitRecords(1).getLast().status()).isEqualTo(Status.CANCELLED);
      Awaitility.await().until(() -> gateway.provider().cancelled() == 1);
    }
  }

  private long writtenWhenProviderWaits() {
    AtomicLong written = new AtomicLong();
    Awaitility.await()
        .during(Duration.ofSeconds(1))
        .until(() -> {
          long now = gateway.provider().written();
          return now > 0 && written.getAndSet(now) == now;
        });
    return written.get();
  }

  private Socket request(String message, boolean stream) throws IOException {
    var body = Json.object().put("model", "openai/scripted").put("stream", stream);
    body.putArray("messages").addObject().put("role", "user").put("content", message);
    Socket socket = new Socket();
    socket.setReceiveBufferSize(8192);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), gateway.port()));
    socket.setSoTimeout(30_000);
    String request =
        RawConnection.request("/v1/chat/completions", key, Json.text(body), "Connection: close");
    socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
    return socket;
  }
}
