package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.base.Jdbc;
import dev.llmproxy.call.Status;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sums of usage are exact, whatever happens between batches. */
class UsageRollupTest {
  private static final YearMonth MARCH = YearMonth.of(2026, 3);
  private static final String KEY = RandomUsage.keyHash(1);

  @TempDir private Path folder;

  /** The store of the same new ledger on each call. */
  LedgerStore store() {
    return new SqliteStore(folder, false);
  }

  final Ledger open() {
    return Ledger.open(store(), Duration.ofSeconds(30));
  }

  @Test
  void everyTableHasTheSumsOfTheRequestsToTheLastDigit() {
    Random random = new Random(1);
    RandomUsage usage = new RandomUsage(random);
    try (Ledger ledger = open()) {
      for (int round = 0; round < 20; round++) {
        usage.settle(ledger, random.nextInt(100));
        int limit = 1 + random.nextInt(40);
        ledger.sumUsage(limit);
        // A batch that is not committed counts nothing.
        assertThatThrownBy(() ->
                ledger.write(connection -> {
                  UsageRollup.sumBatch(new Prepared(connection), limit);
                  throw new IllegalStateException("crash");
                }))
            .isInstanceOf(LedgerException.class);
      }
    }
    try (Ledger ledger = open()) {
      sumAll(ledger);

      List<UsageRecord> records = ledger.after(0, 1_000_000);
      assertThat(records).hasSizeGreaterThan(500);
      assertSums(
          ledger,
          "select o.email, o.key_hash, u.day, m.model, u.type, u.status, u.* from usage_day u"
              + " join usage_owner o on o.id = u.owner join usage_model m on m.id = u.model",
          6,
          UsageMeasures.LATENCY_COLUMNS,
          records,
          record ->
              List.of(
                  record.email(),
                  record.keyHash(),
                  day(record),
                  record.model(),
                  record.type(),
                  record.status()));
      assertSums(
          ledger,
          "select u.day, m.model, u.type, u.status, u.* from usage_model_day u"
              + " join usage_model m on m.id = u.model",
          4,
          UsageMeasures.LATENCY_COLUMNS,
          records,
          record -> List.of(day(record), record.model(), record.type(), record.status()));
      assertSums(
          ledger,
          "select u.month, o.email, o.key_hash, u.* from usage_month u"
              + " join usage_owner o on o.id = u.owner",
          3,
          UsageMeasures.END_COLUMNS,
          records,
          record ->
              List.of(
                  UsageMeasures.month(YearMonth.from(record.timestamp().atZone(ZoneOffset.UTC))),
                  record.email(),
                  record.keyHash()));
      assertSums(
          ledger,
          "select u.hour, u.status, u.* from usage_hour u",
          2,
          UsageMeasures.LATENCY_COLUMNS,
          records,
          record -> List.of(record.timestamp().toEpochMilli() / 3_600_000, record.status()));
    }
  }

  @Test
  void requestsAreSummedOnceWhileOthersAreSettled() throws Exception {
    RandomUsage usage = new RandomUsage(new Random(2));
    try (Ledger ledger = open();
        Ledger other = store().shared() ? open() : null;
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Ledger second = other == null ? ledger : other;
      var summing =
          threads.submit(() -> {
            while (second.after(0, 1000).size() < 500) {
              second.sumUsage(7);
            }
          });
      for (int i = 0; i < 50; i++) {
        usage.settle(ledger, 10);
        ledger.sumUsage(5);
      }
      summing.get();
      sumAll(ledger);

      assertThat(requests(ledger)).isEqualTo(500);
    }
  }

  @Test
  void requestSettledJustNowIsSpent() {
    try (Ledger ledger = open()) {
      UsageStatistics statistics = new UsageStatistics(ledger);
      settle(ledger, "first", KEY, "2026-03-31T23:59:59.999Z", "0.000000000001");
      sumAll(ledger);
      settle(ledger, "second", KEY, "2026-03-01T00:00:00Z", "9223372.036854775807");
      settle(ledger, "unknown price", KEY, "2026-03-02T00:00:00Z", null);
      settle(ledger, "other month", KEY, "2026-04-01T00:00:00Z", "1");
      settle(ledger, "other key", RandomUsage.keyHash(2), "2026-03-02T00:00:00Z", "2");
      settle(ledger, "signed in", "", "2026-03-02T00:00:00Z", "3");
      ledger.admit(RandomUsage.admission("running", KEY, Instant.parse("2026-03-02T00:00:00Z")));

      Spending key = new Spending(new BigDecimal("9223372.036854775808"), 1);
      for (int i = 0; i < 2; i++) {
        assertThat(statistics.spentByKey(KEY, MARCH)).isEqualTo(key);
        assertThat(statistics.spentByKey(KEY, MARCH.plusMonths(2))).isEqualTo(Spending.NONE);
        assertThat(statistics.spentByPerson("User@example.com", MARCH).cost())
            .isEqualByComparingTo("3");
        assertThat(statistics.spent(MARCH))
            .containsOnlyKeys(KEY, RandomUsage.keyHash(2), "user@example.com")
            .containsEntry(KEY, key);
        sumAll(ledger);
      }
    }
  }

  @Test
  void oldLedgerIsSummedWithPausesForTheRequests() {
    RandomUsage usage = new RandomUsage(new Random(3));
    try (Ledger ledger = open()) {
      UsageRollup rollup = new UsageRollup(ledger);
      assertThat(rollup.behind()).as("behind in an empty ledger").isFalse();
      usage.settle(ledger, UsageRollup.BATCH + 1);

      assertThat(rollup.behind()).isTrue();
      rollup.sumNext();
      assertThat(requests(ledger)).isEqualTo(UsageRollup.BATCH);
      assertThat(rollup.behind()).isTrue();
      rollup.sumNext();
      assertThat(requests(ledger)).isEqualTo(UsageRollup.BATCH + 1);
      assertThat(rollup.behind()).isFalse();

      usage.settle(ledger, 1);
      int batches = 0;
      while (rollup.behind()) {
        batches++;
      }
      assertThat(batches).isEqualTo(200);
      assertThat(rollup.behind()).as("behind after the pause").isTrue();
    }
  }

  static void sumAll(Ledger ledger) {
    long before = -1;
    long summed = 0;
    while (summed > before) {
      before = summed;
      summed = ledger.sumUsage(50);
    }
  }

  private static long requests(Ledger ledger) {
    return ledger
        .read(connection ->
            Jdbc.list(connection, "select sum(requests) from usage_day", row -> row.getLong(1)))
        .getFirst();
  }

  private static void settle(
      Ledger ledger, String requestId, String keyHash, String admitted, String cost) {
    ledger.admit(RandomUsage.admission(requestId, keyHash, Instant.parse(admitted)));
    ledger.settle(
        LedgerTest.settlement(
            requestId, Status.SUCCESS, cost == null ? null : new BigDecimal(cost)));
  }

  private static long day(UsageRecord record) {
    return record.timestamp().toEpochMilli() / 86_400_000;
  }

  /** Compares the rows of a table, by their first columns, with the sums of the records. */
  private static void assertSums(
      Ledger ledger,
      String select,
      int dimensions,
      List<String> furtherColumns,
      List<UsageRecord> records,
      Function<UsageRecord, List<Object>> group) {
    List<String> columns =
        Stream.concat(
                Stream.of(
                    "requests",
                    "turns",
                    "tool_calls",
                    "tokens_in",
                    "tokens_out",
                    "cost",
                    "unpriced",
                    "duration_ms"),
                furtherColumns.stream())
            .toList();
    Map<String, Map<String, BigInteger>> expected = new TreeMap<>();
    for (UsageRecord record : records) {
      Map<String, BigInteger> sums =
          expected.computeIfAbsent(name(group.apply(record)), name -> new TreeMap<>());
      Map<String, BigInteger> values = sums(record);
      columns.forEach(column -> sums.merge(column, values.get(column), BigInteger::add));
    }
    Map<String, Map<String, BigInteger>> actual =
        ledger
            .read(connection ->
                Jdbc.list(
                    connection,
                    select,
                    row -> {
                      List<Object> names = new ArrayList<>();
                      for (int i = 1; i <= dimensions; i++) {
                        names.add(row.getString(i));
                      }
                      Map<String, BigInteger> sums = new TreeMap<>();
                      for (String column : columns) {
                        sums.put(
                            column,
                            column.startsWith("tokens") || column.equals("cost")
                                ? RequestTable.sum(row, row.findColumn(column + "_high"))
                                : BigInteger.valueOf(row.getLong(column)));
                      }
                      return Map.entry(name(names), sums);
                    }))
            .stream()
            .collect(
                Collectors.toMap(
                    Map.Entry::getKey, Map.Entry::getValue, (a, b) -> a, TreeMap::new));
    assertThat(actual).isEqualTo(expected);
  }

  private static String name(List<Object> parts) {
    return parts.stream().map(Object::toString).collect(Collectors.joining(" | "));
  }

  private static Map<String, BigInteger> sums(UsageRecord record) {
    Map<String, BigInteger> sums = new TreeMap<>();
    sums.put("requests", BigInteger.ONE);
    sums.put("turns", BigInteger.valueOf(record.turns()));
    sums.put("tool_calls", BigInteger.valueOf(record.toolCalls()));
    sums.put("tokens_in", BigInteger.valueOf(record.tokensIn()));
    sums.put("tokens_out", BigInteger.valueOf(record.tokensOut()));
    sums.put(
        "cost",
        record.cost() == null
            ? BigInteger.ZERO
            : record.cost().movePointRight(12).toBigIntegerExact());
    boolean tokens = record.tokensIn() > 0 || record.tokensOut() > 0;
    sums.put("unpriced", count(record.cost() == null && tokens));
    sums.put("duration_ms", BigInteger.valueOf(record.durationMillis()));
    sums.put(
        "failed", count(record.status() == Status.ERROR || record.status() == Status.INTERRUPTED));
    sums.put("cancelled", count(record.status() == Status.CANCELLED));
    long from = -1;
    for (int limit : UsageMeasures.LIMITS) {
      sums.put("within_" + limit, successful(record, from, limit));
      from = limit;
    }
    sums.put("longer", successful(record, from, Long.MAX_VALUE));
    return sums;
  }

  private static BigInteger successful(UsageRecord record, long above, long upTo) {
    return count(
        record.status() == Status.SUCCESS
            && record.durationMillis() > above
            && record.durationMillis() <= upTo);
  }

  private static BigInteger count(boolean counts) {
    return counts ? BigInteger.ONE : BigInteger.ZERO;
  }
}
