package dev.llmproxy.keys;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.call.Caller;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.SheetText;
import dev.llmproxy.workbook.SyncTimes;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The API keys in memory, by their hash. The route keys-refresh loads the whole sheet every few
 * seconds; a request costs one hash and one look-up. Until the first reading, the keys of the
 * snapshot are used. Without a snapshot, and when the last reading is too old, every request is
 * refused.
 */
public final class KeyDirectory {
  private static final Logger LOG = LoggerFactory.getLogger(KeyDirectory.class);
  private static final Set<String> NOT_REVOKED = Set.of("", "false", "no", "0");
  // While the sheet does not change, the snapshot is written this often.
  private static final Duration SNAPSHOT_EVERY = Duration.ofMinutes(5);
  private static final int MAX_LOGGED = 20;
  // Problems of the whole sheet are logged this often.
  private static final Duration REPORT_EVERY = Duration.ofMinutes(5);

  private final Clock clock;
  private final Clock steady;
  private final Duration maxAge;
  private final KeySnapshot snapshot;
  private final RevokedKeys revokedKeys;
  private final KeyConfirmation confirmation;
  private final Predicate<String> tierHasLimit;
  private final SyncTimes times;
  private final AtomicLong readings = new AtomicLong();
  private volatile Known known;
  // By the steady clock.
  private volatile Instant usableUntil = Instant.EPOCH;
  private volatile Set<String> revokedHere;
  private volatile SharedRevocations shared;
  private long lastLoaded;
  private KeySnapshot.Content saved;
  private volatile boolean untidy;
  private volatile boolean hadStatus;
  private Instant sheetReported;
  private Set<String> columns = Set.of();

  /**
   * Starts with the keys of the snapshot and the revoked keys.
   *
   * @param clock the time of day, for expiries and timestamps
   * @param steady a monotonic clock, for the age of the keys
   * @param maxAge how long the keys of a reading are used while the sheet cannot be read again
   * @param snapshot null for none
   * @param confirmation an administrator's confirmation that keys are lost on purpose
   * @param tierHasLimit whether a tier (its lower-case name in the sheet) has a limit
   */
  public KeyDirectory(
      Clock clock,
      Clock steady,
      Duration maxAge,
      KeySnapshot snapshot,
      RevokedKeys revokedKeys,
      KeyConfirmation confirmation,
      Predicate<String> tierHasLimit) {
    this.clock = clock;
    this.steady = steady;
    this.maxAge = maxAge;
    this.snapshot = snapshot;
    this.revokedKeys = revokedKeys;
    this.confirmation = confirmation;
    this.tierHasLimit = tierHasLimit;
    times = new SyncTimes(clock);
    revokedHere = revokedKeys.read(Set.of());
    if (snapshot != null) {
      snapshot.read().ifPresent(this::restore);
    }
  }

  /** A ticket for {@link #load}. Take it before reading the sheet. */
  public long nextReading() {
    return readings.incrementAndGet();
  }

  /**
   * Replaces the keys by those of the sheet. An unusable row is reported, and the others are
   * loaded. Keys of a sheet that has lost most of its keys at once are held (see {@link
   * KeyReading}). A reading that started before the one loaded last changes nothing.
   *
   * @param values the sheet's cells, header row first, ragged as Google gives them; null or empty
   *     for an empty sheet
   * @param reading the ticket of this reading, from {@link #nextReading}
   * @throws dev.llmproxy.workbook.WorkbookException when a needed column is missing; nothing
   *     changes then
   */
  public synchronized void load(List<List<Object>> values, long reading) {
    if (reading < lastLoaded) {
      return;
    }
    Map<String, KeyRecord> before = known == null ? Map.of() : known.records();
    Set<String> revoked = revokedHere;
    boolean confirmed = confirmation.exists();
    KeyReading fresh =
        KeyReading.evaluate(
            values,
            known == null ? null : known.content(),
            revoked,
            confirmed,
            tierHasLimit,
            clock.instant());
    boolean same =
        known != null && List.copyOf(fresh.records().values()).equals(List.copyOf(before.values()));
    Map<String, KeyRecord> records = same ? before : fresh.records();
    List<KeyProblem> problems = fresh.problems(revoked);
    report(problems, fresh);
    if (lastLoaded == 0) {
      LOG.info("{} API keys read from the workbook", fresh.table().records().size());
    }
    lastLoaded = reading;
    Map<String, List<KeyRecord>> holders = same ? known.holders() : holders(records);
    known = new Known(records, holders, problems, fresh.held(), fresh.heldSince(), clock.instant());
    usableUntil = steady.instant().plus(maxAge);
    times.succeeded();
    if (save()) {
      deleteRevocationsOfSheet(fresh, revoked);
      if (confirmed) {
        confirmation.delete();
      }
    }
  }

  /** Deletes the local revocations that the sheet has too. */
  private void deleteRevocationsOfSheet(KeyReading fresh, Set<String> revoked) {
    revoked.stream()
        .filter(fresh.table()::rejects)
        // While keys are held, a missing row does not mean that its key was deleted on purpose.
        .filter(hash -> fresh.held().isEmpty() || fresh.table().records().containsKey(hash))
        .forEach(hash -> {
          revokedKeys.remove(hash);
          if (shared != null) {
            shared.withdraw(hash);
          }
        });
  }

  /** Tells other servers at once which keys are revoked here, and learns it from them. */
  public void share(SharedRevocations revocations) {
    shared = revocations;
    readRevoked();
  }

  /** Reads the keys that revoke-key has revoked. The route keys-revoked calls this every 250 ms. */
  public void readRevoked() {
    Set<String> fresh = revokedKeys.read(revokedHere);
    if (!revokedHere.containsAll(fresh)) {
      LOG.info(
          "A key was revoked on this server; {} revoked keys are not yet revoked in the sheet",
          fresh.size());
    }
    revokedHere = fresh;
    if (shared != null) {
      shared.exchange(fresh, this::readRevoked);
    }
  }

  /** Whether keys can be checked: the sheet or a snapshot was read and is not too old. */
  public boolean loaded() {
    Known now = known;
    return now != null && steady.instant().isBefore(usableUntil);
  }

  /** The record of the key with this hash (lower-case hex sha256), or empty. */
  public Optional<KeyRecord> find(String hash) {
    Known now = known;
    KeyRecord record = now == null ? null : now.records().get(hash);
    return Optional.ofNullable(
        record != null && revokedHere.contains(hash) ? record.asRevoked() : record);
  }

  /** The owner of the key with this hash; empty when it is unknown, revoked or expired. */
  public Optional<Caller> caller(String hash) {
    return find(hash).filter(record -> record.validAt(clock.instant())).map(KeyRecord::caller);
  }

  /**
   * The owner of the first usable key of an e-mail address, in the sheet's order; empty when the
   * address has none. The case of the address does not matter.
   */
  public Optional<Caller> keyHolder(String email) {
    return keysOf(email).findFirst();
  }

  /** The owners of the usable keys of an e-mail address, as in {@link #keyHolder}. */
  public Stream<Caller> keysOf(String email) {
    Known now = known;
    List<KeyRecord> records =
        now == null ? List.of() : now.holders().getOrDefault(EmailAddress.folded(email), List.of());
    return records.stream()
        .map(KeyRecord::caller)
        .filter(owner -> caller(owner.keyHash()).isPresent());
  }

  /** The number of known keys, usable or not. */
  public int size() {
    Known now = known;
    return now == null ? 0 : now.records().size();
  }

  /** The owners of all usable keys, in the sheet's order. */
  public List<Caller> callers() {
    Known now = known;
    Instant time = clock.instant();
    Set<String> revoked = revokedHere;
    return now == null
        ? List.of()
        : now.records().values().stream()
            .filter(record -> record.validAt(time) && !revoked.contains(record.caller().keyHash()))
            .map(KeyRecord::caller)
            .toList();
  }

  /** The problems of the sheet and its rows, in order; empty before the first reading. */
  public List<KeyProblem> problems() {
    Known now = known;
    return now == null ? List.of() : now.problems();
  }

  /**
   * The problems of a sheet, for another process than the server.
   *
   * @param values as in {@link #load}
   * @param snapshot the server's keys; null for none
   * @param tierHasLimit as in the constructor
   * @throws dev.llmproxy.workbook.WorkbookException when a needed column is missing
   */
  public static List<KeyProblem> problemsOf(
      List<List<Object>> values, KeySnapshot snapshot, Predicate<String> tierHasLimit) {
    KeySnapshot.Content earlier = snapshot == null ? null : snapshot.read().orElse(null);
    return KeyReading.evaluate(values, earlier, Set.of(), false, tierHasLimit, Instant.now())
        .problems(Set.of());
  }

  /**
   * The problems of a sheet that was read just now, given the keys of this directory.
   *
   * @param values as in {@link #load}
   * @throws dev.llmproxy.workbook.WorkbookException when a needed column is missing
   */
  public List<KeyProblem> problemsIn(List<List<Object>> values) {
    Known now = known;
    Set<String> revoked = revokedHere;
    return KeyReading.evaluate(
            values,
            now == null ? null : now.content(),
            revoked,
            false,
            tierHasLimit,
            clock.instant())
        .problems(revoked);
  }

  /** Whether the columns Status and Created At needed an update at the last reading. */
  public boolean untidy() {
    return untidy;
  }

  /** Notes that the columns are up to date. */
  public void tidied() {
    untidy = false;
  }

  /** Whether the sheet has had a column Status since this server started. */
  public boolean hadStatus() {
    return hadStatus;
  }

  /** The number of held keys: the sheet has lost them, and nobody has confirmed that. */
  public int held() {
    Known now = known;
    return now == null ? 0 : now.held().size();
  }

  /** When the sheet was read, by this server or the one of the snapshot; empty for never. */
  public Optional<Instant> readAt() {
    return Optional.ofNullable(known).map(Known::readAt);
  }

  /**
   * Notes that the sheet could not be read.
   *
   * @param why the reason, for an operator
   */
  public void readingFailed(String why) {
    times.failed(why);
  }

  /** When this server last read the sheet, and when and why that last failed. */
  public SyncTimes times() {
    return times;
  }

  /** The consequence for requests while the sheet cannot be read, as a main clause. */
  public String outlook() {
    Known now = known;
    if (now == null) {
      return "no keys are known, so every request is refused (503)";
    }
    return loaded()
        ? "the known keys stay valid until " + validUntil(now)
        : "the known keys of %s are too old, so every request is refused (503)"
            .formatted(now.readAt());
  }

  /**
   * Whether a cell means that the key is revoked: everything but an empty cell, false, no and 0.
   */
  public static boolean revoked(String cell) {
    return !NOT_REVOKED.contains(SheetText.clean(cell).toLowerCase(Locale.ROOT));
  }

  private Instant validUntil(Known keys) {
    return keys.readAt().plus(maxAge);
  }

  private void restore(KeySnapshot.Content content) {
    Instant now = clock.instant();
    if (content.readAt().isAfter(now.plus(SNAPSHOT_EVERY))) {
      LOG.warn(
          "The key snapshot is not used, because its time {} is in the future", content.readAt());
    } else if (!now.isBefore(content.readAt().plus(maxAge))) {
      LOG.warn("The key snapshot of {} is too old and is not used", content.readAt());
    } else {
      known =
          new Known(
              content.records(),
              holders(content.records()),
              List.of(),
              content.held(),
              content.heldSince(),
              content.readAt());
      usableUntil = steady.instant().plus(Duration.between(now, validUntil(known)));
      saved = content;
      LOG.info(
          "{} API keys read from the snapshot of {}", content.records().size(), content.readAt());
    }
  }

  /**
   * Writes the snapshot if needed. Returns whether a start without the workbook would have the same
   * keys; true without a snapshot.
   */
  private boolean save() {
    if (snapshot == null) {
      return true;
    }
    KeySnapshot.Content content = known.content();
    boolean same =
        saved != null
            && saved.records().equals(content.records())
            && saved.held().equals(content.held())
            && Objects.equals(saved.heldSince(), content.heldSince());
    if (same && content.readAt().isBefore(saved.readAt().plus(SNAPSHOT_EVERY))) {
      return true;
    }
    boolean written = snapshot.write(content);
    if (written) {
      saved = content;
    }
    return same || written;
  }

  private void report(List<KeyProblem> problems, KeyReading reading) {
    if (reading.released() >= 0) {
      LOG.warn(
          "{} keys that the sheet \"User API Keys\" has lost are no longer valid: the loss was confirmed",
          reading.released());
    }
    Instant now = clock.instant();
    boolean again = sheetReported == null || !now.isBefore(sheetReported.plus(REPORT_EVERY));
    Set<KeyProblem> reported = known == null ? Set.of() : Set.copyOf(known.problems());
    List<KeyProblem> fresh =
        problems.stream()
            .filter(problem -> (again && problem.row() == 0) || !reported.contains(problem))
            .toList();
    if (fresh.stream().anyMatch(problem -> problem.row() == 0)) {
      sheetReported = now;
    }
    fresh.stream()
        .limit(MAX_LOGGED)
        .forEach(problem -> LOG.warn("Sheet \"User API Keys\": {}", problem));
    if (fresh.size() > MAX_LOGGED) {
      LOG.warn("Sheet \"User API Keys\": {} more rows have problems", fresh.size() - MAX_LOGGED);
    }
    Set<String> gone = new TreeSet<>(columns);
    gone.removeAll(reading.table().columns());
    if (!gone.isEmpty()) {
      LOG.warn("Sheet \"User API Keys\" has lost these columns: {}", gone);
    }
    columns = reading.table().columns();
    hadStatus |= columns.contains(ApiKeySheet.STATUS);
    // One update for each change is enough: the writer reads the sheet again before it writes.
    untidy = reading.table().untidy(problems, hadStatus, now);
  }

  /** The keys of each address that are not revoked, in the sheet's order. */
  private static Map<String, List<KeyRecord>> holders(Map<String, KeyRecord> records) {
    return records.values().stream()
        .filter(record -> !record.revoked())
        .collect(
            Collectors.groupingBy(
                record -> EmailAddress.folded(record.caller().email()),
                Collectors.collectingAndThen(Collectors.toList(), List::copyOf)));
  }

  private record Known(
      Map<String, KeyRecord> records,
      Map<String, List<KeyRecord>> holders,
      List<KeyProblem> problems,
      Set<String> held,
      Instant heldSince,
      Instant readAt) {
    KeySnapshot.Content content() {
      return new KeySnapshot.Content(records, held, heldSince, readAt);
    }
  }
}
