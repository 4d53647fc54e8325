package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.call.Status;
import dev.llmproxy.workbook.Workbook;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A stopping server lets running requests end, refuses new ones, and sends an error to those it
 * cuts off.
 */
class DrainRouteTest {
  private static final String CHAT =
      "{\"model\":\"openai/scripted\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],\"stream\":%s}";

  @Wire({"1.2", "6.503stop"})
  @Test
  void refusedAndCutRequestsGetAnErrorDuringTheStop(@TempDir Path data) throws Exception {
    try (Gateway gateway =
        Gateway.start(data, Map.of("DRAIN_SECONDS", "3", "DRAIN_DELAY_SECONDS", "4"))) {
      String key = gateway.createKey("drain@example.com");
      try (RawConnection late = gateway.connect();
          RawConnection ending = gateway.connect();
          RawConnection stream = gateway.connect();
          RawConnection whole = gateway.connect()) {
        late.post("sk-none", CHAT.formatted("first", false));
        late.readUntil("}}");
        ending.post(key, CHAT.formatted("[[script chunks=2 hold=1]]", true));
        ending.readUntil("word1");
        stream.post(key, CHAT.formatted("[[script chunks=100000 gap=50]]", true));
        stream.readUntil("word1");
        whole.post(key, CHAT.formatted("[[script chunks=100000 gap=50]]", false));
        Awaitility.await().until(() -> gateway.provider().requests().size() == 3);

        CompletableFuture<Void> stop = CompletableFuture.runAsync(gateway::stop);
        Awaitility.await().until(gateway.application()::isStopping);
        assertThat(gateway.get("/v1/models", key).statusCode())
            .as("accepted while load balancers notice")
            .isEqualTo(200);
        Awaitility.await()
            .until(() -> {
              try (RawConnection probe = gateway.connect()) {
                probe.write(
                    "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                return probe.readAll().startsWith("HTTP/1.1 503 ");
              }
            });
        late.post(key, CHAT.formatted("second", false));
        assertThat(late.readAll())
            .startsWith("HTTP/1.1 503 ")
            .containsIgnoringCase("connection: close")
            .containsIgnoringCase("retry-after: ")
            .contains("The server is stopping");
        gateway.provider().release();
        assertThat(ending.readUntil("[DONE]")).contains("word2");

        assertThat(stream.readUntil("0\r\n\r\n"))
            .contains("event: error\ndata: {\"error\":{\"message\":\"The server is stopping.");
        assertThat(whole.readAll())
            .startsWith("HTTP/1.1 503 ")
            .contains("\"message\":\"The server is stopping.");
        stop.join();
      }
      gateway.start();
      assertThat(gateway.application().isStopping()).isFalse();
      assertThat(gateway.awaitRecords(3))
          .filteredOn(record -> record.status() == Status.SUCCESS)
          .hasSize(1);
      assertThat(gateway.awaitRecords(3))
          .filteredOn(record -> record.status() == Status.ERROR)
          .hasSize(2)
          .anySatisfy(record -> assertThat(record.tokensOut()).isPositive());
    }
  }

  @Test
  void stopWritesWhatWasSettledToTheWorkbookThoughNoRoundIsDue(@TempDir Path data)
      throws Exception {
    String email = "last@example.com";
    Gateway gateway = Gateway.start(data, Map.of("USAGE_FLUSH_SECONDS", "3600"));
    try {
      String key = gateway.createKey(email);
      for (int i = 0; i < 3; i++) {
        assertThat(gateway.chat(key, "openai/scripted", false, "hello").statusCode())
            .isEqualTo(200);
      }
      gateway.awaitRecords(3);
    } finally {
      gateway.close();
    }

    try (Workbook workbook = Workbook.open(gateway.settings())) {
      List<List<Object>> rows =
          workbook
              .client()
              .spreadsheets()
              .values()
              .get(workbook.spreadsheetId(), "'last_at_example_dot_com'!A1:Z")
              .execute()
              .getValues();
      assertThat(rows).as("the headers and three requests").hasSize(4);
    }
  }
}
