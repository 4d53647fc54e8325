package dev.llmproxy.keys;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.ConversationStorage;
import dev.llmproxy.call.Limit;
import dev.llmproxy.call.OwnLimits;
import dev.llmproxy.catalogue.AllowedModels;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.HeaderRow;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The result of one reading of the sheet {@code User API Keys}.
 *
 * @param records the usable rows by the hash of their key (lower-case hex sha256), in the sheet's
 *     order
 * @param rows the row number of each key's hash, also of unusable rows
 * @param problems the problems of the sheet, then those of its rows in the sheet's order
 * @param columns the known columns that the sheet has
 * @param confirmations the texts of the column Status that confirm a deletion
 * @param holding whether keys keep values of a column that the sheet has lost
 * @param statuses the texts of the column Status by row number
 * @param createdAtMissing whether a key's row has an empty Created At
 */
record KeyTable(
    Map<String, KeyRecord> records,
    Map<String, Integer> rows,
    List<KeyProblem> problems,
    Set<String> columns,
    List<String> confirmations,
    boolean holding,
    Map<Integer, String> statuses,
    boolean createdAtMissing) {
  // The expiry of a key whose Expires At cannot be read.
  private static final Instant UNREADABLE = Instant.EPOCH;
  private static final String FREE = "free";

  /**
   * Reads the cells.
   *
   * @param values header row first, ragged as Google gives them; null or empty for an empty sheet
   * @param before the records of earlier readings; unchanged ones are reused. Where the sheet has
   *     lost a column, a key keeps the value of its earlier record
   * @param tierHasLimit whether there is a limit for a tier
   * @throws dev.llmproxy.workbook.WorkbookException when a needed column is missing
   */
  static KeyTable read(
      List<List<Object>> values, Map<String, KeyRecord> before, Predicate<String> tierHasLimit) {
    ApiKeySheet sheet = new ApiKeySheet(values == null ? List.of() : values);
    Reading reading = new Reading(sheet, before, tierHasLimit);
    List<ApiKeyRow> rows = sheet.rows();
    rows.forEach(reading::add);
    return new KeyTable(
        Collections.unmodifiableMap(reading.records),
        reading.rows,
        reading.problems(),
        sheet.present(),
        confirmations(rows),
        !reading.holding.isEmpty(),
        statuses(rows),
        sheet.column(ApiKeySheet.CREATED_AT) >= 0
            && rows.stream()
                .anyMatch(row -> row.createdAt().isEmpty() && reading.isKey(row.number())));
  }

  /** The cells of Status in which somebody has confirmed that keys are gone. */
  private static List<String> confirmations(List<ApiKeyRow> rows) {
    return rows.stream()
        .map(ApiKeyRow::status)
        .filter(status -> !status.isEmpty() && KeyStatus.isConfirmation(status))
        .toList();
  }

  private static Map<Integer, String> statuses(List<ApiKeyRow> rows) {
    Map<Integer, String> statuses = new LinkedHashMap<>();
    for (ApiKeyRow row : rows) {
      statuses.put(row.number(), row.status());
    }
    return statuses;
  }

  /** Whether the columns Status and Created At need an update. */
  boolean untidy(List<KeyProblem> problems, boolean hadStatus, Instant now) {
    if (createdAtMissing || (columns.isEmpty() && !problems.isEmpty())) {
      return true;
    }
    if (!columns.contains(ApiKeySheet.STATUS)) {
      return !problems.isEmpty() && !hadStatus;
    }
    return !KeyStatus.changes(statuses, problems, now).isEmpty();
  }

  /** The records of the sheet and those of the held keys, which replace records of the sheet. */
  Map<String, KeyRecord> withHeld(Map<String, KeyRecord> held) {
    Map<String, KeyRecord> all = new LinkedHashMap<>(records);
    all.putAll(held);
    return Collections.unmodifiableMap(all);
  }

  /** The opposite of {@link #found}. */
  boolean lost(String hash) {
    return !found(hash);
  }

  /** Whether the sheet has a usable row for a key that is revoked or has a readable expiry. */
  boolean found(String hash) {
    KeyRecord record = records.get(hash);
    return record != null && (record.revoked() || !UNREADABLE.equals(record.expires()));
  }

  /**
   * The record of a held key: its earlier expiry, and the rest from the sheet when the sheet has
   * it.
   */
  KeyRecord heldRecord(KeyRecord before) {
    KeyRecord now = records.get(before.caller().keyHash());
    return now == null ? before : new KeyRecord(now.caller(), now.revoked(), before.expires());
  }

  /**
   * The problems, and one for each row whose key is revoked on this server but not in the sheet.
   */
  List<KeyProblem> problemsWith(Set<String> revokedHere) {
    Stream<KeyProblem> unmarked =
        revokedHere.stream()
            .filter(hash -> !rejects(hash))
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

  /** Whether the sheet itself rejects this key: it is revoked there or missing. */
  boolean rejects(String hash) {
    KeyRecord record = records.get(hash);
    return record == null ? !rows.containsKey(hash) : record.revoked();
  }

  private static final class Reading {
    private final ApiKeySheet sheet;
    private final Map<String, KeyRecord> before;
    private final Predicate<String> tierHasLimit;
    private final Map<String, KeyRecord> records = new LinkedHashMap<>();
    private final Map<String, Integer> rows = new HashMap<>();
    private final Set<Integer> keyRows = new HashSet<>();
    private final Map<String, String> texts = new HashMap<>();
    private final Map<String, Optional<AllowedModels>> allowed = new HashMap<>();
    private final List<KeyProblem> problems = new ArrayList<>();

    // Lost column → number of keys that keep a value of it.
    private final Map<String, Integer> holding = new TreeMap<>();

    Reading(ApiKeySheet sheet, Map<String, KeyRecord> before, Predicate<String> tierHasLimit) {
      this.sheet = sheet;
      this.before = before;
      this.tierHasLimit = tierHasLimit;
    }

    boolean isKey(int row) {
      return keyRows.contains(row);
    }

    /** The problems of the whole sheet, then those of rows in the sheet's order. */
    List<KeyProblem> problems() {
      List<KeyProblem> all = new ArrayList<>();
      for (HeaderRow.Problem problem : sheet.headerProblems()) {
        all.add(new KeyProblem(0, problem.what(), problem.remedy()));
      }
      holding.forEach((column, keys) ->
          all.add(
              new KeyProblem(
                  0,
                  "has lost its column \"%s\"; its last values still apply to %s"
                      .formatted(column, keys == 1 ? "one key" : keys + " keys"),
                  "Put the header back, or confirm the loss: " + KeyStatus.HOW_TO_CONFIRM)));
      all.addAll(problems);
      return List.copyOf(all);
    }

    void add(ApiKeyRow row) {
      if (row.apiKey().isBlank() && row.email().isBlank()) {
        return;
      }
      Optional<String> hash = ApiKey.hashOfCell(row.apiKey());
      if (hash.isEmpty()) {
        report(
            row,
            row.apiKey().isBlank()
                ? "has no API Key and is ignored"
                : "has no valid API Key and is ignored",
            "Create a key with ./llmproxy create-api-key, or write one of 8 to 512 characters without spaces");
        return;
      }
      keyRows.add(row.number());
      Integer first = rows.putIfAbsent(hash.get(), row.number());
      if (first != null) {
        records.remove(hash.get());
        report(
            row,
            "has the same key as row " + first + "; neither is accepted",
            "Delete one of the two rows, or give one a different key");
      } else if (row.email().isBlank()) {
        report(
            row, "has no User Email and is ignored", "Write the e-mail address of the key's owner");
      } else {
        KeyRecord known = before.get(hash.get());
        KeyRecord record =
            new KeyRecord(
                caller(row, hash.get(), known),
                KeyDirectory.revoked(row.revoked()),
                expires(row, known));
        if (!EmailAddress.isAddress(row.email())) {
          report(
              row,
              "has a User Email that is no e-mail address; the key works, and its usage is recorded under this text",
              "Write an address such as ann@example.com");
        }
        KeyRecord kept = record.equals(known) ? known : record;
        records.put(kept.caller().keyHash(), kept);
      }
    }

    /** Many keys have the same owner or tier: equal texts share one String. */
    private Caller caller(ApiKeyRow row, String hash, KeyRecord known) {
      return new Caller(
          shared(row.email()),
          row.keyName(),
          hash,
          shared(tier(row, known)),
          conversations(row, known),
          models(row, known),
          ownLimits(row, known),
          null);
    }

    private OwnLimits ownLimits(ApiKeyRow row, KeyRecord known) {
      OwnLimits before = known == null ? OwnLimits.NONE : known.caller().ownLimits();
      Limit budget =
          ownLimit(row, ApiKeySheet.BUDGET, row.budget(), before.budget(), Limit::ofDollars);
      Limit requests =
          ownLimit(
              row,
              ApiKeySheet.REQUESTS_PER_MINUTE,
              row.requestsPerMinute(),
              before.requestsPerMinute(),
              Limit::ofCount);
      return budget == null && requests == null ? OwnLimits.NONE : new OwnLimits(budget, requests);
    }

    /** With an unreadable cell, the key may use nothing. */
    private Limit ownLimit(
        ApiKeyRow row,
        String column,
        String cell,
        Limit before,
        Function<String, Optional<Limit>> reader) {
      if (isMissing(column)) {
        return keepValue(column, before);
      }
      if (cell.isEmpty()) {
        return null;
      }
      Optional<Limit> limit = reader.apply(cell);
      if (limit.isEmpty()) {
        report(
            row,
            "has a %s that cannot be read; the key may use nothing".formatted(column),
            "Write a number or unlimited, or empty the cell to use the tier's limit");
      }
      return limit.orElse(Limit.NOTHING);
    }

    private String tier(ApiKeyRow row, KeyRecord known) {
      if (isMissing(ApiKeySheet.TIER)) {
        return known == null || known.caller().tier().equals(FREE)
            ? FREE
            : keepValue(ApiKeySheet.TIER, known.caller().tier());
      }
      if (!row.tier().equals(FREE) && !tierHasLimit.test(row.tier())) {
        report(
            row,
            "names a Tier that has no limits; the limits of the tier free apply to the key",
            "Correct the tier, or add it to the sheet Tiers");
      }
      return row.tier();
    }

    private boolean isMissing(String column) {
      return sheet.column(column) < 0;
    }

    private <T> T keepValue(String column, T value) {
      if (value != null) {
        holding.merge(column, 1, Integer::sum);
      }
      return value;
    }

    private String shared(String text) {
      return texts.computeIfAbsent(text, same -> same);
    }

    /** An unreadable cell counts as off. */
    private ConversationStorage conversations(ApiKeyRow row, KeyRecord known) {
      if (isMissing(ApiKeySheet.LOG_CONVERSATIONS)) {
        return known == null
            ? null
            : keepValue(ApiKeySheet.LOG_CONVERSATIONS, known.caller().conversations());
      }
      if (row.logConversations().isEmpty()) {
        return null;
      }
      Optional<ConversationStorage> storage = ConversationStorage.of(row.logConversations());
      if (storage.isEmpty()) {
        report(
            row,
            "has a Log Conversations that cannot be read; the key's conversations are not stored",
            "Write off, ledger or workbook, or empty the cell");
      }
      return storage.orElse(ConversationStorage.OFF);
    }

    /** With an unreadable cell, the key may use no model. */
    private AllowedModels models(ApiKeyRow row, KeyRecord known) {
      if (isMissing(ApiKeySheet.ALLOWED_MODELS)) {
        return known == null
            ? null
            : keepValue(ApiKeySheet.ALLOWED_MODELS, known.caller().models());
      }
      if (row.allowedModels().isEmpty()) {
        return null;
      }
      Optional<AllowedModels> models =
          allowed.computeIfAbsent(row.allowedModels(), AllowedModels::of);
      if (models.isEmpty()) {
        report(
            row,
            "has an Allowed Models that cannot be read; the key may use no model",
            "Write names of models, separated by commas, such as groq/*, fast, or empty the cell");
      }
      return models.orElse(AllowedModels.NONE);
    }

    /** An unreadable cell counts as expired. */
    private Instant expires(ApiKeyRow row, KeyRecord known) {
      if (isMissing(ApiKeySheet.EXPIRES_AT)) {
        return known == null ? null : keepValue(ApiKeySheet.EXPIRES_AT, known.expires());
      }
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
      return moment.orElse(UNREADABLE);
    }

    private void report(ApiKeyRow row, String what, String remedy) {
      problems.add(new KeyProblem(row.number(), what, remedy));
    }
  }
}
