package dev.llmproxy.gate;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Person;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.Tiers;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Finds the caller of a request by its Google ID token. */
public final class SignIn {
  private static final String TIER_WITHOUT_KEY = "free";
  private static final String API_KEY_PREFIX = "sk-";

  private final GoogleIdTokens idTokens;
  private final AllowedUsers allowedUsers;
  private final KeyDirectory directory;
  private final Tiers tiers;
  private final WrongKeys wrongKeys;

  public SignIn(
      GoogleIdTokens idTokens,
      AllowedUsers allowedUsers,
      KeyDirectory directory,
      Tiers tiers,
      WrongKeys wrongKeys) {
    this.idTokens = idTokens;
    this.allowedUsers = allowedUsers;
    this.directory = directory;
    this.tiers = tiers;
    this.wrongKeys = wrongKeys;
  }

  /**
   * Removes the ID token from the message, so that it is not passed on, verifies it, and stores its
   * person in the context.
   *
   * @throws ApiException 401 when the token is missing or not valid, 403 when sign-in is not
   *     configured, 429 when too many wrong tokens came from the client's address, 503 when the
   *     token cannot be checked
   */
  public void verify(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    if (!idTokens.accepted()) {
      throw OpenAiErrors.signInOff().asException();
    }
    String token =
        BearerToken.take(exchange, OpenAiErrors::missingIdToken, OpenAiErrors::invalidIdToken);
    if (token.startsWith(API_KEY_PREFIX)) {
      throw OpenAiErrors.apiKeyForIdToken().asException();
    }
    Optional<Person> person = idTokens.verify(token);
    context.setPerson(
        person.orElseThrow(
            () -> wrongKeys.next(context.reply(), OpenAiErrors.invalidIdToken()).asException()));
  }

  /**
   * Finds the caller and sets it in the context. The caller has the tier of the person's first
   * valid key. An allowed person without a key has the tier free.
   *
   * @throws ApiException 403 when the person has no key and is not allowed, 503 when keys cannot be
   *     checked
   */
  public Caller identify(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    if (!directory.loaded()) {
      throw OpenAiErrors.keysUnavailable().asException();
    }
    Person person = context.person();
    Caller known =
        directory
            .keyHolder(person.email())
            .map(key -> Caller.person(key.email(), key.tier(), key.conversations()))
            .or(() -> withoutKey(person))
            .orElseThrow(() -> OpenAiErrors.userNotAllowed(person.email()).asException());
    Caller caller = known.within(tiers.of(known.tier()));
    context.setCaller(caller);
    return caller;
  }

  private Optional<Caller> withoutKey(Person person) {
    return allowedUsers.allow(person)
        ? Optional.of(Caller.person(EmailAddress.folded(person.email()), TIER_WITHOUT_KEY, null))
        : Optional.empty();
  }
}
