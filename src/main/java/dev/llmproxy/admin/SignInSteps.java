package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Networks;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.call.Person;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.gate.WrongKeys;
import dev.llmproxy.http.Reply;
import dev.llmproxy.ledger.LedgerException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of a sign-in to the management pages. Each returns the address to which the browser
 * goes next: the OpenID provider, the pages, or the pages with the code of a failure. None of these
 * addresses comes from the browser.
 */
public final class SignInSteps {
  private static final Logger LOG = LoggerFactory.getLogger(SignInSteps.class);
  private static final String PAGES = "/admin/";
  private static final String CALLBACK = "/admin/sign-in/callback";
  private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9_-]{43}");
  private static final Pattern FORM = Pattern.compile("token=([A-Za-z0-9_-]{43})");
  private static final int LONGEST_REASON = 300;

  /** Headers of requests that a proxy has passed on: the client may be anywhere. */
  private final List<OpenIdProvider> providers;

  private final PendingSignIns pending;
  private final AdminLinks links;
  private final AdminSessions sessions;
  private final AdminRoles roles;
  private final AdminActions actions;
  private final AdminGate gate;
  private final OwnAddress own;
  private final WrongKeys limit;
  private final String acceptedFrom;

  /**
   * @param limit limits the sign-ins of each client address
   */
  SignInSteps(AdminParts parts, PendingSignIns pending, WrongKeys limit, String acceptedFrom) {
    providers = parts.providers();
    this.pending = pending;
    links = parts.links();
    sessions = parts.sessions();
    roles = parts.roles();
    actions = parts.actions();
    gate = parts.gate();
    own = parts.ownAddress();
    this.limit = limit;
    this.acceptedFrom = acceptedFrom;
  }

  /**
   * Who is signed in, with the token for changes; otherwise the ways to sign in.
   *
   * @throws ApiException 503 when sessions cannot be read
   */
  public ObjectNode describe(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return gate.find(context).map(SignInSteps::describe).orElseGet(this::describeMethods);
  }

  private static ObjectNode describe(AdminSession session) {
    return Json.object()
        .put("signed_in", true)
        .put("email", session.email())
        .put("role", session.role().name())
        .put("csrf_token", session.csrf())
        .put("expires_at", session.expires().toString());
  }

  private ObjectNode describeMethods() {
    ObjectNode answer = Json.object().put("signed_in", false);
    ArrayNode methods = answer.putArray("methods");
    for (OpenIdProvider provider : providers) {
      methods
          .addObject()
          .put("name", provider.label())
          .put("href", "/admin/sign-in?method=" + provider.method().text());
    }
    return answer.put("link", !acceptedFrom.equals("off"));
  }

  /**
   * Begins a sign-in at the OpenID provider that the query parameter {@code method} names, or at
   * the only one.
   *
   * @throws ApiException 503 when the ledger does not work
   */
  public String begin(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    Reply reply = context.reply();
    String wanted = AdminQuery.of(exchange).text("method", "");
    return attempt(
        context,
        () -> {
          if (!limit.take(reply)) {
            throw new SignInException(SignInException.TOO_MANY, "too many sign-ins");
          }
          OpenIdProvider provider =
              providers.stream()
                  .filter(one -> wanted.isEmpty() || one.method().text().equals(wanted))
                  .findFirst()
                  .orElseThrow(() ->
                      new SignInException(
                          SignInException.UNAVAILABLE, "no such OpenID provider is configured"));
          PendingSignIn begun =
              new PendingSignIn(
                  provider.method(), Secrets.token(), Secrets.token(), Secrets.token());
          URI page = provider.page(begun, callback(reply));
          SessionCookie.setSignIn(reply, pending.add(begun), PendingSignIns.LONGEST, secure(reply));
          return page.toString();
        });
  }

  /**
   * Ends a sign-in with the answer of the OpenID provider, which comes in the query.
   *
   * @throws ApiException 503 when the ledger does not work
   */
  public String finish(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    Reply reply = context.reply();
    AdminQuery answer = AdminQuery.of(exchange);
    return attempt(
        context,
        () -> {
          Optional<PendingSignIn> begun = SessionCookie.signIn(reply).flatMap(pending::take);
          SessionCookie.removeSignIn(reply, secure(reply));
          if (begun.isEmpty()) {
            throw new SignInException(SignInException.EXPIRED, "no sign-in is under way");
          }
          PendingSignIn sign = begun.get();
          return recordingFailure(
              context,
              sign.method(),
              () -> {
                if (!Secrets.equal(answer.secret("state"), sign.state())) {
                  throw new SignInException(SignInException.EXPIRED, "another state");
                }
                if (answer.text("error").isPresent()) {
                  throw new SignInException(
                      SignInException.REFUSED, "the provider says " + answer.text("error", ""));
                }
                Person person =
                    provider(sign.method()).person(answer.secret("code"), sign, callback(reply));
                return enter(context, person, sign.method());
              });
        });
  }

  /**
   * The token of the link that the person has opened, for the page with the button: the link is not
   * used yet, because programs that show a preview of links open them too.
   *
   * @throws ApiException 400 when the address has no token
   */
  public String linkToken(Exchange exchange) {
    String token = AdminQuery.of(exchange).secret("token");
    if (!TOKEN.matcher(token).matches()) {
      throw OpenAiErrors.invalidValue("token", "It is not that of a one-time link.").asException();
    }
    return token;
  }

  /**
   * Uses the one-time link of the form in the body.
   *
   * @throws ApiException 503 when the ledger does not work
   */
  public String useLink(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, @Body byte[] body) {
    Reply reply = context.reply();
    return attempt(
        context,
        () -> {
          if (!limit.take(reply)) {
            throw new SignInException(SignInException.TOO_MANY, "too many sign-ins");
          }
          return recordingFailure(
              context,
              SignInMethod.LINK,
              () -> {
                if (!accepted(reply)) {
                  throw new SignInException(
                      SignInException.LINK_ELSEWHERE, "links are not accepted from this address");
                }
                Matcher form =
                    FORM.matcher(body == null ? "" : new String(body, StandardCharsets.US_ASCII));
                if (!form.matches() || !links.use(form.group(1))) {
                  throw new SignInException(
                      SignInException.LINK_VOID, "the link was used, or is too old");
                }
                return enter(context, roles.linked(), SignInMethod.LINK);
              });
        });
  }

  private String enter(RequestContext context, Person person, SignInMethod method)
      throws SignInException {
    Reply reply = context.reply();
    Optional<Role> role = roles.of(person, method);
    if (role.isEmpty()) {
      throw new SignInException(
          SignInException.NOT_ALLOWED, person.email() + " may not use the pages");
    }
    // A session that the browser had before would otherwise live on unseen.
    SessionCookie.of(reply).ifPresent(sessions::end);
    actions.record(
        context,
        person.email(),
        "session.begin",
        person.email(),
        Json.object().put("method", method.text()).put("role", role.get().name()));
    SessionCookie.set(reply, sessions.begin(person, method), secure(reply));
    return PAGES;
  }

  private boolean accepted(Reply reply) {
    return switch (acceptedFrom) {
      case "any" -> true;
      case "loopback" -> Networks.isLoopback(reply.address()) && !reply.passedOn();
      default -> false;
    };
  }

  private OpenIdProvider provider(SignInMethod method) throws SignInException {
    return providers.stream()
        .filter(one -> one.method() == method)
        .findFirst()
        .orElseThrow(
            () -> new SignInException(SignInException.UNAVAILABLE, "it is no longer configured"));
  }

  private URI callback(Reply reply) {
    return URI.create(own.originOf(reply.host()) + CALLBACK);
  }

  private boolean secure(Reply reply) {
    return own.isSecure(reply.host());
  }

  private String recordingFailure(RequestContext context, SignInMethod method, Step step)
      throws SignInException {
    try {
      return step.run();
    } catch (SignInException e) {
      actions.record(
          context,
          "",
          "session.refused",
          "",
          Json.object().put("method", method.text()).put("reason", reason(e)));
      throw e;
    }
  }

  private static String attempt(RequestContext context, Step step) {
    try {
      return step.run();
    } catch (SignInException e) {
      LOG.info("{} A sign-in was refused: {}", context.requestId(), reason(e));
      return PAGES + "#/sign-in/" + e.code();
    } catch (LedgerException e) {
      LOG.warn("{} Nobody can sign in: {}", context.requestId(), e.getMessage());
      throw OpenAiErrors.unavailable("Nobody can sign in right now. Try again shortly.")
          .asException();
    }
  }

  private static String reason(SignInException e) {
    return ShownText.oneLine(String.valueOf(e.getMessage()), LONGEST_REASON);
  }

  private interface Step {
    String run() throws SignInException;
  }
}
