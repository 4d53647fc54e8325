package dev.llmproxy.gate;

import dev.llmproxy.call.Caller;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.ErrorForm;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.Tiers;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Finds the caller of a request by its API key. */
public final class Authenticator {
  private final KeyDirectory directory;
  private final Tiers tiers;
  private final WrongKeys wrongKeys;

  public Authenticator(KeyDirectory directory, Tiers tiers, WrongKeys wrongKeys) {
    this.directory = directory;
    this.tiers = tiers;
    this.wrongKeys = wrongKeys;
  }

  /**
   * Removes the key from the message, so that it is not passed on, and stores its hash in the
   * context.
   *
   * @throws ApiException 401 when there is no bearer key
   */
  public void takeKey(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    String path = context.reply().path();
    String key =
        ErrorForm.of(path) == ErrorForm.MESSAGES || path.startsWith("/v1/models")
            ? BearerToken.takeOrApiKey(
                exchange, OpenAiErrors::missingApiKey, OpenAiErrors::notBearer)
            : BearerToken.take(exchange, OpenAiErrors::missingApiKey, OpenAiErrors::notBearer);
    context.setKeyHash(ApiKey.hash(key));
  }

  /**
   * Whether to read the sheet again: the key is unknown but may be new, and the client's address
   * has not sent too many wrong keys.
   */
  public boolean maybeNew(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return directory.find(context.keyHash()).isEmpty() && !wrongKeys.tooMany(context.reply());
  }

  /**
   * Finds the caller and sets it in the context.
   *
   * @throws ApiException 401 when the key is unknown, revoked or expired, 429 when too many such
   *     keys came from the client's address, 503 when keys cannot be checked
   */
  public Caller identify(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    if (!directory.loaded()) {
      throw OpenAiErrors.keysUnavailable().asException();
    }
    Optional<Caller> owner = directory.caller(context.keyHash());
    Caller known =
        owner.orElseThrow(
            () -> wrongKeys.next(context.reply(), OpenAiErrors.invalidApiKey()).asException());
    Caller caller = known.within(tiers.of(known.tier()));
    context.setCaller(caller);
    return caller;
  }
}
