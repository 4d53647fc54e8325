package dev.llmproxy.ledger;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Jdbc;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;

/**
 * Statistics of settled requests, exact at any moment: the sums of {@link UsageRollup} and the
 * requests settled since. Days and months are those of the admission, in UTC. Every method throws a
 * {@link LedgerException} when the ledger cannot be read.
 */
public final class UsageStatistics {
  /**
   * The requests {@code r} that are not summed yet. Without the limit, SQLite would read all
   * requests in the order of another index to group them.
   */
  static final String NOT_SUMMED =
      "from (select * from request where sequence > (select sequence from usage_rollup) limit "
          + Long.MAX_VALUE
          + ") r where 1 = 1";

  private final Ledger ledger;

  public UsageStatistics(Ledger ledger) {
    this.ledger = ledger;
  }

  /**
   * The spending of a key in a month.
   *
   * @param keyHash lower-case hex SHA-256 of the key
   */
  public Spending spentByKey(String keyHash, YearMonth month) {
    return spent(month, keyHash, null).getOrDefault(keyHash, Spending.NONE);
  }

  /** The spending of a signed-in person in a month, without that of the person's keys. */
  public Spending spentByPerson(String email, YearMonth month) {
    String person = EmailAddress.folded(email);
    return spent(month, "", person).getOrDefault(person, Spending.NONE);
  }

  /**
   * The spending of every key and every signed-in person in a month. Those without requests are
   * absent.
   *
   * @return by key hash; for signed-in persons by {@link EmailAddress#folded} address
   */
  public Map<String, Spending> spent(YearMonth month) {
    return spent(month, null, null);
  }

  /**
   * Some rows of the sums by day, model, key, user or status. Rows without requests are absent.
   * Latencies are empty by key and by user.
   *
   * @param offset the number of rows before the first one
   * @param limit the largest number of rows
   */
  public UsagePage page(
      UsageBy by, UsageFilter filter, UsageOrder order, boolean descending, int offset, int limit) {
    return ledger.query(
        connection -> page(connection, by, filter, order, descending, offset, limit));
  }

  /** Like {@link #page}, for a ledger that another process may have open. */
  public static UsagePage page(
      Connection connection,
      UsageBy by,
      UsageFilter filter,
      UsageOrder order,
      boolean descending,
      int offset,
      int limit)
      throws SQLException {
    return new UsageQuery(connection, by, filter).page(order, descending, offset, limit);
  }

  /** The sum of all requests of a filter. */
  public UsageSum sum(UsageFilter filter) {
    return ledger.query(connection -> new UsageQuery(connection, null, filter).sum());
  }

  /**
   * The sums of the hours from {@code first} to {@code last}; hours without requests are absent.
   *
   * @param first in that hour, like {@code last}
   * @param email of the person whose requests are counted; null for everybody
   */
  public SortedMap<Instant, UsageSum> hours(Instant first, Instant last, String email) {
    return ledger.query(connection -> UsageQuery.hours(connection, first, last, email));
  }

  /** The ways in which a person's address is written in requests. */
  static List<String> spellings(Connection connection, String email) throws SQLException {
    String person = EmailAddress.folded(email);
    Set<String> spellings = new TreeSet<>(Set.of(person));
    spellings.addAll(
        Jdbc.list(
            connection,
            "select distinct email from usage_owner where person = ?",
            row -> row.getString(1),
            person));
    Jdbc.list(connection, "select distinct r.email " + NOT_SUMMED, row -> row.getString(1)).stream()
        .filter(other -> EmailAddress.folded(other).equals(person))
        .forEach(spellings::add);
    return List.copyOf(spellings);
  }

  private Map<String, Spending> spent(YearMonth month, String keyHash, String person) {
    return ledger.query(connection -> spent(connection, month, keyHash, person));
  }

  /**
   * @param keyHash null for all
   * @param person null for all
   */
  private static Map<String, Spending> spent(
      Connection connection, YearMonth month, String keyHash, String person) throws SQLException {
    List<Object> parameters = new ArrayList<>();
    parameters.add(UsageMeasures.month(month));
    if (keyHash != null) {
      parameters.add(keyHash);
    }
    if (person != null) {
      parameters.add(person);
    }
    parameters.add(UsageMeasures.begin(month));
    parameters.add(UsageMeasures.begin(month.plusMonths(1)));
    if (keyHash != null) {
      parameters.add(keyHash);
    }
    String sql =
        "select o.key_hash, o.email, u.cost_high, u.cost_low, u.unpriced"
            + " from usage_owner o join usage_month u on u.owner = o.id where u.month = ?"
            + (keyHash == null ? "" : " and o.key_hash = ?")
            + (person == null ? "" : " and o.person = ?")
            + " union all select r.key_hash, r.email, "
            + RequestTable.sum("r.cost_picodollars")
            + ", sum("
            + UsageMeasures.UNPRICED
            + ") "
            + NOT_SUMMED
            + " and r.admitted_at >= ? and r.admitted_at < ?"
            + (keyHash == null ? "" : " and r.key_hash = ?")
            + " group by r.key_hash, r.email";
    Map<String, Spending> spent = new HashMap<>();
    record Part(String account, Spending spending) {}
    for (Part part :
        Jdbc.list(
            connection,
            sql,
            row ->
                new Part(
                    account(row.getString(1), row.getString(2)),
                    new Spending(
                        new BigDecimal(RequestTable.sum(row, 3), RequestTable.PICODOLLAR_DIGITS),
                        row.getLong(5))),
            parameters.toArray())) {
      spent.merge(part.account, part.spending, Spending::plus);
    }
    return spent;
  }

  private static String account(String keyHash, String email) {
    return keyHash.isEmpty() ? EmailAddress.folded(email) : keyHash;
  }
}
