package dev.llmproxy.ledger;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import java.time.Instant;

/**
 * What was said in one request, as the ledger keeps it.
 *
 * @param requestId joins the {@code x-request-id} header, the log, the ledger and the sheet
 * @param createdAt when the request came in, to the millisecond
 * @param email who asked
 * @param model the model id, or null when the request is not in the ledger
 * @param status how it ended; null while it is under way
 * @param body what was asked, as {@link dev.llmproxy.chat.Transcript#question} gives it
 * @param answer what came of it, as {@link dev.llmproxy.chat.Transcript#answer} gives it; null when
 *     nothing is known
 * @param bytes of both in UTF-8
 * @param sequence its place in the order in which conversations go to the workbook; 0 for none
 */
public record Conversation(
    String requestId,
    Instant createdAt,
    String email,
    String model,
    Status status,
    String body,
    String answer,
    long bytes,
    long sequence) {
  /** All of it as one JSON object. */
  public ObjectNode toJson() {
    ObjectNode json =
        Json.object()
            .put("request_id", requestId)
            .put("created_at", createdAt.toString())
            .put("email", email)
            .put("model", model)
            .put("status", status == null ? null : status.name());
    json.setAll(parsed(body));
    if (answer != null) {
      json.setAll(parsed(answer));
    }
    return json;
  }

  private ObjectNode parsed(String text) {
    try {
      return (ObjectNode) Json.parse(text);
    } catch (JsonProcessingException | ClassCastException e) {
      throw new LedgerException(
          "The conversation of the request " + requestId + " in the ledger is damaged.", e);
    }
  }
}
