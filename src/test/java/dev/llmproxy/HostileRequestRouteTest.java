package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests meant to exhaust the server, and ambiguous requests. */
class HostileRequestRouteTest {
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
            Map.of(
                "BODY_MEMORY_MB", "60",
                "MAX_JSON_VALUES", "10000",
                "CLIENT_HEAD_SECONDS", "2",
                "CLIENT_IDLE_SECONDS", "10",
                "CLIENT_STALL_SECONDS", "2",
                "EVENT_LOOPS", "3",
                "MAX_CONNECTIONS", "40",
                "MAX_CONNECTIONS_PER_ADDRESS", "40"));
    key = gateway.createKey("hostile@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Wire("2.early")
  @Test
  void wrongKeysAreRefusedBeforeTheBodyIsSent() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write(head("sk-nope", "Content-Length: 19000000"));

      assertThat(client.readUntil("invalid_api_key")).startsWith("HTTP/1.1 401 ");
    }
  }

  @Test
  void wrongKeysDoNotGetA100Continue() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write(head("sk-nope", "Expect: 100-continue\r\nContent-Length: 19000000"));

      assertThat(client.readAll())
          .startsWith("HTTP/1.1 401 ")
          .containsIgnoringCase("connection: close")
          .doesNotContain("100 Continue");
    }
  }

  @Test
  void connectionsAreReusedAfterAnUnreadBody() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write(head("sk-nope", "Content-Length: 300000") + "x".repeat(200_000));
      assertThat(client.readUntil("invalid_api_key")).startsWith("HTTP/1.1 401 ");
      client.readUntil("}");
      client.readUntil("}");
      client.write("x".repeat(100_000));
      client.post(key, CHAT.formatted("again", false));

      assertThat(client.readUntil("You said: again")).startsWith("HTTP/1.1 200 ");
    }
  }

  @Wire("6.503bodies")
  @Test
  void bodiesDoNotExceedTheirMemory() throws IOException {
    long free = gateway.application().bodyReader().budget().free();
    String padding = "x".repeat(7 * MEGABYTE);
    try (RawConnection first = gateway.connect()) {
      first.write(head(key, "Content-Length: " + (padding.length() + 2)) + "\"" + padding);
      Awaitility.await()
          .until(() -> gateway.application().bodyReader().budget().free() < free - 30 * MEGABYTE);

      var refused = gateway.post(key, "\"" + padding + "\"");
      assertThat(refused.statusCode()).isEqualTo(503);
      assertThat(refused.headers().firstValue("retry-after")).isPresent();
      assertThat(refused.body()).contains("BODY_MEMORY_MB");
      assertThat(gateway.chat(key, "openai/scripted", false, "small").statusCode()).isEqualTo(200);
    }
    Awaitility.await().until(() -> gateway.application().bodyReader().budget().free() == free);
    assertThat(gateway.post(key, CHAT.formatted(padding, false)).statusCode()).isEqualTo(200);
    Awaitility.await().until(() -> gateway.application().bodyReader().budget().free() == free);
  }

  @Wire("6.400limit")
  @ParameterizedTest
  @ValueSource(strings = {"{}", "[]", "1", "\"\""})
  void bodiesWithTooManyValuesAreRefusedWithTheLimit(String value) {
    String many =
        "{\"model\":\"openai/scripted\",\"messages\":["
            + (value + ",").repeat(10_000)
            + value
            + "]}";

    var refused = gateway.post(key, many);
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(refused.body()).contains("MAX_JSON_VALUES");
    assertThat(gateway.post(key, CHAT.formatted("{[,".repeat(10_000), false)).statusCode())
        .isEqualTo(200);
  }

  @Wire("7.patience")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "POST /v1/chat/compl",
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthoriz",
        "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
      })
  void silentConnectionsAreClosed(String sent) throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write(sent);

      client.readAll();
    }
  }

  @Wire("6.408")
  @Test
  void stalledBodiesAreRefusedAndTheConnectionClosed() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write(head(key, "Content-Length: 1000") + "{\"model\":");

      assertThat(client.readUntil("request_timeout")).startsWith("HTTP/1.1 408 ");
    }
  }

  @Test
  void streamsOfASilentProviderAreNotClosedAsIdle() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.post(key, CHAT.formatted("[[script chunks=3 gap=5000]]", true));

      assertThat(client.readUntil("[DONE]")).contains("word3");
    }
  }

  @Wire("7.patience")
  @Test
  void clientsThatDoNotReadAreDisconnected() throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.post(key, CHAT.formatted("[[script chunks=3000 size=20000]]", true));

      int before = gateway.provider().cancelled();
      Awaitility.await().until(() -> gateway.provider().cancelled() > before);
    }
  }

  @Wire("7.connections")
  @Test
  void idleConnectionsAreClosedFirstThoseWithoutARequest() throws IOException {
    List<RawConnection> idle = new ArrayList<>();
    try (RawConnection served = gateway.connect()) {
      served.post("sk-nope", CHAT.formatted("refused", false));
      served.readUntil("}}");
      for (int i = 0; i < 90; i++) {
        idle.add(gateway.connect());
      }
      served.post(key, CHAT.formatted("again", false));
      assertThat(served.readUntil("You said: again")).startsWith("HTTP/1.1 200 ");
      assertThat(gateway.chat(key, "openai/scripted", false, "hi").statusCode()).isEqualTo(200);
    } finally {
      for (RawConnection connection : idle) {
        connection.close();
      }
    }
  }

  @Wire("7.connections")
  @Test
  void connectionsOverTheLimitAreRefusedWhenNoneIsIdle() throws IOException {
    List<RawConnection> atWork = new ArrayList<>();
    try {
      for (int i = 0; i < 40; i++) {
        RawConnection stream = gateway.connect();
        atWork.add(stream);
        stream.post(key, CHAT.formatted("[[script chunks=2 hold=1]]", true));
        stream.readUntil("word1");
      }
      try (RawConnection refused = gateway.connect()) {
        assertThat(refused.readAll())
            .startsWith("HTTP/1.1 503 ")
            .contains("Retry-After: ")
            .contains("overloaded");
      }
      for (int i = 0; i < atWork.size(); i++) {
        gateway.provider().release();
      }
      for (RawConnection stream : atWork) {
        assertThat(stream.readUntil("[DONE]")).contains("word2");
      }
    } finally {
      for (RawConnection stream : atWork) {
        stream.close();
      }
    }
    Awaitility.await()
        .untilAsserted(() ->
            assertThat(gateway.chat(key, "openai/scripted", false, "hi").statusCode())
                .isEqualTo(200));
  }

  @Wire("7.once")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "Host: localhost\r\nHost: other\r\n",
        "Host: localhost\r\nX-Folded: a\r\n b\r\n",
        "Host: localhost\r\nTransfer-Encoding: identity, chunked\r\n",
        "Host: localhost\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"
      })
  void ambiguousRequestsAreRefused(String headers) throws IOException {
    try (RawConnection client = gateway.connect()) {
      client.write(
          "GET /v1/models HTTP/1.1\r\n"
              + headers
              + "Authorization: Bearer "
              + key
              + "\r\n\r\n0\r\n\r\n");

      assertThat(client.readAll()).startsWith("HTTP/1.1 400 ").contains("\"error\"");
    }
  }

  @Test
  void abortedUploadsLogNoError() throws IOException {
    try (LogLines log = LogLines.open()) {
      for (String bearer : List.of(key, "sk-nope")) {
        try (RawConnection client = gateway.connect()) {
          client.write(head(bearer, "Content-Length: 5000000") + "x".repeat(1_000_000));
        }
      }
      assertThat(gateway.chat(key, "openai/scripted", false, "hi").statusCode()).isEqualTo(200);

      assertThat(log.said()).noneMatch(line -> line.startsWith("ERROR"));
    }
  }

  private static String head(String bearer, String headers) {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
        + bearer
        + "\r\n"
        + headers
        + "\r\n\r\n";
  }
}
