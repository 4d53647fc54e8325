package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.AdminErrors;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.flush.DeadLetter;
import dev.llmproxy.flush.UsageFlush;
import dev.llmproxy.ledger.LedgerException;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;

/** The usage records that the workbook refuses, and another try of them. */
public final class DeadLetterSteps {
  private static final int MOST = 200;
  private static final int LONGEST_ID = 64;

  private final UsageFlush flush;
  private final AdminActions actions;

  public DeadLetterSteps(UsageFlush flush, AdminActions actions) {
    this.flush = flush;
    this.actions = actions;
  }

  /**
   * The first 200 records, oldest first. {@code count} of the answer is the number of all records
   * that are not being tried again.
   *
   * @throws dev.llmproxy.error.ApiException 503 when the ledger cannot be read
   */
  public ObjectNode list() {
    ObjectNode answer = Json.object().put("count", UsageReport.read(flush::deadLetters));
    ArrayNode list = answer.putArray("dead_letters");
    for (DeadLetter letter : UsageReport.read(() -> flush.refusedRecords(MOST))) {
      list.addObject()
          .put("request_id", letter.requestId())
          .put("at", letter.timestamp().toString())
          .put("email", letter.email())
          .put("model", letter.model())
          .put("refused_at", letter.parkedAt().toString())
          .put("error", letter.error())
          .put("retrying", letter.retrying());
    }
    return answer;
  }

  /**
   * Has the flush try the record of the field {@code request_id} again, or all records without it.
   * {@code retrying} of the answer is their number.
   *
   * @throws dev.llmproxy.error.ApiException 400 for wrong fields, 404 when the request has no such
   *     record, 503 when the ledger cannot be changed
   */
  public ObjectNode retry(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session,
      @Body byte[] body) {
    JsonFields fields = JsonFields.of(body);
    String id = fields.line("request_id", LONGEST_ID).orElse(null);
    fields.end();
    if (id != null && id.isEmpty()) {
      throw OpenAiErrors.invalidValue("request_id", "It is empty.").asException();
    }
    actions.record(context, session, "dead_letters.retry", id == null ? "all" : id, Json.object());
    int retrying;
    try {
      retrying = flush.retry(id);
    } catch (LedgerException e) {
      throw OpenAiErrors.unavailable("The ledger cannot be changed right now. Try again shortly.")
          .asException();
    }
    if (id != null && retrying == 0) {
      throw AdminErrors.notFound("refused record").asException();
    }
    return Json.object().put("retrying", retrying);
  }
}
