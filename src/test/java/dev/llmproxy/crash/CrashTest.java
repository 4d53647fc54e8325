package dev.llmproxy.crash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.StartedProduct;
import dev.llmproxy.base.Settings;
import dev.llmproxy.emulator.RecordedRequest;
import dev.llmproxy.emulator.ScriptedProvider;
import dev.llmproxy.emulator.StormyWorkbook;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Kills the gateway again and again, under load and with a failing workbook. Afterwards the ledger
 * and the sheets must have each request exactly once. The test's files stay in {@code
 * target/crash-test}.
 */
@Tag("crash")
class CrashTest {
  private static final int KILLS = Integer.getInteger("crash.kills", 100);
  private static final long SEED =
      Long.getLong("crash.seed", new SecureRandom().nextLong(1_000_000));

  private static final int ENOUGH_FOR_EVERYTHING = 80;
  private static final int COMMITS_SURVIVED = 2;
  private static final int CLIENTS = 12;
  private static final int FIRST_EPHEMERAL_PORT = 32_768;
  private static final int FIRST_PORT = 20_000;
  private static final List<String> EMAILS =
      List.of("ada@example.com", "bob@example.com", "bob@example.com", "cy.d@example.org");
  private static final Path FOLDER = Path.of("target", "crash-test");
  private static final Path DATA = FOLDER.resolve("data");
  private static final Duration LONGEST_WAIT_FOR_A_MOMENT = Duration.ofSeconds(20);
  private static final Duration LONGEST_CATCHING_UP = Duration.ofMinutes(3);

  private final Tripwire tripwire = new Tripwire();
  private final Queue<String> providerSaw = new ConcurrentLinkedQueue<>();

  /** When each life was killed, in System.nanoTime(). */
  private final List<Long> killed = new ArrayList<>();

  private final Map<Moment, Integer> hits = new EnumMap<>(Moment.class);
  private final Map<Moment, Integer> misses = new EnumMap<>(Moment.class);
  private Map<String, String> environment;
  private StormyWorkbook stormy;
  private Clients clients;
  private volatile StartedProduct gateway;
  private Duration usualStart;

  @Test
  void requestsAreRecordedExactlyOnceDespiteKills() throws Exception {
    System.out.printf("crash.seed=%d crash.kills=%d%n", SEED, KILLS);
    delete(FOLDER);
    Files.createDirectories(DATA);
    long begin = System.nanoTime();
    try (EmbeddedWorkbook embedded = EmbeddedWorkbook.open(FOLDER.resolve("workbook"), 0);
        StormyWorkbook storm = StormyWorkbook.before(embedded.rootUrl(), SEED, watcher());
        ScriptedProvider provider = ScriptedProvider.start()) {
      stormy = storm;
      provider.onRequest(this::providerGot);
      environment = environment(provider);
      Workbook workbook =
          Workbook.open(Settings.load(Path.of(""), Map.of("SHEETS_ROOT_URL", embedded.rootUrl())));
      clients =
          new Clients(
              URI.create("http://127.0.0.1:" + environment.get("PORT") + "/"),
              users(workbook),
              tripwire);
      Books books = killRepeatedly(workbook);

      Verdict verdict = new Verdict(clients.attempts(), List.copyOf(providerSaw), books, killed);
      report(Duration.ofNanos(System.nanoTime() - begin), verdict, books);
      verdict.check();
      if (KILLS >= ENOUGH_FOR_EVERYTHING) {
        assertEverythingHappened(verdict);
      }
    } finally {
      if (gateway != null) {
        gateway.destroy();
      }
    }
  }

  private void report(Duration took, Verdict verdict, Books books) {
    System.out.printf(
        "crash.seed=%d: %d kills in %d s (a start takes %d ms), %d requests sent, %d calls to the provider,"
            + " %d rows %s, of which %d INTERRUPTED after their end; %d long streams killed %d ms (median) after"
            + " what is noted of them; faults %s; kills %s, at another moment than planned %s%n",
        SEED,
        KILLS,
        took.toSeconds(),
        usualStart.toMillis(),
        clients.attempts().size(),
        providerSaw.size(),
        books.ledger().size(),
        verdict.statuses(),
        verdict.interruptedAfterTheirEnd(),
        verdict.longStreamsKilled(),
        verdict.medianLagMillis(),
        stormy.injected(),
        hits,
        misses);
  }

  /** Fails unless every kind of outcome, kill and fault has occurred. */
  private void assertEverythingHappened(Verdict verdict) {
    assertThat(verdict.statuses()).containsOnlyKeys("CANCELLED", "ERROR", "INTERRUPTED", "SUCCESS");
    assertThat(verdict.longStreamsKilled()).isGreaterThan(5);
    assertThat(hits).containsOnlyKeys(Moment.values());
    assertThat(stormy.injected()).doesNotContainValue(0);
  }

  private Books killRepeatedly(Workbook workbook) throws Exception {
    startAndStopWithoutKill();
    clients.start(CLIENTS, SEED);
    stormy.setStormy(true);
    List<Plan.Life> lives = Plan.lives(SEED, KILLS);
    for (int i = 0; i < lives.size(); i++) {
      clients.setLife(i + 1);
      live(lives.get(i));
    }
    clients.setLife(KILLS + 1);
    stormy.setDown(false);
    gateway = start();
    gateway.awaitAnswer();
    survive();
    clients.end();
    stormy.setStormy(false);
    catchUp(workbook);
    gateway.close();
    return Books.read(DATA, workbook);
  }

  /**
   * Lets commits fail so that the gateway cannot know whether they were applied, and does not kill
   * it. After a kill it would read the workbook in any case. Then lets commits be applied so late
   * that a gateway that did not wait for them would have written their rows again.
   */
  private void survive() {
    int before = stormy.ambiguous();
    Awaitility.await()
        .atMost(LONGEST_CATCHING_UP)
        .until(() -> stormy.ambiguous() >= before + COMMITS_SURVIVED);
    stormy.setStormy(false);
    stormy.applyRowsLate(COMMITS_SURVIVED);
    Awaitility.await().atMost(LONGEST_CATCHING_UP).until(() -> stormy.lateRowsLeft() == 0);
  }

  /** Creates the class archive for all later starts, and measures the time of a start. */
  private void startAndStopWithoutKill() throws IOException, InterruptedException {
    gateway = start();
    gateway.awaitAnswer();
    awaitKeys();
    gateway.close();
    gateway = start();
    usualStart = gateway.awaitAnswer();
    gateway.close();
  }

  private static void awaitKeys() {
    Awaitility.await()
        .atMost(LONGEST_WAIT_FOR_A_MOMENT)
        .until(() -> Files.exists(DATA.resolve("keys-snapshot.jsonl")));
  }

  private void live(Plan.Life life) throws IOException, InterruptedException {
    boolean outage = !life.outage().isZero();
    stormy.setDown(outage);
    FileTime before = ledgerTouched();
    gateway = start();
    if (outage) {
      StartedProduct living = gateway;
      Thread.ofVirtual().start(() -> endOutage(living, life.outage()));
    }
    boolean came = true;
    switch (life.moment()) {
      case STARTING -> sleep(life, usualStart);
      case OPENING_THE_LEDGER -> {
        came = awaitLedgerOpened(before);
        sleep(life, Duration.ofMillis(400));
      }
      case RUNNING -> {
        gateway.awaitAnswer();
        sleep(life, Duration.ofSeconds(4));
      }
      default -> {
        gateway.awaitAnswer();
        came = tripwire.await(life.moment(), LONGEST_WAIT_FOR_A_MOMENT);
        sleep(life, delayAfter(life.moment()));
      }
    }
    killed.add(System.nanoTime());
    gateway.kill();
    tripwire.release();
    (came ? hits : misses).merge(life.moment(), 1, Integer::sum);
    if (killed.size() % 10 == 0) {
      System.out.println(killed.size() + " kills");
    }
  }

  private static Duration delayAfter(Moment moment) {
    return switch (moment) {
      case WITHIN_A_STREAM -> Duration.ofSeconds(2);
      case BEFORE_A_FIRST_BYTE -> Duration.ofMillis(60);
      case AFTER_AN_END -> Duration.ofMillis(4);
      default -> Duration.ZERO;
    };
  }

  private static void sleep(Plan.Life life, Duration longest) throws InterruptedException {
    Thread.sleep(Math.round(longest.toMillis() * life.delay()));
  }

  private void endOutage(StartedProduct living, Duration after) {
    try {
      living.awaitAnswer();
      Thread.sleep(after);
      if (living == gateway) {
        stormy.setDown(false);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IllegalStateException dead) {
      // The next life decides whether it begins with an outage.
    }
  }

  private boolean awaitLedgerOpened(FileTime before) throws IOException, InterruptedException {
    long begin = System.nanoTime();
    while (ledgerTouched().equals(before)) {
      if (System.nanoTime() - begin > LONGEST_WAIT_FOR_A_MOMENT.toNanos()) {
        return false;
      }
      Thread.sleep(1);
    }
    return true;
  }

  /** SQLite creates its shared memory anew when the first connection opens. */
  private static FileTime ledgerTouched() throws IOException {
    Path memory = DATA.resolve("ledger.db-shm");
    return Files.exists(memory) ? Files.getLastModifiedTime(memory) : FileTime.fromMillis(0);
  }

  /** Waits until everything is flushed; the verdict reports what is missing after the limit. */
  private void catchUp(Workbook workbook) {
    try {
      Awaitility.await()
          .atMost(LONGEST_CATCHING_UP)
          .pollInterval(Duration.ofMillis(500))
          .until(() -> stormy.idle() && Books.read(DATA, workbook).quiet());
    } catch (ConditionTimeoutException e) {
      System.out.println("The books did not come to rest in " + LONGEST_CATCHING_UP);
    }
  }

  private StartedProduct start() throws IOException {
    return StartedProduct.startJar(FOLDER, environment, FOLDER.resolve("gateway.jsa"));
  }

  private void providerGot(RecordedRequest request) {
    providerSaw.add("openai/" + request.body().path("model").asText());
  }

  private StormyWorkbook.Watcher watcher() {
    return new StormyWorkbook.Watcher() {
      @Override
      public boolean commitArrived() {
        return tripwire.tripAndHold(Moment.COMMIT_ARRIVED);
      }

      @Override
      public void commitApplied() {
        tripwire.tripAndHold(Moment.COMMIT_APPLIED);
      }
    };
  }

  private Map<String, String> environment(ScriptedProvider provider) {
    Map<String, String> values = new HashMap<>();
    values.put("PORT", Integer.toString(freePort(new Random(SEED))));
    values.put("HOST", "127.0.0.1");
    values.put("LLMPROXY_DATA", DATA.toAbsolutePath().toString());
    values.put("LOCAL_MODEL", "off");
    values.put("OPENAI_BASE_URL", provider.baseUrl());
    values.put("OPENAI_API_KEY", "provider-secret");
    values.put("SHEETS_ROOT_URL", stormy.rootUrl());
    values.put("SHEETS_COMMIT_WAIT_SECONDS", Long.toString(StormyWorkbook.COMMIT_WAIT.toSeconds()));
    values.put("KEYS_REFRESH_SECONDS", "1");
    values.put("USAGE_FLUSH_SECONDS", "1");
    values.put("SHEETS_ROUNDS_PER_MINUTE", "60");
    values.put("SHEETS_DETAIL_ROWS_PER_DAY", "1000000");
    values.put("RATE_LIMIT_FREE", "1000000");
    // The verdict compares the provider's calls with the requests, one by one.
    values.put("PROVIDER_RETRIES", "0");
    values.put("BREAKER_FAILURE_PERCENT", "unlimited");
    values.put("LIVE_MODELS", "off");
    values.put("AUTH_FAILURES_PER_MINUTE", "1000000");
    return values;
  }

  /**
   * A free port outside the range of outgoing connections, which could take it while the gateway is
   * dead.
   */
  private static int freePort(Random random) {
    while (true) {
      int port = FIRST_PORT + random.nextInt(FIRST_EPHEMERAL_PORT - FIRST_PORT);
      try (ServerSocket socket = new ServerSocket()) {
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        return port;
      } catch (IOException taken) {
        System.out.println("Port " + port + " is taken");
      }
    }
  }

  private static List<Attempt.User> users(Workbook workbook) {
    List<Attempt.User> users = new ArrayList<>();
    SecureRandom random = new SecureRandom();
    for (String email : EMAILS) {
      String key = ApiKey.generate(random);
      new ApiKeyBook(workbook).add(key, email, "Crash test", "free", "2026-01-01T00:00:00Z");
      users.add(new Attempt.User(email, key));
    }
    return users;
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
