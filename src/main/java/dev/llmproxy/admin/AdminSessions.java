package dev.llmproxy.admin;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Jdbc;
import dev.llmproxy.base.Sha256;
import dev.llmproxy.call.Person;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * The sessions of the management pages, in the ledger's database, so that they survive a restart
 * and all servers that share the ledger know them. The database has only the hash of a session's
 * token.
 */
public final class AdminSessions {
  /** A session ends after this time. */
  public static final Duration LONGEST = Duration.ofHours(12);

  /** A session ends after this time without a request. */
  public static final Duration UNUSED = Duration.ofHours(2);

  /** The last use is written this often, because each request would otherwise write. */
  private static final Duration NOTE_EVERY = Duration.ofMinutes(1);

  private final Ledger ledger;
  private final AdminRoles roles;
  private final Clock clock;

  public AdminSessions(Ledger ledger, AdminRoles roles, Clock clock) {
    this.ledger = ledger;
    this.roles = roles;
    this.clock = clock;
  }

  /**
   * Begins a session.
   *
   * @return the session's token, for the cookie
   * @throws LedgerException when it cannot be stored
   */
  public String begin(Person person, SignInMethod method) {
    String token = Secrets.token();
    Instant now = clock.instant();
    ledger.write(connection -> {
      Jdbc.update(
          connection,
          "delete from admin_session where expires_at <= ? or used_at <= ?",
          now.toEpochMilli(),
          now.minus(UNUSED).toEpochMilli());
      return Jdbc.update(
          connection,
          "insert into admin_session (id, email, domain, method, csrf, created_at, used_at, expires_at)"
              + " values (?, ?, ?, ?, ?, ?, ?, ?)",
          Sha256.hex(token),
          EmailAddress.folded(person.email()),
          person.domain(),
          method.text(),
          Secrets.token(),
          now.toEpochMilli(),
          now.toEpochMilli(),
          now.plus(LONGEST).toEpochMilli());
    });
    return token;
  }

  /**
   * The session of a token, which counts as used now.
   *
   * @return empty when there is none, when it has ended, or when the person may no longer use the
   *     pages
   * @throws LedgerException when the sessions cannot be read
   */
  public Optional<AdminSession> find(String token) {
    String id = Sha256.hex(token);
    Instant now = clock.instant();
    Optional<Row> found = row(id, now);
    if (found.isPresent() && !now.isBefore(found.get().used.plus(NOTE_EVERY))) {
      ledger.write(connection ->
          Jdbc.update(
              connection,
              "update admin_session set used_at = ? where id = ?",
              now.toEpochMilli(),
              id));
    }
    return found.flatMap(this::session);
  }

  /** As {@link #find}, but the session does not count as used: an open page is no use of it. */
  Optional<AdminSession> look(String token) {
    return row(Sha256.hex(token), clock.instant()).flatMap(this::session);
  }

  private Optional<Row> row(String id, Instant now) {
    return ledger
        .read(connection ->
            Jdbc.list(
                connection,
                "select email, domain, method, csrf, used_at, expires_at from admin_session where id = ?",
                row ->
                    new Row(
                        new Person(row.getString(1), row.getString(2)),
                        SignInMethod.of(row.getString(3)),
                        row.getString(4),
                        Instant.ofEpochMilli(row.getLong(5)),
                        Instant.ofEpochMilli(row.getLong(6))),
                id))
        .stream()
        .filter(row -> now.isBefore(row.expires) && now.isBefore(row.used.plus(UNUSED)))
        .findFirst();
  }

  private Optional<AdminSession> session(Row row) {
    return roles
        .of(row.person, row.method)
        .map(role -> new AdminSession(row.person.email(), role, row.csrf, row.method, row.expires));
  }

  /**
   * Ends the session of a token; does nothing without one.
   *
   * @throws LedgerException when it cannot be ended
   */
  public void end(String token) {
    ledger.write(connection ->
        Jdbc.update(connection, "delete from admin_session where id = ?", Sha256.hex(token)));
  }

  private record Row(
      Person person, SignInMethod method, String csrf, Instant used, Instant expires) {}
}
