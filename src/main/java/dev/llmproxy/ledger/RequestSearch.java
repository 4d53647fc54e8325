package dev.llmproxy.ledger;

import dev.llmproxy.attempt.Attempt;
import dev.llmproxy.base.Jdbc;
import dev.llmproxy.call.Status;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds single settled requests. Every method throws a {@link LedgerException} on failure. */
public final class RequestSearch {
  /** A search for something rare ends here and can be continued. */
  private static final long MOST_READ = 100_000;

  /** The newest requests in which those of an owner are looked for before all are sorted. */
  private static final long MOST_SCANNED = 10_000;

  private final Ledger ledger;
  private final long mostScanned;

  public RequestSearch(Ledger ledger) {
    this(ledger, MOST_SCANNED);
  }

  RequestSearch(Ledger ledger, long mostScanned) {
    this.ledger = ledger;
    this.mostScanned = mostScanned;
  }

  /**
   * Which requests to find.
   *
   * @param email of a person, in any spelling; null for everybody
   * @param keyHash lower-case hex SHA-256 of a key; null for all
   * @param model the model id; null for all
   * @param status the outcome; null for all
   */
  public record Wanted(String email, String keyHash, String model, Status status) {}

  /**
   * Some requests, the one settled last first.
   *
   * @param before continues the search: pass it to {@link #before}; 0 when there are no more. A
   *     search for something rare may return fewer requests than wanted although there are more.
   */
  public record Found(List<UsageRecord> records, long before) {}

  /**
   * A request and what was tried to answer it.
   *
   * @param attempts in order; empty when the first attempt of each turn answered
   */
  public record Details(UsageRecord record, List<Attempt> attempts) {}

  /**
   * The last requests before a sequence.
   *
   * @param sequence Long.MAX_VALUE for the newest
   */
  public Found before(long sequence, Wanted wanted, int limit) {
    return ledger.query(connection -> before(connection, sequence, wanted, limit));
  }

  /** A settled request by its id; empty when there is none. */
  public Optional<Details> find(String requestId) {
    return ledger.query(connection -> {
      List<UsageRecord> records =
          Jdbc.list(
              connection,
              RequestTable.SELECT + " where request_id = ? and sequence is not null",
              RequestTable::record,
              requestId);
      return records.isEmpty()
          ? Optional.empty()
          : Optional.of(new Details(records.getFirst(), AttemptTable.of(connection, requestId)));
    });
  }

  private Found before(Connection connection, long sequence, Wanted wanted, int limit)
      throws SQLException {
    long newest = Math.min(sequence, RequestTable.lastSequence(connection) + 1);
    boolean ofOwner = wanted.email != null || (wanted.keyHash != null && !wanted.keyHash.isEmpty());
    if (!ofOwner) {
      long oldest = newest - MOST_READ;
      List<UsageRecord> records = records(connection, oldest, newest, null, wanted, limit);
      return found(records, limit, oldest <= 1 ? 0 : oldest);
    }
    List<String> emails =
        wanted.email != null
            ? UsageStatistics.spellings(connection, wanted.email)
            : Jdbc.list(
                connection,
                "select email from usage_owner where key_hash = ? union select r.email "
                    + UsageStatistics.NOT_SUMMED
                    + " and r.key_hash = ?",
                row -> row.getString(1),
                wanted.keyHash,
                wanted.keyHash);
    if (emails.isEmpty()) {
      return new Found(List.of(), 0);
    }
    // An owner of many requests has enough among the newest ones. Otherwise the database sorts all
    // requests of the owner, which the index of addresses finds.
    long scanned = Math.max(1, newest - mostScanned);
    List<UsageRecord> records = records(connection, scanned, newest, emails, wanted, limit);
    if (records.size() < limit && scanned > 1) {
      records = records(connection, 0, newest, emails, wanted, limit);
    }
    return found(records, limit, 0);
  }

  /**
   * @param rest where the search goes on when there are fewer requests than wanted; 0 for its end
   */
  private static Found found(List<UsageRecord> records, int limit, long rest) {
    return new Found(records, records.size() == limit ? records.getLast().sequence() : rest);
  }

  /**
   * The newest requests of a filter.
   *
   * @param oldest the first sequence; 0 to look for the addresses by their index
   * @param emails the spellings of the address; null for all
   */
  private static List<UsageRecord> records(
      Connection connection,
      long oldest,
      long newest,
      List<String> emails,
      Wanted wanted,
      int limit)
      throws SQLException {
    StringBuilder where = new StringBuilder(" where sequence < ?");
    List<Object> parameters = new ArrayList<>(List.of(newest));
    if (oldest > 0) {
      where.append(" and sequence >= ?");
      parameters.add(oldest);
    }
    if (emails != null) {
      // The sign keeps SQLite from the index of addresses.
      where
          .append(oldest > 0 ? " and email || '' in (" : " and email in (")
          .append(UsageQuery.placeholders(emails))
          .append(')');
      parameters.addAll(emails);
    }
    and(where, parameters, "key_hash", wanted.keyHash);
    and(where, parameters, "model", wanted.model);
    and(where, parameters, "status", wanted.status == null ? null : wanted.status.name());
    parameters.add(limit);
    return Jdbc.list(
        connection,
        RequestTable.SELECT + where + " order by sequence desc limit ?",
        RequestTable::record,
        parameters.toArray());
  }

  private static void and(
      StringBuilder where, List<Object> parameters, String column, String value) {
    if (value != null) {
      where.append(" and ").append(column).append(" = ?");
      parameters.add(value);
    }
  }
}
