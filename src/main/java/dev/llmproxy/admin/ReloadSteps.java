package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import org.apache.camel.ExchangeProperty;

/** The step of the page System that has edited files read. */
public final class ReloadSteps {
  private final LiveEdits live;
  private final AdminActions actions;

  public ReloadSteps(LiveEdits live, AdminActions actions) {
    this.live = live;
    this.actions = actions;
  }

  /**
   * Reads routes, providers and settings again.
   *
   * @return as {@link LiveEdits#report}
   * @throws dev.llmproxy.error.ApiException 503 when the action cannot be recorded
   */
  public ObjectNode reload(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext request,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session) {
    actions.record(request, session, "routes.reload", "all files", Json.object());
    return live.reread();
  }
}
