package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.Reply;
import dev.llmproxy.ledger.LedgerException;
import org.apache.camel.ExchangeProperty;

/** What a browser asks about its own session, and the end of it. */
public final class SessionSteps {
  private final AdminGate gate;
  private final AdminSessions sessions;
  private final AdminActions actions;
  private final OwnAddress own;

  public SessionSteps(
      AdminGate gate, AdminSessions sessions, AdminActions actions, OwnAddress own) {
    this.gate = gate;
    this.sessions = sessions;
    this.actions = actions;
    this.own = own;
  }

  /**
   * Who is signed in, with the token for changes.
   *
   * @throws ApiException 503 when sessions cannot be read
   */
  public ObjectNode describe(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return gate.find(context)
        .map(session ->
            Json.object()
                .put("signed_in", true)
                .put("email", session.email())
                .put("role", session.role().name())
                .put("csrf_token", session.csrf())
                .put("expires_at", session.expires().toString()))
        .orElseGet(() -> Json.object().put("signed_in", false));
  }

  /**
   * Ends the session.
   *
   * @throws ApiException 503 when it cannot be ended
   */
  public ObjectNode signOut(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session) {
    Reply reply = context.reply();
    actions.record(context, session, "session.end", session.email(), Json.object());
    try {
      SessionCookie.of(reply).ifPresent(sessions::end);
    } catch (LedgerException e) {
      throw OpenAiErrors.unavailable("You cannot be signed out right now. Try again shortly.")
          .asException();
    }
    SessionCookie.remove(reply, own.isSecure(reply.host()));
    return Json.object().put("signed_in", false);
  }
}
