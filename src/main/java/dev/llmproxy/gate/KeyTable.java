package dev.llmproxy.gate;

import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What one reading of the sheet {@code User API Keys} says.
 *
 * @param records the usable rows by the hash of their key (lower-case hex sha256), in the sheet's
 *     order
 * @param rows the row number of each hash that stands in the sheet, usable or not
 * @param problems the rows that somebody should look at, in the sheet's order
 */
record KeyTable(
    Map<String, KeyRecord> records, Map<String, Integer> rows, List<KeyProblem> problems) {
  /**
   * Reads the cells.
   *
   * @param values header row first, ragged as Google gives them; null or empty for an empty sheet
   * @param before the records known so far, which are kept where nothing has changed
   * @throws dev.llmproxy.workbook.WorkbookException when a needed column is missing
   */
  static KeyTable read(List<List<Object>> values, Map<String, KeyRecord> before) {
    Reading reading = new Reading(before);
    new ApiKeySheet(values == null ? List.of() : values).rows().forEach(reading::take);
    return new KeyTable(
        Collections.unmodifiableMap(reading.records), reading.rows, List.copyOf(reading.problems));
  }

  /** The problems, and the rows of keys that are revoked on this server but not in the sheet. */
  List<KeyProblem> problemsWith(Set<String> revokedHere) {
    Stream<KeyProblem> unmarked =
        revokedHere.stream()
            .filter(hash -> !settled(hash))
            .map(hash ->
                new KeyProblem(
                    rows.get(hash),
                    "has a key that revoke-key has revoked on this server, but not in the sheet",
                    "Run revoke-key again, or set Revoked to TRUE"));
    return revokedHere.isEmpty()
        ? problems
        : Stream.concat(problems.stream(), unmarked)
            .sorted(Comparator.comparingInt(KeyProblem::row))
            .toList();
  }

  /** Whether the sheet says itself that this key lets nobody in: it is revoked, or not there. */
  boolean settled(String hash) {
    KeyRecord record = records.get(hash);
    return record == null ? !rows.containsKey(hash) : record.revoked();
  }

  private static final class Reading {
    private final Map<String, KeyRecord> before;
    private final Map<String, KeyRecord> records = new LinkedHashMap<>();
    private final Map<String, Integer> rows = new HashMap<>();
    private final Map<String, String> texts = new HashMap<>();
    private final List<KeyProblem> problems = new ArrayList<>();

    Reading(Map<String, KeyRecord> before) {
      this.before = before;
    }

    void take(ApiKeyRow row) {
      if (row.apiKey().isBlank() && row.email().isBlank()) {
        return;
      }
      Optional<String> hash = ApiKey.hashOfCell(row.apiKey());
      if (hash.isEmpty()) {
        report(
            row,
            "has no usable API Key and lets nobody in",
            "Make a key with ./llmproxy create-api-key, or write one of 8 to 512 signs without spaces");
        return;
      }
      Integer first = rows.putIfAbsent(hash.get(), row.number());
      if (first != null) {
        records.remove(hash.get());
        report(
            row,
            "has the same key as row " + first + "; neither is accepted",
            "Delete one of the two rows, or give one a key of its own");
      } else if (row.email().isBlank()) {
        report(row, "has no User Email and lets nobody in", "Write whose key it is");
      } else {
        KeyRecord record =
            new KeyRecord(
                caller(row, hash.get()), KeyDirectory.revoked(row.revoked()), expires(row));
        KeyRecord known = before.get(hash.get());
        KeyRecord kept = record.equals(known) ? known : record;
        records.put(kept.caller().keyHash(), kept);
      }
    }

    /** Owners have many keys and tiers many owners: each text is kept once. */
    private Caller caller(ApiKeyRow row, String hash) {
      return new Caller(
          shared(row.email()), row.keyName(), hash, shared(row.tier()), conversations(row));
    }

    private String shared(String text) {
      return texts.computeIfAbsent(text, same -> same);
    }

    /** What cannot be read counts as off. */
    private Keeping conversations(ApiKeyRow row) {
      if (row.logConversations().isEmpty()) {
        return null;
      }
      Optional<Keeping> keeping = Keeping.of(row.logConversations());
      if (keeping.isEmpty()) {
        report(
            row,
            "has a Log Conversations that cannot be read; nothing is kept of the key's conversations",
            "Write off, ledger or workbook, or empty the cell");
      }
      return keeping.orElse(Keeping.OFF);
    }

    /** What cannot be read counts as expired. */
    private Instant expires(ApiKeyRow row) {
      if (row.expiresAt().isEmpty()) {
        return null;
      }
      Optional<Instant> moment = KeyExpiry.ofCell(row.expiresAt());
      if (moment.isEmpty()) {
        report(
            row,
            "has an Expires At that cannot be read; the key counts as expired",
            "Write a date such as 2027-01-31, or empty the cell");
      }
      return moment.orElse(Instant.EPOCH);
    }

    private void report(ApiKeyRow row, String what, String remedy) {
      problems.add(new KeyProblem(row.number(), what, remedy));
    }
  }
}
