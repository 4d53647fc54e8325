package dev.llmproxy.ledger;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.call.Status;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Statistics agree with the records of the requests, however many of them are summed. */
class UsageStatisticsTest {
  private static final LocalDate FIRST = LocalDate.of(2026, 1, 1);
  private static final LocalDate LAST = LocalDate.of(2026, 12, 31);
  private static final UsageFilter ALL = UsageFilter.of(FIRST, LAST);
  private static final int MANY = 1000;

  @TempDir private Path folder;

  private Ledger ledger;
  private UsageStatistics statistics;
  private List<UsageRecord> records;

  LedgerStore store() {
    return new SqliteStore(folder, false);
  }

  @BeforeEach
  void randomUsageOfWhichSomeIsSummed() {
    ledger = Ledger.open(store(), Duration.ofSeconds(30));
    statistics = new UsageStatistics(ledger);
    RandomUsage usage = new RandomUsage(new Random(4));
    usage.settle(ledger, 300);
    UsageRollupTest.sumAll(ledger);
    usage.settle(ledger, 100);
    records = ledger.after(0, MANY);
  }

  @AfterEach
  void close() {
    ledger.close();
  }

  @Test
  void sumsAgreeWithTheRecordsInEveryDimension() {
    for (UsageFilter filter : filters()) {
      assertThat(statistics.sum(filter))
          .usingRecursiveComparison()
          .ignoringFields("medianMillis", "p95Millis")
          .isEqualTo(sum(matching(filter)));
      for (UsageBy by : UsageBy.values()) {
        assertThat(rows(by, filter))
            .as("by %s with %s", by, filter)
            .isEqualTo(expected(by, filter));
      }
    }
  }

  @Test
  void rowsAreSortedAndCutIntoPages() {
    for (UsageOrder order : UsageOrder.values()) {
      for (UsageBy by : UsageBy.values()) {
        List<UsageRow> all = statistics.page(by, ALL, order, false, 0, MANY).rows();
        assertThat(all).isSortedAccordingTo(comparator(order));
        List<UsageRow> paged = new ArrayList<>();
        for (int offset = 0; offset < all.size(); offset += 3) {
          UsagePage page = statistics.page(by, ALL, order, false, offset, 3);
          assertThat(page.count()).isEqualTo(all.size());
          paged.addAll(page.rows());
        }
        assertThat(paged).isEqualTo(all);
        assertThat(statistics.page(by, ALL, order, true, 0, MANY).rows()).isEqualTo(all.reversed());
      }
    }
  }

  @Test
  void hoursAgreeWithTheRecords() {
    Instant first = Instant.parse("2026-02-01T00:30:00Z");
    Instant last = Instant.parse("2026-03-01T00:10:00Z");
    for (String email : new String[] {null, "USER@example.com"}) {
      Map<Instant, List<UsageRecord>> hours =
          records.stream()
              .filter(record -> email == null || isOf(record, email))
              .filter(record ->
                  !record.timestamp().isBefore(Instant.parse("2026-02-01T00:00:00Z"))
                      && record.timestamp().isBefore(Instant.parse("2026-03-01T01:00:00Z")))
              .collect(
                  Collectors.groupingBy(
                      record -> record.timestamp().truncatedTo(ChronoUnit.HOURS),
                      TreeMap::new,
                      Collectors.toList()));

      assertThat(statistics.hours(first, last, email))
          .usingRecursiveComparison()
          .ignoringFieldsMatchingRegexes(".*(medianMillis|p95Millis).*")
          .isEqualTo(
              hours.entrySet().stream()
                  .collect(
                      Collectors.toMap(
                          Map.Entry::getKey,
                          hour -> sum(hour.getValue()),
                          (a, b) -> a,
                          TreeMap::new)));
    }
  }

  @Test
  void latenciesAreNearThoseOfTheSuccessfulRequests() {
    UsageSum sum = statistics.sum(ALL);
    List<Long> times =
        records.stream()
            .filter(record -> record.status() == Status.SUCCESS)
            .map(UsageRecord::durationMillis)
            .sorted()
            .toList();

    assertThat(classOf(sum.medianMillis().orElseThrow()))
        .isEqualTo(classOf(times.get((times.size() - 1) / 2)));
    assertThat(sum.p95Millis().orElseThrow()).isBetween(60_000L, 120_000L);
    assertThat(new LatencyHistogram(new long[] {0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0}).quantile(0.5))
        .isEqualTo(OptionalLong.of(750));
    assertThat(new LatencyHistogram(new long[11]).quantile(0.5)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {20, 1_000_000})
  void requestsAreFoundNewestFirstOverSeveralPages(long mostScanned) {
    RequestSearch search = new RequestSearch(ledger, mostScanned);
    for (RequestSearch.Wanted wanted :
        List.of(
            new RequestSearch.Wanted(null, null, null, null),
            new RequestSearch.Wanted("User@Example.COM", null, null, null),
            new RequestSearch.Wanted(null, RandomUsage.keyHash(1), "openai/x", null),
            new RequestSearch.Wanted("ann@example.com", RandomUsage.keyHash(1), null, null),
            new RequestSearch.Wanted(null, null, null, Status.ERROR),
            new RequestSearch.Wanted(null, null, "nothing", null),
            new RequestSearch.Wanted("nobody@example.com", null, null, null),
            new RequestSearch.Wanted(null, RandomUsage.keyHash(99), null, null))) {
      List<UsageRecord> found = new ArrayList<>();
      long before = Long.MAX_VALUE;
      while (before > 0) {
        RequestSearch.Found page = search.before(before, wanted, 7);
        found.addAll(page.records());
        before = page.before();
      }

      assertThat(found)
          .isEqualTo(
              matching(
                      new UsageFilter(
                          FIRST,
                          LAST,
                          wanted.email(),
                          wanted.keyHash(),
                          wanted.model(),
                          wanted.status()))
                  .reversed());
    }
    assertThat(search.find(records.getFirst().requestId()))
        .contains(new RequestSearch.Details(records.getFirst(), List.of()));
    assertThat(search.find("unknown")).isEmpty();
  }

  @Test
  void statisticsOfAllReadNoTableOfRequests() {
    if (store().shared()) {
      return;
    }
    for (UsageBy by : UsageBy.values()) {
      for (UsageFilter filter : filters()) {
        List<String> plan =
            ledger.query(connection -> new UsageQuery(connection, by, filter).plan());
        assertThat(plan)
            .as("by %s with %s", by, filter)
            .noneMatch(step -> step.matches("SCAN (request|usage_owner|usage_day|u)\\b.*"));
      }
    }
  }

  private static List<UsageFilter> filters() {
    LocalDate february = LocalDate.of(2026, 2, 1);
    return List.of(
        ALL,
        UsageFilter.of(LocalDate.of(2025, 1, 1), LocalDate.of(2025, 2, 1)),
        UsageFilter.of(february, february),
        // Few and many days of the first and of the last month.
        UsageFilter.of(LocalDate.of(2026, 1, 29), LocalDate.of(2026, 3, 4)),
        UsageFilter.of(LocalDate.of(2026, 1, 22), LocalDate.of(2026, 3, 28)),
        UsageFilter.of(LocalDate.of(2026, 2, 3), LocalDate.of(2026, 2, 27)),
        ALL.ofPerson("User@Example.com"),
        ALL.ofPerson("nobody@example.com"),
        new UsageFilter(february, LAST, "ann@example.com", RandomUsage.keyHash(2), null, null),
        new UsageFilter(february, LAST, null, RandomUsage.keyHash(2), null, Status.ERROR),
        new UsageFilter(february, LAST, null, "", null, null),
        new UsageFilter(february, LAST, null, null, "openai/x", null),
        new UsageFilter(FIRST, LAST, null, null, "nothing", Status.SUCCESS));
  }

  private Map<String, UsageSum> rows(UsageBy by, UsageFilter filter) {
    Map<String, UsageSum> rows = new HashMap<>();
    UsagePage page = statistics.page(by, filter, UsageOrder.COST, true, 0, MANY);
    for (UsageRow row : page.rows()) {
      String name = by == UsageBy.USER ? EmailAddress.folded(row.name()) : row.name();
      UsageSum before =
          rows.put(
              row.keyHash() == null ? name : name + " " + row.keyHash(), withoutTimes(row.sum()));
      assertThat(before).isNull();
    }
    assertThat(page.count()).isEqualTo(rows.size());
    return rows;
  }

  private Map<String, UsageSum> expected(UsageBy by, UsageFilter filter) {
    Function<UsageRecord, String> name =
        switch (by) {
          case DAY -> record -> day(record).toString();
          case MODEL -> UsageRecord::model;
          case KEY -> record -> record.email() + " " + record.keyHash();
          case USER -> record -> EmailAddress.folded(record.email());
          case STATUS -> record -> record.status().name();
        };
    return matching(filter).stream()
        .collect(
            Collectors.groupingBy(
                name, Collectors.collectingAndThen(Collectors.toList(), this::sum)));
  }

  private List<UsageRecord> matching(UsageFilter filter) {
    Predicate<UsageRecord> matches =
        record ->
            !day(record).isBefore(filter.from())
                && !day(record).isAfter(filter.to())
                && (filter.email() == null || isOf(record, filter.email()))
                && (filter.keyHash() == null || record.keyHash().equals(filter.keyHash()))
                && (filter.model() == null || record.model().equals(filter.model()))
                && (filter.status() == null || record.status() == filter.status());
    return records.stream().filter(matches).toList();
  }

  private UsageSum sum(List<UsageRecord> of) {
    if (of.isEmpty()) {
      return UsageSum.NONE;
    }
    return new UsageSum(
        of.size(),
        of.stream()
            .filter(
                record -> record.status() == Status.ERROR || record.status() == Status.INTERRUPTED)
            .count(),
        of.stream().filter(record -> record.status() == Status.CANCELLED).count(),
        of.stream().mapToLong(UsageRecord::turns).sum(),
        of.stream().mapToLong(UsageRecord::toolCalls).sum(),
        of.stream()
            .map(record -> BigInteger.valueOf(record.tokensIn()))
            .reduce(BigInteger.ZERO, BigInteger::add),
        of.stream()
            .map(record -> BigInteger.valueOf(record.tokensOut()))
            .reduce(BigInteger.ZERO, BigInteger::add),
        of.stream()
            .map(record -> record.cost() == null ? BigDecimal.ZERO : record.cost())
            .reduce(BigDecimal.ZERO, BigDecimal::add)
            .setScale(12),
        of.stream()
            .filter(record ->
                record.cost() == null && (record.tokensIn() > 0 || record.tokensOut() > 0))
            .count(),
        of.stream().mapToLong(UsageRecord::durationMillis).sum() / of.size(),
        OptionalLong.empty(),
        OptionalLong.empty());
  }

  private static UsageSum withoutTimes(UsageSum sum) {
    return new UsageSum(
        sum.requests(),
        sum.failed(),
        sum.cancelled(),
        sum.turns(),
        sum.toolCalls(),
        sum.tokensIn(),
        sum.tokensOut(),
        sum.cost(),
        sum.unpriced(),
        sum.meanMillis(),
        OptionalLong.empty(),
        OptionalLong.empty());
  }

  private static Comparator<UsageRow> comparator(UsageOrder order) {
    return switch (order) {
      case NAME -> Comparator.comparing(UsageRow::name);
      case REQUESTS -> Comparator.comparingLong(row -> row.sum().requests());
      case FAILED -> Comparator.comparingLong(row -> row.sum().failed());
      case TOKENS -> Comparator.comparing(row -> row.sum().tokensIn().add(row.sum().tokensOut()));
      case COST -> Comparator.comparing(row -> row.sum().cost());
      case DURATION -> Comparator.comparingLong(row -> row.sum().meanMillis());
    };
  }

  private static boolean isOf(UsageRecord record, String email) {
    return EmailAddress.folded(record.email()).equals(EmailAddress.folded(email));
  }

  private static LocalDate day(UsageRecord record) {
    return LocalDate.ofInstant(record.timestamp(), ZoneOffset.UTC);
  }

  private static long classOf(long millis) {
    return UsageMeasures.LIMITS.stream().filter(limit -> millis > limit).count();
  }
}
