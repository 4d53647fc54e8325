package dev.llmproxy.ledger;

import dev.llmproxy.call.Caller;
import dev.llmproxy.catalogue.TokenCount;
import java.math.BigDecimal;
import java.time.Instant;

/**
 * A request that is let in.
 *
 * @param requestId unique
 * @param admittedAt when it came in
 * @param caller who asks
 * @param type {@code chat} or {@code embedding}
 * @param model the model id, provider included
 * @param provider how the request came: {@code rest-api}, or {@code chat} from a person signed in
 * @param tokens what it has probably used at least, once it is let in
 * @param cost of these tokens in US dollars, or null when the model's price is unknown
 */
public record Admission(
    String requestId,
    Instant admittedAt,
    Caller caller,
    String type,
    String model,
    String provider,
    TokenCount tokens,
    BigDecimal cost) {

  /** One of whose tokens nothing is known yet. */
  public Admission(
      String requestId,
      Instant admittedAt,
      Caller caller,
      String type,
      String model,
      String provider) {
    this(requestId, admittedAt, caller, type, model, provider, new TokenCount(0, 0), null);
  }
}
