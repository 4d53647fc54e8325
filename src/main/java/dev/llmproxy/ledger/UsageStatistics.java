package dev.llmproxy.ledger;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Jdbc;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Statistics of settled requests, exact at any moment: the sums of {@link UsageRollup} and the
 * requests settled since. Days and months are those of the admission, in UTC. Every method throws a
 * {@link LedgerException} when the ledger cannot be read.
 */
public final class UsageStatistics {
  /** The requests {@code r} that are not summed yet. */
  static final String NOT_SUMMED =
      "from request r where r.sequence > (select sequence from usage_rollup)";

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
