package dev.llmproxy.admin;

import dev.llmproxy.base.Jdbc;
import dev.llmproxy.base.Sha256;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * The sign-ins under way, in the ledger's database, so that the answer of the OpenID provider may
 * come to another server. Each can be taken once.
 */
final class PendingSignIns {
  static final Duration LONGEST = Duration.ofMinutes(10);

  private final Ledger ledger;
  private final Clock clock;

  PendingSignIns(Ledger ledger, Clock clock) {
    this.ledger = ledger;
    this.clock = clock;
  }

  /**
   * Stores a sign-in.
   *
   * @return the token that takes it, for the browser's cookie
   * @throws LedgerException when it cannot be stored
   */
  String add(PendingSignIn pending) {
    String token = Secrets.token();
    Instant now = clock.instant();
    ledger.write(connection -> {
      Jdbc.update(
          connection, "delete from admin_sign_in where expires_at <= ?", now.toEpochMilli());
      return Jdbc.update(
          connection,
          "insert into admin_sign_in (id, method, state, nonce, verifier, expires_at) values (?, ?, ?, ?, ?, ?)",
          Sha256.hex(token),
          pending.method().text(),
          pending.state(),
          pending.nonce(),
          pending.verifier(),
          now.plus(LONGEST).toEpochMilli());
    });
    return token;
  }

  /**
   * Takes a sign-in.
   *
   * @return empty when it was taken before, is too old, or never was
   * @throws LedgerException when the ledger does not work
   */
  Optional<PendingSignIn> take(String token) {
    String id = Sha256.hex(token);
    long now = clock.millis();
    return ledger.write(connection -> {
      Optional<PendingSignIn> pending =
          Jdbc.list(
                  connection,
                  "select method, state, nonce, verifier from admin_sign_in where id = ? and expires_at > ?",
                  row ->
                      new PendingSignIn(
                          SignInMethod.of(row.getString(1)),
                          row.getString(2),
                          row.getString(3),
                          row.getString(4)),
                  id,
                  now)
              .stream()
              .findFirst();
      // Of two servers that have read the row, one deletes it.
      boolean taken = Jdbc.update(connection, "delete from admin_sign_in where id = ?", id) == 1;
      return pending.filter(row -> taken);
    });
  }
}
