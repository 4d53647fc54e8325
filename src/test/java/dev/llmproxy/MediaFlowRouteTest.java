package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.base.Sha256;
import dev.llmproxy.emulator.LoopbackServer;
import dev.llmproxy.emulator.MediaAnswers;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Large files and sounds go through in a few kilobytes of memory: who is slow makes the other wait.
 */
class MediaFlowRouteTest {
  private static final int MEGABYTE = 1 << 20;
  private static final int BYTES = 20 * MEGABYTE;

  /** The buffers of four sockets on loopback, which the kernel makes as large as it likes. */
  private static final int BUFFERED = 14 * MEGABYTE;

  private static final byte[] CONTENT = MediaAnswers.sound(BYTES);

  @TempDir Path data;

  @Wire("14.memory")
  @Test
  void clientWaitsForAProviderThatDoesNotRead() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CompletableFuture<byte[]> received = new CompletableFuture<>();
    try (LoopbackServer provider =
            LoopbackServer.start(socket -> {
              InputStream in = new BufferedInputStream(socket.getInputStream());
              readHead(in);
              awaitIt(release);
              received.complete(readChunks(in));
              answer(
                  socket, "application/json", "{\"text\":\"hi\"}".getBytes(StandardCharsets.UTF_8));
            });
        Gateway gateway = start(provider)) {
      String key = gateway.createKey("flow@example.com");
      AtomicLong sent = new AtomicLong();
      try (Socket client = new Socket(InetAddress.getLoopbackAddress(), gateway.port())) {
        client.setSendBufferSize(64 << 10);
        Thread.startVirtualThread(() -> upload(client, key, sent));

        assertThat(whenItStops(sent)).isGreaterThan(0).isLessThan(BUFFERED);
        release.countDown();

        assertThat(status(client)).startsWith("HTTP/1.1 200 ");
      }
      String body = new String(received.get(), StandardCharsets.ISO_8859_1);
      int from = body.indexOf("audio/mpeg\r\n\r\n") + "audio/mpeg\r\n\r\n".length();
      byte[] file = body.substring(from, from + BYTES).getBytes(StandardCharsets.ISO_8859_1);
      assertThat(Sha256.hex(file)).isEqualTo(Sha256.hex(CONTENT));
    }
  }

  @Wire("14.memory")
  @Test
  void providerWaitsForAClientThatDoesNotRead() throws Exception {
    AtomicLong sent = new AtomicLong();
    try (LoopbackServer provider =
            LoopbackServer.start(socket -> {
              socket.setSendBufferSize(64 << 10);
              InputStream in = new BufferedInputStream(socket.getInputStream());
              in.readNBytes(length(readHead(in)));
              OutputStream out = socket.getOutputStream();
              out.write(
                  ("HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: "
                          + BYTES
                          + "\r\n\r\n")
                      .getBytes(StandardCharsets.US_ASCII));
              write(out, sent);
            });
        Gateway gateway = start(provider)) {
      String key = gateway.createKey("flow@example.com");
      try (Socket client = new Socket(InetAddress.getLoopbackAddress(), gateway.port())) {
        client
            .getOutputStream()
            .write(
                RawConnection.request(
                        "/v1/audio/speech", key, "{\"model\":\"openai/tts\",\"input\":\"x\"}")
                    .getBytes(StandardCharsets.UTF_8));

        assertThat(whenItStops(sent)).isGreaterThan(0).isLessThan(BUFFERED);

        InputStream in = new BufferedInputStream(client.getInputStream());
        String head = readHead(in);
        assertThat(head).containsIgnoringCase("content-type: audio/wav");
        assertThat(length(head)).isEqualTo(BYTES);
        assertThat(Sha256.hex(in.readNBytes(BYTES))).isEqualTo(Sha256.hex(CONTENT));
      }
    }
  }

  private Gateway start(LoopbackServer provider) {
    return Gateway.start(
        data, Map.of("OPENAI_BASE_URL", "http://127.0.0.1:" + provider.port() + "/v1"));
  }

  private static void upload(Socket client, String key, AtomicLong sent) {
    String boundary = "flow";
    byte[] start =
        """
        --flow
        Content-Disposition: form-data; name="model"

        openai/whisper-1
        --flow
        Content-Disposition: form-data; name="file"; filename="a.mp3"
        Content-Type: audio/mpeg

        """
            .replace("\n", "\r\n")
            .getBytes(StandardCharsets.US_ASCII);
    byte[] end = ("\r\n--" + boundary + "--\r\n").getBytes(StandardCharsets.US_ASCII);
    String head =
        "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=flow\r\nContent-Length: %d\r\n\r\n"
            .formatted(key, start.length + BYTES + end.length);
    try {
      OutputStream out = client.getOutputStream();
      out.write(head.getBytes(StandardCharsets.US_ASCII));
      out.write(start);
      write(out, sent);
      out.write(end);
    } catch (IOException e) {
      // The test has ended.
    }
  }

  private static void write(OutputStream out, AtomicLong sent) throws IOException {
    for (int from = 0; from < BYTES; from += 16 << 10) {
      int length = Math.min(16 << 10, BYTES - from);
      out.write(CONTENT, from, length);
      sent.addAndGet(length);
    }
  }

  /** The number of bytes at which the sender has waited for half a second. */
  private static long whenItStops(AtomicLong sent) {
    long[] last = {-1};
    return Awaitility.await()
        .pollInterval(Duration.ofMillis(500))
        .until(
            () -> {
              long before = last[0];
              last[0] = sent.get();
              return last[0] == before ? before : -1;
            },
            bytes -> bytes > 0);
  }

  private static void answer(Socket socket, String type, byte[] body) throws IOException {
    OutputStream out = socket.getOutputStream();
    out.write(
        ("HTTP/1.1 200 OK\r\nContent-Type: "
                + type
                + "\r\nContent-Length: "
                + body.length
                + "\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII));
    out.write(body);
  }

  private static String status(Socket client) throws IOException {
    return readHead(new BufferedInputStream(client.getInputStream()));
  }

  private static String readHead(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("the head ends after " + head);
      }
      head.append((char) next);
    }
    return head.toString();
  }

  private static int length(String head) {
    return head.lines()
        .filter(line -> line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:"))
        .mapToInt(line -> Integer.parseInt(line.substring(line.indexOf(':') + 1).strip()))
        .findFirst()
        .orElse(0);
  }

  private static byte[] readChunks(InputStream in) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    while (true) {
      StringBuilder size = new StringBuilder();
      for (int next = in.read(); next != '\n'; next = in.read()) {
        size.append((char) next);
      }
      int length = Integer.parseInt(size.toString().strip(), 16);
      body.write(in.readNBytes(length));
      in.readNBytes(2);
      if (length == 0) {
        return body.toByteArray();
      }
    }
  }

  private static void awaitIt(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }
}
