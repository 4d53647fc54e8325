package dev.llmproxy.ledger;

import dev.llmproxy.call.Caller;
import dev.llmproxy.catalogue.TokenCount;
import java.math.BigDecimal;
import java.time.Instant;

/**
 * An admitted request.
 *
 * @param requestId unique
 * @param admittedAt when the request arrived
 * @param caller the owner of the API key, or the signed-in person
 * @param type {@code chat} or {@code embedding}
 * @param model the model id, provider included
 * @param provider the way the request came in: {@code rest-api}, or {@code chat} from a signed-in
 *     person
 * @param tokens the least that the request has probably used once it is admitted
 * @param cost the cost of these tokens in US dollars, or null when the model's price is unknown
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

  /** An admission without known tokens. */
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
