package dev.llmproxy.keys;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.call.Caller;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.SheetText;
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
  // What concerns all keys is said again so often.
  private static final Duration SAID_EVERY = Duration.ofMinutes(5);

  private final Clock clock;
  private final Clock steady;
  private final Duration mostAge;
  private final KeySnapshot snapshot;
  private final RevokedKeys revokedKeys;
  private final KeyConfirmation confirmation;
  private final Predicate<String> tierHasLimit;
  private final AtomicLong readings = new AtomicLong();
  private volatile Known known;
  // By the clock that only goes forward.
  private volatile Instant believedUntil = Instant.EPOCH;
  private volatile Set<String> revokedHere;
  private long lastLoaded;
  private KeySnapshot.Content saved;
  private volatile boolean untidy;
  private volatile boolean hadStatus;
  private Instant sheetSaid;
  private Set<String> columns = Set.of();

  /**
   * Takes over what the snapshot and the revoked keys hold.
   *
   * @param clock what people and calendars go by
   * @param steady what the age of what is known goes by: it only goes forward
   * @param mostAge how long what the sheet said is believed while it cannot be read again
   * @param snapshot null for none
   * @param confirmation where an administrator says that what is gone is meant to be
   * @param tierHasLimit whether there is a limit for a tier, as the sheet names it in lower case
   */
  public KeyDirectory(
      Clock clock,
      Clock steady,
      Duration mostAge,
      KeySnapshot snapshot,
      RevokedKeys revokedKeys,
      KeyConfirmation confirmation,
      Predicate<String> tierHasLimit) {
    this.clock = clock;
    this.steady = steady;
    this.mostAge = mostAge;
    this.snapshot = snapshot;
    this.revokedKeys = revokedKeys;
    this.confirmation = confirmation;
    this.tierHasLimit = tierHasLimit;
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
   * others still load. When the sheet has lost most of its keys at once, they are held, as {@link
   * KeyReading} says. A reading that another one has overtaken changes nothing.
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
    Set<String> revoked = revokedHere;
    boolean asked = confirmation.given();
    KeyReading fresh =
        KeyReading.judge(
            values,
            known == null ? null : known.content(),
            revoked,
            asked,
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
    believedUntil = steady.instant().plus(mostAge);
    if (save()) {
      settle(fresh, revoked);
      if (asked) {
        confirmation.done();
      }
    }
  }

  /** Forgets what was revoked here and what the sheet says by itself. */
  private void settle(KeyReading fresh, Set<String> revoked) {
    revoked.stream()
        .filter(fresh.table()::settled)
        // That a sheet has no row of a key means nothing while it lacks most rows by mistake.
        .filter(hash -> fresh.held().isEmpty() || fresh.table().records().containsKey(hash))
        .forEach(revokedKeys::remove);
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
   * What somebody should look at in a sheet, be it judged by another process than the server.
   *
   * @param values as {@link #load} takes them
   * @param snapshot what the server knew last; null for nothing
   * @param tierHasLimit as the constructor takes it
   * @throws dev.llmproxy.workbook.WorkbookException when a needed column is missing
   */
  public static List<KeyProblem> problemsOf(
      List<List<Object>> values, KeySnapshot snapshot, Predicate<String> tierHasLimit) {
    KeySnapshot.Content earlier = snapshot == null ? null : snapshot.read().orElse(null);
    return KeyReading.judge(values, earlier, Set.of(), false, tierHasLimit, Instant.now())
        .problems(Set.of());
  }

  /**
   * What somebody should look at in a sheet as it was read just now, by what is known here.
   *
   * @param values as {@link #load} takes them
   * @throws dev.llmproxy.workbook.WorkbookException when a needed column is missing
   */
  public List<KeyProblem> problemsIn(List<List<Object>> values) {
    Known now = known;
    Set<String> revoked = revokedHere;
    return KeyReading.judge(
            values,
            now == null ? null : now.content(),
            revoked,
            false,
            tierHasLimit,
            clock.instant())
        .problems(revoked);
  }

  /** Whether the column Status, as it was read last, does not say what it is to say. */
  public boolean untidy() {
    return untidy;
  }

  /** To be called when it does. */
  public void tidied() {
    untidy = false;
  }

  /** Whether the sheet has had a column Status since this server runs. */
  public boolean hadStatus() {
    return hadStatus;
  }

  /** How many keys count though the sheet has lost them, until somebody confirms that. */
  public int held() {
    Known now = known;
    return now == null ? 0 : now.held().size();
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
    return !NOT_REVOKED.contains(SheetText.clean(cell).toLowerCase(Locale.ROOT));
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
      known =
          new Known(
              content.records(),
              holders(content.records()),
              List.of(),
              content.held(),
              content.heldSince(),
              content.readAt());
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
          "{} keys that the sheet \"User API Keys\" has lost no longer count: that was confirmed",
          reading.released());
    }
    Instant now = clock.instant();
    boolean again = sheetSaid == null || !now.isBefore(sheetSaid.plus(SAID_EVERY));
    Set<KeyProblem> reported = known == null ? Set.of() : Set.copyOf(known.problems());
    List<KeyProblem> fresh =
        problems.stream()
            .filter(problem -> (again && problem.row() == 0) || !reported.contains(problem))
            .toList();
    if (fresh.stream().anyMatch(problem -> problem.row() == 0)) {
      sheetSaid = now;
    }
    fresh.stream()
        .limit(MOST_LOGGED)
        .forEach(problem -> LOG.warn("Sheet \"User API Keys\": {}", problem));
    if (fresh.size() > MOST_LOGGED) {
      LOG.warn("Sheet \"User API Keys\": {} more such rows", fresh.size() - MOST_LOGGED);
    }
    Set<String> gone = new TreeSet<>(columns);
    gone.removeAll(reading.table().columns());
    if (!gone.isEmpty()) {
      LOG.warn("Sheet \"User API Keys\": these columns were there and are gone: {}", gone);
    }
    columns = reading.table().columns();
    hadStatus |= columns.contains(ApiKeySheet.STATUS);
    // Once for each change: whoever writes reads the sheet again.
    untidy = reading.table().untidy(problems, hadStatus, now);
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
      Set<String> held,
      Instant heldSince,
      Instant readAt) {
    KeySnapshot.Content content() {
      return new KeySnapshot.Content(records, held, heldSince, readAt);
    }
  }
}
