package dev.llmproxy.crash;

import dev.llmproxy.keys.ApiKey;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.assertj.core.api.SoftAssertions;

/** Compares the books with what the clients and the provider saw. */
final class Verdict {
  private static final long LONG_MILLIS = 2000;
  private static final int OK = 200;
  private static final Set<Integer> NOT_ADMITTED = Set.of(401, 429, 503);
  private static final String SUCCESS = "SUCCESS";
  private static final String INTERRUPTED = "INTERRUPTED";

  private final List<Attempt> attempts;
  private final List<String> providerSaw;
  private final Books books;
  private final List<Long> killed;
  private final Map<String, List<Books.Entry>> byModel;
  private final Map<String, List<Books.Entry>> byRequestId;
  private final SoftAssertions softly = new SoftAssertions();

  /**
   * @param providerSaw the model of each call that the provider got
   * @param killed when each life of the gateway but the last ended, in System.nanoTime(), by the
   *     life's number from 1
   */
  Verdict(List<Attempt> attempts, List<String> providerSaw, Books books, List<Long> killed) {
    this.attempts = attempts;
    this.providerSaw = providerSaw;
    this.books = books;
    this.killed = killed;
    byModel = books.ledger().stream().collect(Collectors.groupingBy(Books.Entry::model));
    byRequestId = books.ledger().stream().collect(Collectors.groupingBy(Books.Entry::requestId));
  }

  /**
   * Checks everything.
   *
   * @throws AssertionError that lists all differences
   */
  void check() {
    checkThatValidKeysAreNotRefused();
    checkThatTheLedgerHasEachRequestOnce();
    checkThatAllAreSettled();
    checkThatTheSheetsMatchTheLedger();
    checkTheCounters();
    checkThatRecordsMatchTheClients();
    checkTheInterruptions();
    softly.assertAll();
  }

  /** The number of requests recorded as INTERRUPTED although a client saw their end. */
  long interruptedAfterTheirEnd() {
    return attempts.stream().filter(a -> a.whole && status(a).equals(INTERRUPTED)).count();
  }

  /** The number of requests with each status. */
  Map<String, Long> statuses() {
    return books.ledger().stream()
        .collect(
            Collectors.groupingBy(
                entry -> String.valueOf(entry.status()), TreeMap::new, Collectors.counting()));
  }

  private void checkThatTheLedgerHasEachRequestOnce() {
    softly
        .assertThat(wrong(a -> admitted(a) && !recordedOnce(a)))
        .as("answers that clients saw, and that are not in the ledger exactly once as theirs")
        .isEmpty();
    softly.assertThat(providerSaw).as("calls that the provider got twice").doesNotHaveDuplicates();
    softly
        .assertThat(providerSaw.stream().filter(model -> entries(model).size() != 1).toList())
        .as("calls that the provider got, and that are not in the ledger exactly once")
        .isEmpty();
    Set<String> sent = attempts.stream().map(Attempt::model).collect(Collectors.toSet());
    softly
        .assertThat(
            books.ledger().stream()
                .filter(entry -> !sent.contains(entry.model()) || entries(entry.model()).size() > 1)
                .toList())
        .as("rows of the ledger that no client's request belongs to, or more than one row")
        .isEmpty();
  }

  /**
   * Includes gateways that were started while the workbook was down. In the Responses format a
   * failed provider is a 503 too.
   */
  private void checkThatValidKeysAreNotRefused() {
    softly
        .assertThat(
            wrong(a ->
                NOT_ADMITTED.contains(a.status) && !(fails(a) && a.format == Format.RESPONSES)))
        .as("requests with a valid key that were refused")
        .isEmpty();
  }

  private void checkThatAllAreSettled() {
    softly
        .assertThat(books.ledger().stream().filter(entry -> !entry.settled()).toList())
        .as("requests that are not settled")
        .isEmpty();
  }

  private void checkThatTheSheetsMatchTheLedger() {
    Set<String> twice =
        books.sheets().stream()
            .collect(Collectors.groupingBy(Books.SheetRow::requestId, Collectors.counting()))
            .entrySet()
            .stream()
            .filter(count -> count.getValue() > 1)
            .map(Map.Entry::getKey)
            .collect(Collectors.toSet());
    softly.assertThat(twice).as("requests that are in the sheets more than once").isEmpty();
    Set<Books.SheetRow> expected =
        books.ledger().stream()
            .filter(Books.Entry::settled)
            .map(Books.SheetRow::of)
            .collect(Collectors.toSet());
    Set<Books.SheetRow> actual = Set.copyOf(books.sheets());
    softly
        .assertThat(expected.stream().filter(row -> !actual.contains(row)).toList())
        .as("rows that are missing or different in the sheets")
        .isEmpty();
    softly
        .assertThat(actual.stream().filter(row -> !expected.contains(row)).toList())
        .as("rows in the sheets that are missing or different in the ledger")
        .isEmpty();
  }

  private void checkTheCounters() {
    softly.assertThat(books.counters()).as("counters of the keys").isEqualTo(books.sums());
  }

  private void checkThatRecordsMatchTheClients() {
    softly
        .assertThat(
            wrong(a ->
                a.whole
                    && a.status == OK
                    && !status(a).equals(INTERRUPTED)
                    && !(status(a).equals(SUCCESS) && tokensAreExact(a))))
        .as("whole answers that are not recorded as SUCCESS with their tokens")
        .isEmpty();
    softly
        .assertThat(wrong(a -> status(a).equals(SUCCESS) && !tokensAreExact(a)))
        .as("requests recorded as SUCCESS with other tokens than the provider's")
        .isEmpty();
    softly
        .assertThat(wrong(a -> fails(a) && Set.of(SUCCESS, "CANCELLED").contains(status(a))))
        .as("answers that the provider failed to give, and that are not recorded as ERROR")
        .isEmpty();
  }

  private void checkTheInterruptions() {
    softly
        .assertThat(wrong(a -> status(a).equals(INTERRUPTED) && a.life > killed.size()))
        .as("requests recorded as INTERRUPTED in a life that did not end with a kill")
        .isEmpty();
    softly
        .assertThat(interruptedAfterTheirEnd())
        .as(
            "requests recorded as INTERRUPTED though a client saw their end: no more than a kill can hit")
        .isLessThanOrEqualTo(killed.size());
    softly
        .assertThat(wrong(a -> status(a).equals(INTERRUPTED) && !tokensArePossible(a)))
        .as("requests recorded as INTERRUPTED with tokens that they cannot have used")
        .isEmpty();
    softly
        .assertThat(medianLagMillis())
        .as("ms between a kill and what is noted of long streams that were under way")
        .isLessThan(LONG_MILLIS);
  }

  /** The number of streams that had run for a while when they were killed. */
  long longStreamsKilled() {
    return lags().count();
  }

  /**
   * The median age of the streams' last snapshot in the ledger at the kill. The median is used
   * because a busy machine may pause a process longer than any limit, but not most of the time.
   */
  long medianLagMillis() {
    long[] lags = lags().sorted().toArray();
    return lags.length == 0 ? 0 : lags[lags.length / 2];
  }

  private LongStream lags() {
    return attempts.stream()
        .filter(a -> status(a).equals(INTERRUPTED) && !a.whole && !a.chunksSeen.isEmpty())
        .filter(a -> millisBeforeTheKill(a, 0) > LONG_MILLIS)
        .mapToLong(a ->
            entry(a).tokensOut() >= a.chunksSeen.size()
                ? 0
                : millisBeforeTheKill(a, (int) entry(a).tokensOut()));
  }

  private long millisBeforeTheKill(Attempt attempt, int chunk) {
    return Duration.ofNanos(killed.get(attempt.life - 1) - attempt.chunksSeen.get(chunk))
        .toMillis();
  }

  private boolean tokensArePossible(Attempt attempt) {
    Books.Entry entry = entry(attempt);
    return entry.tokensOut() <= attempt.chunks
        && (entry.tokensIn() == attempt.promptTokens()
            || entry.tokensIn() == attempt.estimatedPromptTokens());
  }

  private boolean admitted(Attempt attempt) {
    return attempt.status != 0 && !NOT_ADMITTED.contains(attempt.status);
  }

  private static boolean fails(Attempt attempt) {
    return attempt.kind == Attempt.Kind.PROVIDER_FAILS
        || attempt.kind == Attempt.Kind.PROVIDER_BREAKS_OFF;
  }

  private boolean recordedOnce(Attempt attempt) {
    List<Books.Entry> entries = byRequestId.getOrDefault(attempt.requestId, List.of());
    return entries.size() == 1
        && entries.get(0).model().equals(attempt.model())
        && entries.get(0).email().equals(attempt.user.email())
        && entries.get(0).keyHash().equals(ApiKey.hash(attempt.user.key()));
  }

  private boolean tokensAreExact(Attempt attempt) {
    return entry(attempt).tokensIn() == attempt.promptTokens()
        && entry(attempt).tokensOut() == attempt.chunks;
  }

  private List<Attempt> wrong(Predicate<Attempt> predicate) {
    return attempts.stream().filter(predicate).toList();
  }

  private List<Books.Entry> entries(String model) {
    return byModel.getOrDefault(model, List.of());
  }

  private Books.Entry entry(Attempt attempt) {
    return entries(attempt.model()).get(0);
  }

  /** The status in the ledger; empty when the request is missing or has none. */
  private String status(Attempt attempt) {
    List<Books.Entry> entries = entries(attempt.model());
    return entries.isEmpty() || entries.get(0).status() == null ? "" : entries.get(0).status();
  }
}
