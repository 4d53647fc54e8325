package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempt;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.LiveEvent;
import dev.llmproxy.call.LiveRequests;
import dev.llmproxy.call.LiveWatch;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.RequestRecord;
import dev.llmproxy.error.AdminErrors;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.http.KeepAlive;
import dev.llmproxy.http.Reply;
import dev.llmproxy.ledger.RequestSearch;
import dev.llmproxy.ledger.UsageMeter;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Requests as they happen, as server-sent events: {@code snapshot}, then {@code begin}, {@code
 * attempt}, {@code tool}, {@code end} and {@code dropped}. The watcher's own thread writes them,
 * several times a second; requests never wait for it.
 */
public final class LiveReport {
  private static final Duration TICK = Duration.ofMillis(250);
  private static final Duration CHECK = Duration.ofSeconds(5);
  private static final int MOST_ENDED = 100;
  private static final int MOST_RUNNING = 500;

  private final LiveRequests live;
  private final UsageMeter meter;
  private final RequestSearch search;
  private final RequestReport requests;
  private final AdminGate gate;
  private final KeepAlive keepAlive;
  private final Clock steady;
  private final BooleanSupplier over;

  /**
   * @param steady a clock that only goes forward
   * @param over whether all streams end, because the server stops or its routes are replaced; the
   *     pages connect again
   */
  public LiveReport(
      LiveRequests live,
      UsageMeter meter,
      RequestSearch search,
      RequestReport requests,
      AdminGate gate,
      KeepAlive keepAlive,
      Clock steady,
      BooleanSupplier over) {
    this.live = live;
    this.meter = meter;
    this.search = search;
    this.requests = requests;
    this.gate = gate;
    this.keepAlive = keepAlive;
    this.steady = steady;
    this.over = over;
  }

  /**
   * Sends events until the person leaves, the session or the role ends, or the server stops. Query:
   * {@code key}, {@code status}, {@code request}.
   *
   * @throws ApiException 400 for a wrong parameter, 429 for too many watchers, 503 when the ledger
   *     cannot be read
   */
  public void stream(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session,
      Exchange exchange) {
    LiveFilter filter = LiveFilter.of(session, exchange);
    Reply reply = context.reply();
    try (LiveWatch watch =
        live.watch(session.email(), filter::wants)
            .orElseThrow(
                () -> AdminErrors.tooManyWatchers(LiveRequests.MOST_OF_A_PERSON).asException())) {
      // Fails with a status while the answer has not begun.
      ObjectNode snapshot = snapshot(filter);
      reply.header("X-Content-Type-Options", "nosniff");
      keepAlive.begin(reply, KeepAlive.BLOCK);
      send(reply, "snapshot", snapshot);
      reply.flush();
      follow(watch, filter, context, exchange);
    } catch (ApiException e) {
      if (!reply.begun()) {
        throw e;
      }
      // The ledger cannot be read. The page connects again, and is told so.
    } catch (ClientGoneException e) {
      // The person has left the page.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (reply.begun()) {
      // Otherwise Camel would write an answer of its own.
      reply.end();
    }
  }

  private void follow(LiveWatch watch, LiveFilter filter, RequestContext context, Exchange exchange)
      throws InterruptedException {
    Reply reply = context.reply();
    boolean stale = false;
    Instant nextCheck = steady.instant().plus(CHECK);
    while (!reply.over() && !over.getAsBoolean() && !exchange.getContext().isStopping()) {
      Thread.sleep(TICK);
      watch.take().forEach(event -> send(reply, event));
      long dropped = watch.takeDropped();
      if (dropped > 0) {
        stale = true;
        send(reply, "dropped", Json.object().put("count", dropped));
      }
      if (!steady.instant().isBefore(nextCheck)) {
        if (gate.look(context).filter(now -> now.role() == filter.session().role()).isEmpty()) {
          // The page connects again, and learns what the person may see now.
          return;
        }
        if (stale) {
          // The end of a request may be among the lost events.
          send(reply, "snapshot", snapshot(filter));
          stale = false;
        }
        nextCheck = steady.instant().plus(CHECK);
      }
      reply.flush();
    }
  }

  private ObjectNode snapshot(LiveFilter filter) {
    List<Call> calls = meter.running().stream().filter(filter::wants).toList();
    ObjectNode snapshot = Json.object().put("running_total", calls.size());
    ArrayNode running = snapshot.putArray("running");
    calls.stream()
        .sorted(Comparator.comparing(Call::started).reversed())
        .limit(MOST_RUNNING)
        .forEach(call -> running.add(requests.json(call)));
    ArrayNode ended = snapshot.putArray("ended");
    if (filter.wantsEnded()) {
      UsageReport.read(() -> search.before(Long.MAX_VALUE, filter.ended(), MOST_ENDED))
          .records()
          .forEach(record -> ended.add(requests.json(record)));
    }
    return snapshot;
  }

  private static void send(Reply reply, LiveEvent event) {
    switch (event) {
      case LiveEvent.Began began ->
          send(
              reply,
              "begin",
              RequestReport.begin(began.of(), began.model(), RequestReport.RUNNING));
      case LiveEvent.Attempted attempted -> send(reply, "attempt", json(attempted));
      case LiveEvent.ToolStarted started ->
          send(reply, "tool", json(started).put("tool", started.tool()).put("status", "started"));
      case LiveEvent.ToolEnded ended ->
          send(
              reply,
              "tool",
              json(ended)
                  .put("tool", ended.tool())
                  .put("status", ended.completed() ? "completed" : "failed")
                  .put("duration_ms", ended.duration().toMillis()));
      case LiveEvent.Ended ended -> send(reply, "end", end(ended));
    }
  }

  private static ObjectNode json(LiveEvent event) {
    return Json.object()
        .put("id", event.of().requestId())
        .put("after_ms", event.after().toMillis());
  }

  private static ObjectNode json(LiveEvent.Attempted attempted) {
    Attempt attempt = attempted.attempt();
    return json((LiveEvent) attempted)
        .put("turn", attempt.turn())
        .put("model", attempt.model())
        .put("outcome", attempt.outcome())
        .put("status", attempt.status())
        .put("duration_ms", attempt.duration().toMillis());
  }

  /** Without the provider's message, which may quote the conversation. */
  private static ObjectNode end(LiveEvent.Ended ended) {
    RequestRecord record = ended.record();
    return RequestReport.use(
            RequestReport.begin(ended.of(), record.model(), record.status().name()),
            record.inputTokens(),
            record.outputTokens(),
            record.turns(),
            record.toolCalls(),
            record.cost(),
            record.milliseconds())
        .put("http_status", record.httpStatus())
        .put("error_code", record.code())
        .put("cached", record.cached());
  }

  private static void send(Reply reply, String name, ObjectNode json) {
    reply.event(name, Json.bytes(json));
  }
}
