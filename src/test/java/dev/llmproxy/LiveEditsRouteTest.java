package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.admin.LiveEdits;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import dev.llmproxy.emulator.ScriptedProvider;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.ObjectName;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Edits of routes, providers and settings take effect while requests run, and mistakes do not. */
class LiveEditsRouteTest {
  private static final String STREAM = "[[script chunks=20 gap=10]]";
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Pattern CONTEXTS =
      Pattern.compile(
          "(?m)^\\s*\\d+:\\s+(\\d+)\\s+\\d+\\s+org\\.apache\\.camel\\.impl\\.DefaultCamelContext(?:\\s|$)");

  @TempDir private static Path folder;
  private static Path home;
  private static Gateway gateway;
  private static String key;

  @BeforeAll
  static void start() throws IOException {
    home = OwnHome.copyTo(folder.resolve("home"));
    gateway =
        Gateway.startAt(
            home,
            folder.resolve("data"),
            Map.of("ROUTES_WATCH", "on", "ROUTES_DRAIN_SECONDS", "15"));
    key = gateway.createKey("live@example.com");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @Test
  void editsUnderLoadTakeEffectAndEachStreamIsWholeAndRecordedOnce() throws Exception {
    String whole = comparable(gateway.chat(key, "openai/scripted", true, STREAM));
    long before = gateway.application().ledger().lastSequence();
    AtomicBoolean over = new AtomicBoolean();
    ConcurrentLinkedQueue<String> answers = new ConcurrentLinkedQueue<>();
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 8; i++) {
        clients.execute(() -> {
          while (!over.get()) {
            answers.add(comparable(gateway.chat(key, "openai/scripted", true, STREAM)));
          }
        });
      }
      for (String edit : List.of("one", "two", "three")) {
        Files.writeString(
            home.resolve("routes/hook-request.camel.yaml"),
            """
            - route:
                id: hook-request
                from:
                  uri: direct:hook-request
                  steps:
                    - setHeader:
                        name: x-edit
                        constant: %s
            """
                .formatted(edit));
        Awaitility.await()
            .atMost(LONG)
            .until(() ->
                gateway
                    .chat(key, "openai/scripted", false, "hello")
                    .headers()
                    .firstValue("x-edit")
                    .equals(Optional.of(edit)));
      }
      over.set(true);
    }

    assertThat(answers).hasSizeGreaterThan(8).containsOnly(whole);
    Awaitility.await()
        .until(() -> gateway.application().ledger().after(before, 10_000).size() >= answers.size());
    assertThat(gateway.application().ledger().after(before, 10_000))
        .allMatch(record -> record.status() == Status.SUCCESS);
    Awaitility.await()
        .atMost(LONG)
        .until(() ->
            gateway.sheet("live_at_example_dot_com").size()
                == gateway.application().ledger().after(0, 10_000).size() + 1);
    Files.copy(
        Path.of("routes/hook-request.camel.yaml"),
        home.resolve("routes/hook-request.camel.yaml"),
        StandardCopyOption.REPLACE_EXISTING);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "api-embeddings | '- to: direct:gate-limit' | '- too: direct:gate-limit' | there is no step \"too\"",
        "api-embeddings | 'to: direct:gate-limit' | 'to: direct:gate-limmit' | no route starts from direct:gate-limmit",
        "api-rerank | /v1/rerank | /v1/moderations | is also served by the route api-moderations",
        "chat-events | ref: chatCalls.next | ref: chatCals.next | there is no bean \"chatCals\"",
        "call-end | 'id: call-end' | 'id: call-serve' | two routes have the id call-serve"
      })
  void brokenEditChangesNothingAndIsReportedWithFileLineAndReason(
      String route, String right, String wrong, String reason) throws IOException {
    Path file = home.resolve("routes/%s.camel.yaml".formatted(route));
    String text = Files.readString(file);
    assertThat(text).contains(right);
    Files.writeString(file, text.replace(right, wrong));
    try {
      JsonNode report = live().reread();
      assertThat(report.at("/last_attempt/used").asBoolean(true)).isFalse();
      JsonNode problem = report.at("/last_attempt/problems/0");
      assertThat(problem.path("reason").asText()).contains(reason);
      assertThat(problem.path("file").asText()).contains("routes/").endsWith(".camel.yaml");
      assertThat(problem.path("line").asInt()).isPositive();
      assertThat(gateway.chat(key, "openai/scripted", false, "hello").statusCode()).isEqualTo(200);
    } finally {
      Files.writeString(file, text);
    }
    assertUsed(live().reread());
  }

  @Test
  void providerIsAddedAndItsAddressChanges() throws IOException {
    Path properties = home.resolve("application.properties");
    String before = Files.readString(properties);
    Path file = home.resolve("providers/second.yaml");
    try (ScriptedProvider second = ScriptedProvider.start()) {
      Files.writeString(
          file, "label: Second\nformat: openai\nbaseUrl: https://second.invalid/v1\n");
      Files.writeString(
          properties,
          "\nSECOND_API_KEY = one\nSECOND_BASE_URL = %s\nMAX_BODY_MB = 7\n"
              .formatted(gateway.provider().baseUrl()),
          StandardOpenOption.APPEND);
      JsonNode report = live().reread();
      assertUsed(report);
      assertThat(report.at("/last_attempt/need_restart"))
          .extracting(JsonNode::asText)
          .containsExactly("MAX_BODY_MB");
      assertThat(gateway.chat(key, "second/scripted", false, "hello").statusCode()).isEqualTo(200);
      assertThat(second.requests()).isEmpty();

      Files.writeString(
          properties,
          "\nSECOND_BASE_URL = %s\n".formatted(second.baseUrl()),
          StandardOpenOption.APPEND);
      assertUsed(live().reread());
      assertThat(gateway.chat(key, "second/scripted", false, "hello").statusCode()).isEqualTo(200);
      assertThat(second.requests()).hasSize(1);
    } finally {
      Files.deleteIfExists(file);
      Files.writeString(properties, before);
    }
    assertUsed(live().reread());
    assertThat(gateway.chat(key, "second/scripted", false, "hello").statusCode()).isEqualTo(404);
  }

  @Test
  void brokenProviderFileChangesNothing() throws IOException {
    Path file = home.resolve("providers/third.yaml");
    Files.writeString(file, "label: Third\nformat: opneai\n");
    try {
      JsonNode report = live().reread();
      assertThat(report.at("/last_attempt/problems/0/file").asText())
          .isEqualTo("providers/third.yaml");
      assertThat(report.at("/last_attempt/problems/0/line").asInt()).isEqualTo(2);
    } finally {
      Files.delete(file);
    }
    assertUsed(live().reread());
  }

  @Test
  void removedRouteNoLongerServes() throws IOException {
    Path file = home.resolve("routes/api-rerank.camel.yaml");
    String text = Files.readString(file);
    Files.delete(file);
    try {
      assertUsed(live().reread());
      assertThat(gateway.post("/v1/rerank", key, "{}").statusCode()).isEqualTo(404);
    } finally {
      Files.writeString(file, text);
    }
    assertUsed(live().reread());
    assertThat(gateway.post("/v1/rerank", key, "{}").statusCode()).isEqualTo(400);
  }

  @Test
  void responsesAreRememberedAndStreamsAreCutAtTheLimit() throws Exception {
    String first =
        Gateway.json(
                gateway.post(
                    "/v1/responses", key, "{\"model\":\"openai/scripted\",\"input\":\"hello\"}"))
            .path("id")
            .asText();
    try (RawConnection stream = gateway.connect()) {
      stream.post(
          key,
          "{\"model\":\"openai/scripted\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"[[script chunks=2 hold=1]]\"}]}");
      stream.readUntil("word1");
      assertUsed(live().reread());

      String next =
          Json.text(
              Json.object()
                  .put("model", "openai/scripted")
                  .put("input", "more")
                  .put("previous_response_id", first));
      assertThat(gateway.post("/v1/responses", key, next).statusCode()).isEqualTo(200);
      assertThat(stream.readUntil("0\r\n\r\n"))
          .contains(
              "event: error\ndata: {\"error\":{\"message\":\"The server's routes were replaced");
    } finally {
      gateway.provider().release();
    }
  }

  @Test
  void replacedRoutesLeaveNothingInMemory() throws Exception {
    awaitNoneEnds();
    int before = contexts();
    for (int i = 0; i < 30; i++) {
      assertUsed(live().reread());
    }
    awaitNoneEnds();
    Awaitility.await()
        .atMost(LONG)
        .pollInterval(500, TimeUnit.MILLISECONDS)
        .until(() -> contexts() <= before);
  }

  private static void awaitNoneEnds() {
    Awaitility.await().atMost(LONG).until(() -> live().report().path("ending").asInt() == 0);
  }

  /** The contexts that are reachable; the histogram collects garbage first. */
  private static int contexts() throws Exception {
    String histogram =
        (String)
            ManagementFactory.getPlatformMBeanServer()
                .invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"),
                    "gcClassHistogram",
                    new Object[] {new String[0]},
                    new String[] {String[].class.getName()});
    Matcher line = CONTEXTS.matcher(histogram);
    assertThat(line.find()).isTrue();
    return Integer.parseInt(line.group(1));
  }

  private static LiveEdits live() {
    return gateway.application().liveEdits();
  }

  private static void assertUsed(JsonNode report) {
    assertThat(report.at("/last_attempt/used").asBoolean()).as(Json.text(report)).isTrue();
  }

  /** The answer without what differs between requests. */
  private static String comparable(HttpResponse<String> answer) {
    return answer.statusCode()
        + answer
            .body()
            .replaceAll("\"id\":\"[^\"]*\"", "\"id\":\"\"")
            .replaceAll("\"created\":\\d+", "\"created\":0");
  }
}
