package dev.llmproxy.keys;

import dev.llmproxy.call.Caller;
import java.time.Instant;

/**
 * One usable row of the sheet {@code User API Keys}.
 *
 * @param caller whose key it is
 * @param revoked whether it may no longer be used
 * @param expires when it ends; null for never
 */
public record KeyRecord(Caller caller, boolean revoked, Instant expires) {
  /** Whether a request with it may be let in at this moment. */
  public boolean validAt(Instant now) {
    return !revoked && (expires == null || now.isBefore(expires));
  }

  /** The same, revoked. */
  KeyRecord asRevoked() {
    return new KeyRecord(caller, true, expires);
  }
}
