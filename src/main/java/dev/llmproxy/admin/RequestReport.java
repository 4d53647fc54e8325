package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempt;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.LiveEvent;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.conversation.ConversationLog;
import dev.llmproxy.error.AdminErrors;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.ledger.RequestSearch;
import dev.llmproxy.ledger.UsageMeter;
import dev.llmproxy.ledger.UsageRecord;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Single requests for the management pages: settled ones, and those that run now. A person who is
 * no administrator sees the own ones alone. Every method fails with 400 for a wrong parameter, and
 * 503 when the ledger cannot be read.
 */
public final class RequestReport {
  static final String RUNNING = "RUNNING";
  static final String PATH = "/admin/api/requests/";
  private static final int REQUESTS = 50;
  private static final int MOST_REQUESTS = 500;
  private static final int MOST_DIGITS = 18;

  private final RequestSearch search;
  private final UsageMeter meter;
  private final ConversationLog conversations;
  private final KeyDirectory keys;
  private final AdminActions actions;
  private final Clock clock;

  public RequestReport(
      RequestSearch search,
      UsageMeter meter,
      ConversationLog conversations,
      KeyDirectory keys,
      AdminActions actions,
      Clock clock) {
    this.search = search;
    this.meter = meter;
    this.conversations = conversations;
    this.keys = keys;
    this.actions = actions;
    this.clock = clock;
  }

  /**
   * The latest requests, or those before the query's {@code before}. {@code before} of the answer
   * continues the search; it is absent when there are no more.
   */
  public ObjectNode list(
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session, Exchange exchange) {
    AdminQuery query = AdminQuery.of(exchange);
    RequestSearch.Wanted wanted =
        new RequestSearch.Wanted(
            UsageReport.email(query, session),
            query.text("key", null),
            query.text("model", null),
            UsageReport.status(query));
    long before =
        query
            .text("before")
            .filter(text -> text.length() <= MOST_DIGITS && text.matches("\\d+"))
            .map(Long::parseLong)
            .orElse(Long.MAX_VALUE);
    int limit = query.number("limit", REQUESTS, 1, MOST_REQUESTS);
    RequestSearch.Found found = UsageReport.read(() -> search.before(before, wanted, limit));
    ObjectNode answer = Json.object();
    ArrayNode requests = answer.putArray("requests");
    found.records().forEach(record -> requests.add(json(record)));
    if (found.before() > 0) {
      answer.put("before", Long.toString(found.before()));
    }
    return answer;
  }

  /**
   * The request whose id is in the path, with its attempts, and with where its conversation is
   * stored; 404 when the person may see none. The attempts of a running request are not known yet.
   */
  public ObjectNode details(
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session, Exchange exchange) {
    String id = AdminQuery.of(exchange).pathAfter(PATH);
    Optional<Call> running =
        meter.running().stream().filter(call -> call.requestId().equals(id)).findFirst();
    Optional<RequestSearch.Details> settled =
        running.isPresent() ? Optional.empty() : UsageReport.read(() -> search.find(id));
    ObjectNode answer =
        running
            .map(this::json)
            .or(() -> settled.map(details -> json(details.record())))
            .filter(request -> session.mayManage(request.path("email").asText()))
            .orElseThrow(() -> AdminErrors.notFound("request").asException());
    ArrayNode attempts = answer.putArray("attempts");
    for (Attempt attempt : settled.map(RequestSearch.Details::attempts).orElse(List.of())) {
      attempts
          .addObject()
          .put("turn", attempt.turn())
          .put("model", attempt.model())
          .put("outcome", attempt.outcome())
          .put("status", attempt.status())
          .put("duration_ms", attempt.duration().toMillis())
          .put("cost", text(attempt.cost()));
    }
    answer.put(
        "conversation",
        UsageReport.read(() -> conversations.storage(id))
            .map(storage -> storage.name().toLowerCase(Locale.ROOT))
            .orElse(null));
    return answer;
  }

  /**
   * The stored conversation of the request whose id is in the path; 404 when there is none that the
   * person may see. That somebody reads the conversation of another person is recorded.
   */
  public ObjectNode conversation(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session,
      Exchange exchange) {
    String id = AdminQuery.of(exchange).pathAfter(PATH);
    Conversation conversation =
        UsageReport.read(() -> conversations.find(id))
            .filter(found -> session.mayManage(found.email()))
            .orElseThrow(() -> AdminErrors.notFound("conversation").asException());
    if (!session.owns(conversation.email())) {
      actions.record(
          context,
          session,
          "conversation.read",
          conversation.email(),
          Json.object().put("request", id));
    }
    return UsageReport.read(conversation::toJson);
  }

  /** A running request, with its estimated use so far. */
  ObjectNode json(Call call) {
    TokenCount tokens = TokenCount.sum(call.soFar());
    LiveEvent.Subject subject = LiveEvent.Subject.of(call);
    return use(
        begin(subject, call.target().servedModel(), RUNNING),
        tokens.in(),
        tokens.out(),
        call.turnCount(),
        call.toolCallCount(),
        null,
        Duration.between(call.started(), clock.instant()).toMillis());
  }

  /** What is known of a request when it begins. */
  static ObjectNode begin(LiveEvent.Subject subject, String model, String status) {
    return Json.object()
        .put("id", subject.requestId())
        .put("at", subject.started().toString())
        .put("email", subject.email())
        .put("key_hash", subject.keyHash())
        .put("key_name", subject.keyName())
        .put("type", subject.type())
        .put("model", model)
        .put("provider", UsageMeter.way(subject.keyHash()))
        .put("status", status);
  }

  /** Adds what a request has used. */
  static ObjectNode use(
      ObjectNode json,
      long tokensIn,
      long tokensOut,
      int turns,
      int toolCalls,
      BigDecimal cost,
      long millis) {
    return json.put("tokens_in", tokensIn)
        .put("tokens_out", tokensOut)
        .put("turns", turns)
        .put("tool_calls", toolCalls)
        .put("cost", text(cost))
        .put("duration_ms", millis);
  }

  ObjectNode json(UsageRecord record) {
    LiveEvent.Subject subject =
        new LiveEvent.Subject(
            record.requestId(),
            record.timestamp(),
            record.email(),
            record.keyHash(),
            keys.find(record.keyHash()).map(key -> key.caller().keyName()).orElse(""),
            record.type());
    return use(
        begin(subject, record.model(), record.status().name()),
        record.tokensIn(),
        record.tokensOut(),
        record.turns(),
        record.toolCalls(),
        record.cost(),
        record.durationMillis());
  }

  /** Dollars as text; null for null. */
  static String text(BigDecimal dollars) {
    return dollars == null ? null : UsageRows.plain(dollars);
  }
}
