package dev.llmproxy.gate;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The API keys in memory, by their hash. The route keys-refresh loads the whole sheet every few
 * seconds; a request costs one hash and one look-up. Until the sheet has been read the keys of the
 * snapshot count; without one, or when what is known has become too old, nobody is let in.
 */
public final class KeyDirectory {
  private static final Logger LOG = LoggerFactory.getLogger(KeyDirectory.class);
  private static final Set<String> NOT_REVOKED = Set.of("", "false", "no", "0");
  // The snapshot's time falls behind by so much while the sheet does not change.
  private static final Duration SNAPSHOT_EVERY = Duration.ofMinutes(5);
  private static final int MOST_LOGGED = 20;

  private final Clock clock;
  private final Clock steady;
  private final Duration mostAge;
  private final KeySnapshot snapshot;
  private final RevokedKeys revokedKeys;
  private final AtomicLong readings = new AtomicLong();
  private volatile Known known;
  // By the clock that only goes forward.
  private volatile Instant believedUntil = Instant.EPOCH;
  private volatile Set<String> revokedHere;
  private long lastLoaded;
  private KeySnapshot.Content saved;

  /**
   * Takes over what the snapshot and the revoked keys hold.
   *
   * @param clock what people and calendars go by
   * @param steady what the age of what is known goes by: it only goes forward
   * @param mostAge how long what the sheet said is believed while it cannot be read again
   * @param snapshot null for none
   */
  public KeyDirectory(
      Clock clock, Clock steady, Duration mostAge, KeySnapshot snapshot, RevokedKeys revokedKeys) {
    this.clock = clock;
    this.steady = steady;
    this.mostAge = mostAge;
    this.snapshot = snapshot;
    this.revokedKeys = revokedKeys;
    revokedHere = revokedKeys.read(Set.of());
    if (snapshot != null) {
      snapshot.read().ifPresent(this::restore);
    }
  }

  /** To be asked before the sheet is read: the number of that reading, for {@link #load}. */
  public long nextReading() {
    return readings.incrementAndGet();
  }

  /**
   * Replaces what is known by the rows of the sheet. A row that cannot be used is reported, and the
   * others still load. A reading that another one has overtaken changes nothing.
   *
   * @param values the sheet's cells, header row first, ragged as Google gives them; null or empty
   *     for an empty sheet
   * @param reading its number, from {@link #nextReading}
   * @throws dev.llmproxy.workbook.WorkbookException when a needed column is missing; nothing
   *     changes then
   */
  public synchronized void load(List<List<Object>> values, long reading) {
    if (reading < lastLoaded) {
      return;
    }
    Map<String, KeyRecord> before = known == null ? Map.of() : known.records();
    KeyTable table = KeyTable.read(values, before);
    boolean same =
        known != null && List.copyOf(table.records().values()).equals(List.copyOf(before.values()));
    Map<String, KeyRecord> records = same ? before : table.records();
    Set<String> revoked = revokedHere;
    List<KeyProblem> problems = table.problemsWith(revoked);
    report(problems);
    if (lastLoaded == 0) {
      LOG.info("{} API keys read from the workbook", records.size());
    }
    lastLoaded = reading;
    Map<String, List<KeyRecord>> holders = same ? known.holders() : holders(records);
    known = new Known(records, holders, problems, clock.instant());
    believedUntil = steady.instant().plus(mostAge);
    if (save()) {
      revoked.stream().filter(table::settled).forEach(revokedKeys::remove);
    }
  }

  /** Looks for keys that the command line has revoked; to be called every moment. */
  public void readRevoked() {
    Set<String> fresh = revokedKeys.read(revokedHere);
    if (!revokedHere.containsAll(fresh)) {
      LOG.info("A key was revoked on this server: {} wait for the sheet to say so", fresh.size());
    }
    revokedHere = fresh;
  }

  /** Whether keys can be judged: what the sheet said is known, and not too old. */
  public boolean loaded() {
    Known now = known;
    return now != null && steady.instant().isBefore(believedUntil);
  }

  /** The record of the key with this hash (lower-case hex sha256), or empty. */
  public Optional<KeyRecord> find(String hash) {
    Known now = known;
    KeyRecord record = now == null ? null : now.records().get(hash);
    return Optional.ofNullable(
        record != null && revokedHere.contains(hash) ? record.asRevoked() : record);
  }

  /** Whose key this is, if it is known, not revoked and not expired. */
  public Optional<Caller> caller(String hash) {
    return find(hash).filter(record -> record.validAt(clock.instant())).map(KeyRecord::caller);
  }

  /**
   * The owner of the first usable key in the sheet's order that is this address's, which is
   * compared without regard to case; empty when it has none.
   */
  public Optional<Caller> keyHolder(String email) {
    Known now = known;
    List<KeyRecord> records =
        now == null ? List.of() : now.holders().getOrDefault(EmailAddress.folded(email), List.of());
    return records.stream()
        .map(KeyRecord::caller)
        .filter(owner -> caller(owner.keyHash()).isPresent())
        .findFirst();
  }

  /** The rows of the sheet that somebody should look at, in its order; empty before it was read. */
  public List<KeyProblem> problems() {
    Known now = known;
    return now == null ? List.of() : now.problems();
  }

  /**
   * The rows of a sheet that somebody should look at.
   *
   * @param values as {@link #load} takes them
   * @throws dev.llmproxy.workbook.WorkbookException when a needed column is missing
   */
  public static List<KeyProblem> problemsOf(List<List<Object>> values) {
    return KeyTable.read(values, Map.of()).problems();
  }

  /** When the sheet said what is known, be it to a server before this one; empty for never. */
  public Optional<Instant> readAt() {
    return Optional.ofNullable(known).map(Known::readAt);
  }

  /** What becomes of requests while the sheet cannot be read, as the end of a sentence. */
  public String outlook() {
    Known now = known;
    if (now == null) {
      return "none are known, and every request is refused (503)";
    }
    return loaded()
        ? "the known ones stay valid until " + validUntil(now)
        : "the known ones are of " + now.readAt() + ", too old, and every request is refused (503)";
  }

  /** Anything in the cell that does not clearly say no counts as revoked. */
  public static boolean revoked(String cell) {
    return !NOT_REVOKED.contains(cell.strip().toLowerCase(Locale.ROOT));
  }

  private Instant validUntil(Known what) {
    return what.readAt().plus(mostAge);
  }

  private void restore(KeySnapshot.Content content) {
    Instant now = clock.instant();
    if (content.readAt().isAfter(now.plus(SNAPSHOT_EVERY))) {
      LOG.warn(
          "The key snapshot is of {}, which is still to come, and is not used", content.readAt());
    } else if (!now.isBefore(content.readAt().plus(mostAge))) {
      LOG.warn("The key snapshot is of {}, too old, and is not used", content.readAt());
    } else {
      known = new Known(content.records(), holders(content.records()), List.of(), content.readAt());
      believedUntil = steady.instant().plus(Duration.between(now, validUntil(known)));
      saved = content;
      LOG.info(
          "{} API keys known from the snapshot of {}", content.records().size(), content.readAt());
    }
  }

  /** Whether a start without the workbook would know the same keys. */
  private boolean save() {
    if (snapshot == null) {
      return true;
    }
    KeySnapshot.Content content = new KeySnapshot.Content(known.records(), known.readAt());
    boolean same = saved != null && saved.records().equals(content.records());
    if (same && content.readAt().isBefore(saved.readAt().plus(SNAPSHOT_EVERY))) {
      return true;
    }
    boolean written = snapshot.write(content);
    if (written) {
      saved = content;
    }
    return same || written;
  }

  private void report(List<KeyProblem> problems) {
    Set<KeyProblem> reported = known == null ? Set.of() : Set.copyOf(known.problems());
    List<KeyProblem> fresh =
        problems.stream().filter(problem -> !reported.contains(problem)).toList();
    fresh.stream()
        .limit(MOST_LOGGED)
        .forEach(problem -> LOG.warn("Sheet \"User API Keys\": {}", problem));
    if (fresh.size() > MOST_LOGGED) {
      LOG.warn("Sheet \"User API Keys\": {} more such rows", fresh.size() - MOST_LOGGED);
    }
  }

  /** The rows of each address, in their order; of one whose keys are all revoked there is none. */
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
      Instant readAt) {}
}
