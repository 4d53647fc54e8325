package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempt;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.AdminErrors;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.ledger.RequestSearch;
import dev.llmproxy.ledger.UsageRecord;
import java.math.BigDecimal;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Single settled requests for the management pages. A person who is no administrator sees the own
 * ones alone. Every method fails with 400 for a wrong parameter, and 503 when the ledger cannot be
 * read.
 */
public final class RequestReport {
  static final String PATH = "/admin/api/requests/";
  private static final int REQUESTS = 50;
  private static final int MOST_REQUESTS = 500;
  private static final int MOST_DIGITS = 18;

  private final RequestSearch search;
  private final KeyDirectory keys;

  public RequestReport(RequestSearch search, KeyDirectory keys) {
    this.search = search;
    this.keys = keys;
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

  /** The request whose id ends the path, with its attempts; 404 when the person may see none. */
  public ObjectNode details(
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session, Exchange exchange) {
    String id = AdminQuery.of(exchange).pathAfter(PATH);
    RequestSearch.Details details =
        UsageReport.read(() -> search.find(id))
            .filter(found -> session.mayManage(found.record().email()))
            .orElseThrow(() -> AdminErrors.notFound("request").asException());
    ObjectNode answer = json(details.record());
    ArrayNode attempts = answer.putArray("attempts");
    for (Attempt attempt : details.attempts()) {
      attempts
          .addObject()
          .put("turn", attempt.turn())
          .put("model", attempt.model())
          .put("outcome", attempt.outcome())
          .put("status", attempt.status())
          .put("duration_ms", attempt.duration().toMillis())
          .put("cost", text(attempt.cost()));
    }
    return answer;
  }

  private ObjectNode json(UsageRecord record) {
    return Json.object()
        .put("id", record.requestId())
        .put("at", record.timestamp().toString())
        .put("email", record.email())
        .put("key_hash", record.keyHash())
        .put("key_name", keys.find(record.keyHash()).map(key -> key.caller().keyName()).orElse(""))
        .put("type", record.type())
        .put("model", record.model())
        .put("provider", record.provider())
        .put("status", record.status().name())
        .put("tokens_in", record.tokensIn())
        .put("tokens_out", record.tokensOut())
        .put("turns", record.turns())
        .put("tool_calls", record.toolCalls())
        .put("cost", text(record.cost()))
        .put("duration_ms", record.durationMillis());
  }

  /** Dollars as text; null for null. */
  static String text(BigDecimal dollars) {
    return dollars == null ? null : UsageRows.plain(dollars);
  }
}
