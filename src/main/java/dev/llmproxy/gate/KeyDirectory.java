package dev.llmproxy.gate;

import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The API keys in memory, by their hash. The route keys-refresh loads the whole sheet every few
 * seconds; a request costs one hash and one look-up. Before the first load nothing is known, and
 * nobody is let in.
 */
public final class KeyDirectory {
  private static final Logger LOG = LoggerFactory.getLogger(KeyDirectory.class);
  private static final Set<String> NOT_REVOKED = Set.of("", "false", "no", "0");
  private static final Duration LEAST_BETWEEN_UNKNOWN_KEYS = Duration.ofSeconds(2);

  private final Clock clock;
  private volatile Map<String, KeyRecord> records;
  private volatile Set<String> reported = Set.of();
  private final AtomicReference<Instant> lastClaim = new AtomicReference<>(Instant.EPOCH);

  public KeyDirectory(Clock clock) {
    this.clock = clock;
  }

  /**
   * Replaces what is known by the rows of the sheet. A row that cannot be used is reported once,
   * and the others still load.
   *
   * @param values the sheet's cells, header row first, ragged as Google gives them; null or empty
   *     for an empty sheet
   */
  public void load(List<List<Object>> values) {
    Map<String, KeyRecord> fresh = new HashMap<>();
    Set<String> twice = new HashSet<>();
    List<String> problems = new ArrayList<>();
    ApiKeySheet sheet = new ApiKeySheet(values == null ? List.of() : values);
    for (ApiKeyRow row : sheet.rows()) {
      Optional<String> hash = ApiKey.hashOfCell(row.apiKey());
      if (row.apiKey().isBlank() && row.email().isBlank()) {
        continue;
      }
      if (hash.isEmpty() || row.email().isBlank()) {
        problems.add(
            "row %d has no %s"
                .formatted(row.number(), hash.isEmpty() ? "usable API Key" : "User Email"));
      } else if (twice.contains(hash.get()) || fresh.containsKey(hash.get())) {
        twice.add(hash.get());
        fresh.remove(hash.get());
        problems.add(
            "row %d has a key that another row has too; neither is accepted"
                .formatted(row.number()));
      } else {
        fresh.put(hash.get(), new KeyRecord(row.caller(hash.get()), revoked(row.revoked())));
      }
    }
    report(problems);
    if (records == null) {
      LOG.info("{} API keys read from the workbook", fresh.size());
    }
    records = Map.copyOf(fresh);
  }

  /** Whether the sheet has been read at least once. */
  public boolean loaded() {
    return records != null;
  }

  /** The record of the key with this hash (lower-case hex sha256), or empty. */
  public Optional<KeyRecord> find(String hash) {
    Map<String, KeyRecord> known = records;
    return known == null ? Optional.empty() : Optional.ofNullable(known.get(hash));
  }

  /**
   * Whether a key nobody knows may cause the sheet to be read again now, which is then the asker's
   * to do: the key may be new, but strangers must not hammer the workbook.
   */
  public boolean claimRefresh() {
    Instant now = clock.instant();
    Instant last = lastClaim.get();
    return now.isAfter(last.plus(LEAST_BETWEEN_UNKNOWN_KEYS)) && lastClaim.compareAndSet(last, now);
  }

  /** Anything in the cell that does not clearly say no counts as revoked. */
  public static boolean revoked(String cell) {
    return !NOT_REVOKED.contains(cell.strip().toLowerCase(Locale.ROOT));
  }

  private void report(List<String> problems) {
    Set<String> now = Set.copyOf(problems);
    for (String problem : problems) {
      if (!reported.contains(problem)) {
        LOG.warn("Sheet \"User API Keys\": {}", problem);
      }
    }
    reported = now;
  }
}
