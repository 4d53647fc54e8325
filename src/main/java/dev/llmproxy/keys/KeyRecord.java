package dev.llmproxy.keys;

import dev.llmproxy.call.Caller;
import java.time.Instant;

/**
 * One usable row of the sheet {@code User API Keys}.
 *
 * @param caller the key's owner
 * @param revoked whether the key is revoked
 * @param expires when the key expires; null for never
 */
public record KeyRecord(Caller caller, boolean revoked, Instant expires) {
  /** Whether the key is accepted at this time. */
  public boolean validAt(Instant now) {
    return !revoked && (expires == null || now.isBefore(expires));
  }

  /** This record with the key revoked. */
  KeyRecord asRevoked() {
    return new KeyRecord(caller, true, expires);
  }
}
