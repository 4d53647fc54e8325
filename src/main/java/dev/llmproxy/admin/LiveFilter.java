package dev.llmproxy.admin;

import dev.llmproxy.call.Call;
import dev.llmproxy.call.LiveEvent;
import dev.llmproxy.call.Status;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.ledger.RequestSearch;
import java.util.Arrays;
import java.util.stream.Stream;
import org.apache.camel.Exchange;

/**
 * Which requests a person watches.
 *
 * @param session the person; sees the own requests alone unless an administrator
 * @param keyHash lower-case hex SHA-256 of a key; null for all
 * @param requestId of the only request; null for all
 * @param status {@code RUNNING}, or the name of an outcome; null for all
 */
record LiveFilter(AdminSession session, String keyHash, String requestId, String status) {
  /**
   * The filter in the query of a request.
   *
   * @throws ApiException 400 for a wrong parameter
   */
  static LiveFilter of(AdminSession session, Exchange exchange) {
    AdminQuery query = AdminQuery.of(exchange);
    String status =
        query.word(
            "status",
            "",
            Stream.concat(
                    Stream.of(RequestReport.RUNNING),
                    Arrays.stream(Status.values()).map(Status::name))
                .toList());
    return new LiveFilter(
        session,
        query.text("key", null),
        query.text("request", null),
        status.isEmpty() ? null : status);
  }

  /** Whether the person gets an event. The end of a request tells that it no longer runs. */
  boolean wants(LiveEvent event) {
    return wants(event.of())
        && (wantsRunning()
            || (event instanceof LiveEvent.Ended ended
                && ended.record().status().name().equals(status)));
  }

  boolean wants(Call call) {
    return wantsRunning() && wants(LiveEvent.Subject.of(call));
  }

  /** The settled requests to show; only if {@link #wantsEnded}. */
  RequestSearch.Wanted ended() {
    return new RequestSearch.Wanted(
        UsageReport.own(session), keyHash, null, status == null ? null : Status.valueOf(status));
  }

  boolean wantsEnded() {
    return requestId == null && !RequestReport.RUNNING.equals(status);
  }

  private boolean wantsRunning() {
    return status == null || status.equals(RequestReport.RUNNING);
  }

  private boolean wants(LiveEvent.Subject subject) {
    return session.mayManage(subject.email())
        && (keyHash == null || keyHash.equals(subject.keyHash()))
        && (requestId == null || requestId.equals(subject.requestId()));
  }
}
