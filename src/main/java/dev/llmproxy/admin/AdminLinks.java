package dev.llmproxy.admin;

import dev.llmproxy.base.Jdbc;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Sha256;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/**
 * One-time links to the management pages, in the ledger's database, which has only their hashes.
 */
public final class AdminLinks {
  /** The path of a link, to which its token is appended. */
  public static final String PATH = "/admin/sign-in/link?token=";

  /** How long the link that the start prints is valid. */
  public static final Duration AT_START = Duration.ofHours(1);

  /** How long a link of the command admin-link is valid. */
  public static final Duration BY_COMMAND = Duration.ofMinutes(15);

  private final Ledger ledger;
  private final Clock clock;

  public AdminLinks(Ledger ledger, Clock clock) {
    this.ledger = ledger;
    this.clock = clock;
  }

  /**
   * Creates a link for the server's console.
   *
   * @return its token
   * @throws LedgerException when it cannot be stored
   */
  public String create() {
    String token = Secrets.token();
    ledger.write(connection -> add(connection, token, clock.instant(), AT_START));
    return token;
  }

  /**
   * Creates a link while a server may run.
   *
   * @return its token; null when there is no ledger yet
   * @throws LedgerException when it cannot be stored
   */
  public static String create(Settings settings) {
    String token = Secrets.token();
    return Ledger.change(
        settings,
        connection -> {
          add(connection, token, Instant.now(), BY_COMMAND);
          return token;
        },
        null);
  }

  /**
   * Uses a link.
   *
   * @return whether it was valid; it is void from now on
   * @throws LedgerException when the ledger does not work
   */
  boolean use(String token) {
    long now = clock.millis();
    return ledger.write(connection ->
        Jdbc.update(
                connection,
                "delete from admin_link where id = ? and expires_at > ?",
                Sha256.hex(token),
                now)
            == 1);
  }

  private static int add(Connection connection, String token, Instant now, Duration valid)
      throws SQLException {
    Jdbc.update(connection, "delete from admin_link where expires_at <= ?", now.toEpochMilli());
    return Jdbc.update(
        connection,
        "insert into admin_link (id, expires_at) values (?, ?)",
        Sha256.hex(token),
        now.plus(valid).toEpochMilli());
  }
}
