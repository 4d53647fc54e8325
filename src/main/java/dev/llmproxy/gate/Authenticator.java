package dev.llmproxy.gate;

import dev.llmproxy.call.Caller;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.KeyDirectory;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Turns the bearer key of a request into its caller. */
public final class Authenticator {
  /** The exchange property that holds the hash of the key that was sent. */
  public static final String KEY_HASH = "keyHash";

  private final KeyDirectory directory;
  private final WrongKeys wrongKeys;

  public Authenticator(KeyDirectory directory, WrongKeys wrongKeys) {
    this.directory = directory;
    this.wrongKeys = wrongKeys;
  }

  /**
   * Takes the key off the request, so that it goes nowhere else, and keeps its hash.
   *
   * @throws ApiException 401 when there is no bearer key
   */
  public void takeKey(Exchange exchange) {
    String key = BearerToken.take(exchange, OpenAiErrors::missingApiKey, OpenAiErrors::notBearer);
    exchange.setProperty(KEY_HASH, ApiKey.hash(key));
  }

  /**
   * Whether the key is unknown although it may just have been made, and its sender has not tried
   * too many: reading the sheet is worth it.
   */
  public boolean maybeNew(@ExchangeProperty(KEY_HASH) String hash, Exchange exchange) {
    return directory.find(hash).isEmpty() && !wrongKeys.tooMany(exchange);
  }

  /**
   * Sets the caller.
   *
   * @throws ApiException 401 when the key is unknown, revoked or expired, 429 when too many such
   *     keys came from the client's address, 503 when no key can be judged
   */
  public void identify(@ExchangeProperty(KEY_HASH) String hash, Exchange exchange) {
    if (!directory.loaded()) {
      throw OpenAiErrors.keysUnavailable().asException();
    }
    Optional<Caller> caller = directory.caller(hash);
    exchange.setProperty(
        Caller.PROPERTY,
        caller.orElseThrow(
            () -> wrongKeys.next(exchange, OpenAiErrors.invalidApiKey()).asException()));
  }
}
