package dev.llmproxy.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.PostgresServer;
import dev.llmproxy.RedisServer;
import dev.llmproxy.StartedProduct;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.crash.Books;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.keys.RevokedKeys;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * Three servers, started from the jar, with one PostgreSQL, one Redis, one Kafka and one workbook,
 * all real but the workbook. Their files stay in {@code target/cluster-test}.
 */
@Tag("cluster")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ClusterTest {
  private static final int SERVERS = 3;
  private static final int CLIENTS = 6;
  private static final int ROUNDS = Integer.getInteger("cluster.rounds", 1);
  private static final int LIMIT = 40;
  private static final String TOPIC = "usage";
  private static final Path FOLDER = Path.of("target", "cluster-test");
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final String WRITES = "This server writes to the workbook now";

  private static final StartedProduct[] SERVER = new StartedProduct[SERVERS];
  private static final List<Integer> PORTS = new ArrayList<>();
  private static final List<String> KEYS = new ArrayList<>();
  private static RedisServer redis;
  private static KafkaBroker kafka;
  private static EmbeddedWorkbook embedded;
  private static ScriptedProvider provider;
  private static Workbook workbook;
  private static String database;

  @BeforeAll
  static void start() throws Exception {
    delete(FOLDER);
    Files.createDirectories(FOLDER);
    database = PostgresServer.shared().newDatabase();
    redis = RedisServer.start();
    kafka = KafkaBroker.start(FOLDER.resolve("kafka"));
    provider = ScriptedProvider.start();
    embedded = EmbeddedWorkbook.open(FOLDER.resolve("workbook"), 0);
    workbook =
        Workbook.open(Settings.load(Path.of(""), Map.of("SHEETS_ROOT_URL", embedded.rootUrl())));
    for (int i = 0; i < SERVERS; i++) {
      try (ServerSocket free = new ServerSocket(0)) {
        PORTS.add(free.getLocalPort());
      }
      Files.createDirectories(folder(i));
    }
    // Its normal end writes the archive that makes the other starts quick.
    start(0);
    SERVER[0].close();
    for (int i = 0; i < SERVERS; i++) {
      start(i);
    }
    for (String email : List.of("ada@example.com", "bob@example.com")) {
      KEYS.add(newKey(email, "free"));
    }
  }

  @AfterAll
  static void stop() {
    for (StartedProduct server : SERVER) {
      if (server != null) {
        server.destroy();
      }
    }
    for (AutoCloseable part : new AutoCloseable[] {embedded, provider, kafka, redis}) {
      try {
        if (part != null) {
          part.close();
        }
      } catch (Exception e) {
        System.out.println("A part of the test did not close: " + e);
      }
    }
  }

  @Order(1)
  @Test
  void limitIsExactAcrossTheServers() throws Exception {
    String key = newKey("limited@example.com", "forty");
    List<Callable<Integer>> requests =
        IntStream.range(0, 3 * LIMIT)
            .<Callable<Integer>>mapToObj(i -> () -> chat(i % SERVERS, key).statusCode())
            .toList();
    try (ExecutorService threads = Executors.newFixedThreadPool(2 * CLIENTS)) {
      List<Integer> statuses = threads.invokeAll(requests).stream().map(Future::resultNow).toList();
      assertThat(statuses).containsOnly(200, 429);
      assertThat(statuses.stream().filter(status -> status == 200)).hasSize(LIMIT);
    }
  }

  @Order(2)
  @Test
  void keyRevokedOnOneServerIsRefusedByAllAtOnce() throws Exception {
    String key = newKey("revoked@example.com", "free");
    // As revoke-key does when it cannot change the sheet.
    new RevokedKeys(folder(1).resolve("data")).add(ApiKey.hash(key));
    for (int i = 0; i < SERVERS; i++) {
      int server = i;
      await().atMost(Duration.ofSeconds(5)).until(() -> chat(server, key).statusCode() == 401);
    }
  }

  @Order(3)
  @Test
  void responseOfOneServerIsContinuedByTheOthers() throws Exception {
    String previous = null;
    for (int i = 0; i < SERVERS; i++) {
      HttpResponse<String> answer =
          SERVER[i].post(
              "/v1/responses",
              KEYS.getFirst(),
              "{\"model\":\"openai/scripted\",\"input\":\"turn %d\"%s}"
                  .formatted(
                      i, previous == null ? "" : ",\"previous_response_id\":\"" + previous + '"'));
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      previous = Json.parse(answer.body()).path("id").asText();
    }
    assertThat(provider.requests().getLast().body().path("messages"))
        .extracting(message -> message.path("content").asText())
        .contains("turn 0", "turn 1", "turn 2");
  }

  @Order(4)
  @Test
  void killedServersLoseAndDoubleNothing() throws Exception {
    ClusterClients clients = new ClusterClients(PORTS, KEYS);
    clients.start(CLIENTS);
    for (int round = 0; round < ROUNDS; round++) {
      Set<Integer> left = new HashSet<>(IntStream.range(0, SERVERS).boxed().toList());
      // The writer of the workbook first.
      int victim = writer();
      while (!left.isEmpty()) {
        left.remove(victim);
        awaitMoreAnswers(clients, 40);
        SERVER[victim].kill();
        awaitMoreAnswers(clients, 40);
        start(victim);
        victim = left.isEmpty() ? victim : left.iterator().next();
      }
    }
    clients.end();
    assertThat(clients.answered()).doesNotHaveDuplicates();
    assertBooksAreRight(clients);
  }

  @Order(5)
  @Test
  void rollingRestartFailsNoRequest() throws Exception {
    ClusterClients clients = new ClusterClients(PORTS, KEYS);
    clients.start(CLIENTS);
    for (int i = 0; i < SERVERS; i++) {
      awaitMoreAnswers(clients, 30);
      SERVER[i].close();
      start(i);
    }
    awaitMoreAnswers(clients, 30);
    clients.end();
    assertThat(clients.failures()).isEmpty();
    assertBooksAreRight(clients);
  }

  @Order(6)
  @Test
  void kafkaHasEveryRequestInOrder() throws Exception {
    List<String> ids = books().ledger().stream().map(Books.Entry::requestId).toList();
    await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofSeconds(2))
        .untilAsserted(() ->
            assertThat(kafka.messages(TOPIC).stream().map(ConsumerRecord::key).distinct().toList())
                .containsExactlyInAnyOrderElementsOf(ids));
    Map<String, Long> sequences = new HashMap<>();
    long last = 0;
    for (ConsumerRecord<String, String> message : kafka.messages(TOPIC)) {
      JsonNode event = Json.parse(message.value());
      assertThat(event.path("request_id").asText()).isEqualTo(message.key());
      long sequence = event.path("sequence").longValue();
      Long before = sequences.put(message.key(), sequence);
      if (before == null) {
        assertThat(sequence).as("a new request comes after all before it").isGreaterThan(last);
        last = sequence;
      } else {
        assertThat(sequence).as("a repeated request is the same").isEqualTo(before);
      }
    }
  }

  /** The ledger and the sheets have each request once, and each answered one as answered. */
  private static void assertBooksAreRight(ClusterClients clients) throws Exception {
    await().atMost(PATIENCE).pollInterval(Duration.ofSeconds(2)).until(() -> books().quiet());
    Books books = books();
    List<String> ledger = books.ledger().stream().map(Books.Entry::requestId).toList();
    assertThat(ledger).doesNotHaveDuplicates().containsAll(clients.answered());
    assertThat(books.sheets())
        .containsExactlyInAnyOrderElementsOf(
            books.ledger().stream().map(Books.SheetRow::of).toList());
    assertThat(books.counters()).containsAllEntriesOf(books.sums());
    System.out.printf(
        "cluster: %d answers, %d other outcomes, %d records%n",
        clients.answered().size(), clients.failures().size(), ledger.size());
  }

  private static Books books() throws Exception {
    String url =
        "jdbc:postgresql://127.0.0.1:%d/%s"
            .formatted(PostgresServer.shared().port(), PostgresServer.database(database));
    return Books.read(
        () -> DriverManager.getConnection(url, PostgresServer.USER, PostgresServer.PASSWORD),
        workbook);
  }

  private static void awaitMoreAnswers(ClusterClients clients, int more) {
    int before = clients.answered().size();
    await().atMost(PATIENCE).until(() -> clients.answered().size() >= before + more);
  }

  /** The server that has become the writer last. */
  private static int writer() {
    return IntStream.range(0, SERVERS)
        .boxed()
        .max(
            Comparator.comparing(i ->
                SERVER[i]
                    .log()
                    .lines()
                    .filter(line -> line.contains(WRITES))
                    .reduce("", (first, second) -> second)))
        .orElseThrow();
  }

  private static HttpResponse<String> chat(int server, String key) throws Exception {
    return SERVER[server].post(
        "/v1/chat/completions",
        key,
        "{\"model\":\"openai/scripted\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
  }

  /** A key that all servers know. */
  private static String newKey(String email, String tier) {
    String key = ApiKey.generate(new SecureRandom());
    new ApiKeyBook(workbook).add(key, email, "Cluster test", tier, "2026-01-01T00:00:00Z");
    for (int i = 0; i < SERVERS; i++) {
      int server = i;
      await()
          .atMost(PATIENCE)
          .until(() -> SERVER[server].get("/v1/models", key).statusCode() == 200);
    }
    return key;
  }

  private static void start(int server) throws Exception {
    Map<String, String> settings = new HashMap<>();
    settings.put("PORT", Integer.toString(PORTS.get(server)));
    settings.put("HOST", "127.0.0.1");
    settings.put("LLMPROXY_DATA", folder(server).resolve("data").toAbsolutePath().toString());
    settings.put("DATABASE_URL", database);
    settings.put("REDIS_URL", redis.url());
    settings.put("OPTIONAL_ROUTES", "usage-kafka");
    settings.put("KAFKA_BROKERS", kafka.address());
    settings.put("KAFKA_TOPIC", TOPIC);
    settings.put("SHEETS_ROOT_URL", embedded.rootUrl());
    settings.put("SHEETS_COMMIT_WAIT_SECONDS", "2");
    settings.put("SHEETS_ROUNDS_PER_MINUTE", "60");
    settings.put("SHEETS_DETAIL_ROWS_PER_DAY", "1000000");
    settings.put("KEYS_REFRESH_SECONDS", "1");
    settings.put("USAGE_FLUSH_SECONDS", "1");
    settings.put("RATE_LIMIT_FREE", "1000000");
    settings.put("RATE_LIMIT_FORTY", Integer.toString(LIMIT));
    settings.put("OPENAI_BASE_URL", provider.baseUrl());
    settings.put("OPENAI_API_KEY", "provider-secret");
    settings.put("LOCAL_MODEL", "off");
    settings.put("FIND_LOCAL_PROVIDERS", "off");
    settings.put("LIVE_MODELS", "off");
    SERVER[server] =
        StartedProduct.startJar(folder(server), settings, FOLDER.resolve("gateway.jsa"));
    SERVER[server].awaitAnswer();
  }

  private static Path folder(int server) {
    return FOLDER.resolve("server-" + server);
  }

  private static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
