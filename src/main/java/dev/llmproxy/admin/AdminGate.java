package dev.llmproxy.admin;

import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.AdminErrors;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.Reply;
import dev.llmproxy.ledger.LedgerException;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.apache.camel.ExchangeProperty;

/**
 * Lets the pages of this server use the admin API for people who are signed in, and nobody else.
 */
public final class AdminGate {
  private static final Set<String> READING = Set.of("GET", "HEAD");
  private static final String CSRF_HEADER = "X-CSRF-Token";

  /** What browsers say in {@code Sec-Fetch-Site} of requests by a person or by our pages. */
  private static final Set<String> FROM_HERE = Set.of("same-origin", "none");

  private final OwnAddress own;
  private final AdminSessions sessions;

  public AdminGate(OwnAddress own, AdminSessions sessions) {
    this.own = own;
    this.sessions = sessions;
  }

  /**
   * Checks that the request was sent to an address of this server, by a page of this server.
   *
   * @throws ApiException 403 when it was not
   */
  public void checkOrigin(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Reply reply = context.reply();
    checkHost(context);
    String origin = reply.requestHeader("Origin");
    String site = reply.requestHeader("Sec-Fetch-Site");
    boolean reading = READING.contains(reply.method());
    boolean fromHere =
        origin == null
            ? (site == null ? reading : isFromHere(site, reading))
            : own.isOwn(origin, reply.host()) && (site == null || isFromHere(site, reading));
    if (!fromHere) {
      throw AdminErrors.wrongOrigin().asException();
    }
  }

  /**
   * Checks that the request was sent to an address of this server. Enough for pages that a person
   * opens, and that another page may link to.
   *
   * @throws ApiException 403 when it was not
   */
  public void checkHost(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    if (!own.isOwn(context.reply().host())) {
      throw AdminErrors.wrongHost().asException();
    }
  }

  /**
   * The session of the request.
   *
   * @throws ApiException 401 when nobody is signed in, 403 when a request with a change lacks the
   *     session's token, 503 when sessions cannot be read
   */
  public AdminSession session(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    AdminSession session = find(context).orElseThrow(() -> AdminErrors.notSignedIn().asException());
    Reply reply = context.reply();
    if (!READING.contains(reply.method())) {
      String token = reply.requestHeader(CSRF_HEADER);
      if (token == null || !Secrets.equal(token, session.csrf())) {
        throw AdminErrors.wrongCsrfToken().asException();
      }
    }
    return session;
  }

  /**
   * The session of the request; empty when nobody is signed in.
   *
   * @throws ApiException 503 when sessions cannot be read
   */
  Optional<AdminSession> find(RequestContext context) {
    return read(context, sessions::find);
  }

  /** As {@link #find}, but the session does not count as used. */
  Optional<AdminSession> look(RequestContext context) {
    return read(context, sessions::look);
  }

  private static Optional<AdminSession> read(
      RequestContext context, Function<String, Optional<AdminSession>> reading) {
    try {
      return SessionCookie.of(context.reply()).flatMap(reading);
    } catch (LedgerException e) {
      throw OpenAiErrors.unavailable("Sessions cannot be read right now. Try again shortly.")
          .asException();
    }
  }

  /**
   * Demands an administrator.
   *
   * @throws ApiException 403 for other people
   */
  public void demandAdministrator(@ExchangeProperty(AdminSession.PROPERTY) AdminSession session) {
    if (!session.isAdministrator()) {
      throw AdminErrors.adminOnly().asException();
    }
  }

  private static boolean isFromHere(String site, boolean reading) {
    return reading ? FROM_HERE.contains(site) : site.equals("same-origin");
  }
}
