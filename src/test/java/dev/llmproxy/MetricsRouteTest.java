package dev.llmproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.llmproxy.ledger.UsageRecord;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Prometheus reads at /metrics after some traffic. */
class MetricsRouteTest {
  private static final String EMAIL = "metrics@example.com";
  private static final String SECRET_WORDS = "secret words of a client";
  private static final Pattern ROW =
      Pattern.compile("(?m)^\\| `([a-z_]+)` \\| (\\w+) \\| (.*?) \\| .* \\|$");

  @TempDir private static Path data;
  private static Gateway gateway;
  private static String key;
  private static Scrape scrape;
  private static List<UsageRecord> records;

  @BeforeAll
  static void start() {
    gateway =
        Gateway.start(
            data, Map.of("MANAGEMENT_PORT", "0", "RESPONSE_CACHE_MB", "1", "RATE_LIMIT_ONE", "1"));
    key = gateway.createKey(EMAIL);
    gateway.chat(key, "openai/scripted", false, SECRET_WORDS);
    gateway.chat(key, "openai/gpt-4o", true, SECRET_WORDS);
    gateway.chat(key, "openai/scripted-down", true, SECRET_WORDS);
    gateway.post("/v1/embeddings", key, "{\"model\":\"openai/scripted\",\"input\":\"x\"}");
    gateway.chat("sk-wrong", "openai/scripted", true, SECRET_WORDS);
    String limited = gateway.createKey("one@example.com", "one");
    gateway.chat(limited, "openai/scripted", false, "Hi");
    gateway.chat(limited, "openai/scripted", false, "Hi");
    ToolChats tools = new ToolChats(gateway, key);
    tools.stream(
        ToolChats.request(
            ToolChats.script("calculator {\"expression\": \"6*7\"}"), ToolChats.CALCULATOR));
    records = gateway.awaitRecords(6);
    scrape = Awaitility.await().until(MetricsRouteTest::scrape, MetricsRouteTest::isComplete);
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  private static Scrape scrape() {
    HttpResponse<String> answer = gateway.getManagement("/metrics");
    assertThat(answer.statusCode()).isEqualTo(200);
    return Scrape.of(answer.body());
  }

  /** A request is counted after its client has the answer. */
  private static boolean isComplete(Scrape seen) {
    return seen.sum("llmproxy_requests_total", Map.of()) == 8
        && seen.sum("llmproxy_flush_waiting", Map.of()) == 0;
  }

  @Wire("16.metrics")
  @Test
  void requestsAreCountedByEndpointModelStatusAndError() {
    assertThat(requests("operation", "chat", "status", "success")).isEqualTo(4);
    assertThat(requests("endpoint", "/v1/embeddings", "format", "openai", "status", "success"))
        .isEqualTo(1);
    assertThat(requests("status", "error", "error_type", "upstream_error")).isEqualTo(1);
    assertThat(requests("status", "refused", "error_type", "invalid_api_key", "model", "none"))
        .isEqualTo(1);
    assertThat(requests("status", "refused", "error_type", "rate_limit_exceeded")).isEqualTo(1);
    assertThat(scrape.sum("llmproxy_limits_refused_total", Map.of("limit", "requests_per_minute")))
        .isEqualTo(1);
  }

  @Test
  void streamHasItsWaitForTheFirstTokenAndTheTimeOfEachToken() {
    Map<String, String> model =
        Map.of("gen_ai_provider_name", "openai", "gen_ai_request_model", "gpt-4o");

    assertThat(scrape.sum("gen_ai_server_time_to_first_token_seconds_count", model)).isEqualTo(1);
    assertThat(scrape.sum("gen_ai_server_time_per_output_token_seconds_count", model)).isEqualTo(1);
    double total = scrape.sum("gen_ai_server_request_duration_seconds_sum", model);
    assertThat(scrape.sum("gen_ai_server_time_to_first_token_seconds_sum", model))
        .isPositive()
        .isLessThanOrEqualTo(total);
  }

  @Test
  void tokensAndCostAreThoseOfTheLedger() {
    double input = records.stream().mapToDouble(record -> record.tokensIn()).sum();
    double cost =
        records.stream()
            .filter(record -> record.cost() != null)
            .mapToDouble(record -> record.cost().doubleValue())
            .sum();

    assertThat(scrape.sum("gen_ai_client_token_usage_sum", Map.of("gen_ai_token_type", "input")))
        .isPositive()
        .isEqualTo(input);
    assertThat(scrape.sum("llmproxy_cost_dollars_total", Map.of()))
        .isPositive()
        .isCloseTo(cost, within(1e-12));
  }

  @Test
  void attemptsAreCountedWithTheirErrors() {
    String attempts = "gen_ai_client_operation_duration_seconds_count";

    assertThat(scrape.sum(attempts, Map.of("error_type", "upstream_error"))).isEqualTo(1);
    // A chat with a tool asks twice.
    assertThat(scrape.sum(attempts, Map.of("error_type", ""))).isEqualTo(6);
    assertThat(scrape.sum("llmproxy_tool_duration_seconds_count", Map.of("tool", "calculator")))
        .isEqualTo(1);
  }

  @Test
  void onlyModelsThatAnswerHaveALabelOfTheirOwn() {
    Set<String> models =
        scrape.samples().stream()
            .map(sample -> sample.labels().get("model"))
            .filter(name -> name != null)
            .collect(Collectors.toSet());

    assertThat(models).containsExactlyInAnyOrder("scripted", "gpt-4o", "other", "none");
  }

  @Test
  void labelsHaveNoKeyAddressIdOrTextOfAClient() {
    String all = gateway.getManagement("/metrics").body();

    assertThat(all)
        .doesNotContain(key, "sk-wrong", EMAIL, "example.com", "req_", "secret", "provider-secret");
  }

  @Test
  void serverPartsAreMeasured() {
    for (String up :
        List.of(
            "llmproxy_ledger_up",
            "llmproxy_flush_up",
            "llmproxy_flush_leader",
            "llmproxy_key_directory_usable",
            "llmproxy_limits_store_up",
            "llmproxy_build_info")) {
      assertThat(scrape.sum(up, Map.of())).as(up).isEqualTo(1);
    }
    assertThat(scrape.sum("llmproxy_keys", Map.of())).isEqualTo(2);
    assertThat(scrape.sum("llmproxy_key_directory_age_seconds", Map.of())).isBetween(0.0, 60.0);
    assertThat(scrape.sum("llmproxy_ledger_commit_seconds_count", Map.of())).isPositive();
    assertThat(scrape.sum("llmproxy_workbook_calls_total", Map.of("call", "read", "outcome", "ok")))
        .isPositive();
    assertThat(
            scrape.sum("llmproxy_workbook_calls_total", Map.of("call", "write", "outcome", "ok")))
        .isPositive();
    Awaitility.await()
        .until(() -> scrape().sum("llmproxy_event_loop_delay_seconds_count", Map.of()) > 0);
  }

  @Test
  void cacheCountsHitsAndMisses() {
    String chat =
        "{\"model\":\"openai/scripted\",\"temperature\":0,\"messages\":[{\"role\":\"user\",\"content\":\"again\"}]}";
    gateway.post(key, chat);
    gateway.post(key, chat);

    Scrape now = scrape();
    assertThat(now.sum("llmproxy_cache_lookups_total", Map.of("result", "miss"))).isEqualTo(1);
    assertThat(now.sum("llmproxy_cache_lookups_total", Map.of("result", "hit"))).isEqualTo(1);
  }

  @Test
  void pageListsExactlyTheMetricsThatThereAre() throws IOException {
    Matcher row = ROW.matcher(Files.readString(Path.of("docs/monitoring.md")));
    Map<String, String> listed = new TreeMap<>();
    while (row.find()) {
      String labels =
          Arrays.stream(row.group(3).split("[`, ]+"))
              .filter(label -> !label.isEmpty())
              .sorted()
              .collect(Collectors.joining(" "));
      listed.put(row.group(1), row.group(2) + " " + labels);
    }

    Map<String, String> real = new TreeMap<>();
    scrape
        .types()
        .forEach((name, type) -> {
          boolean own = name.startsWith("llmproxy_") || name.startsWith("gen_ai_");
          boolean maximum =
              name.endsWith("_max")
                  && "histogram".equals(scrape.types().get(name.substring(0, name.length() - 4)));
          if (own && !maximum) {
            real.put(
                name,
                type
                    + " "
                    + scrape.labels(name).stream().sorted().collect(Collectors.joining(" ")));
          }
        });
    assertThat(listed).isEqualTo(real);
  }

  @Test
  void everyMetricAndLabelOfTheDashboardAndTheAlertsExists() throws IOException {
    // Java measures its collections from the first one on.
    System.gc();
    Scrape now =
        Awaitility.await()
            .until(
                MetricsRouteTest::scrape, seen -> seen.types().containsKey("jvm_gc_pause_seconds"));

    MonitoringFilesTest.expressions()
        .forEach((where, expression) -> {
          MonitoringFilesTest.Use use = MonitoringFilesTest.use(expression);
          Set<String> labels =
              use.metrics().stream()
                  .flatMap(metric -> now.labels(now.family(metric)).stream())
                  .collect(Collectors.toSet());
          assertThat(labels).as(where).containsAll(use.labels());
          assertThat(now.samples().stream().map(Scrape.Sample::name).toList())
              .as(where)
              .containsAll(use.metrics());
        });
  }

  @Wire("16.metrics")
  @Test
  void metricsAreNotForRequestsThatAProxyHasPassedOnNorOnTheApiPort() {
    HttpResponse<String> passedOn =
        gateway.send(
            HttpRequest.newBuilder(
                    URI.create("http://127.0.0.1:" + gateway.managementPort() + "/metrics"))
                .header("X-Forwarded-For", "192.0.2.7")
                .build());

    assertThat(passedOn.statusCode()).isEqualTo(403);
    assertThat(passedOn.body()).contains("metrics_not_allowed", "METRICS_FROM");
    assertThat(gateway.get("/metrics", null).statusCode()).isEqualTo(404);
  }

  private static double requests(String... labels) {
    Map<String, String> wanted = new TreeMap<>();
    for (int i = 0; i < labels.length; i += 2) {
      wanted.put(labels[i], labels[i + 1]);
    }
    return scrape.sum("llmproxy_requests_total", wanted);
  }
}
