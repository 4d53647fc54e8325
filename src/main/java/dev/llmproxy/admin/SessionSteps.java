package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.Reply;
import dev.llmproxy.ledger.LedgerException;
import org.apache.camel.ExchangeProperty;

/** The end of a session. */
public final class SessionSteps {
  private final AdminSessions sessions;
  private final AdminActions actions;
  private final OwnAddress own;

  SessionSteps(AdminSessions sessions, AdminActions actions, OwnAddress own) {
    this.sessions = sessions;
    this.actions = actions;
    this.own = own;
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
