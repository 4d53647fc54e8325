package dev.llmproxy.ledger;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Status;
import java.time.Instant;

/**
 * The messages and the answer of one request, as the ledger stores them.
 *
 * @param requestId also in the {@code x-request-id} header, the log, the ledger and the sheet
 * @param createdAt when the request arrived, to the millisecond
 * @param email the user's address
 * @param model the model id, or null when the request is not in the ledger
 * @param status the outcome; null while the request is running
 * @param body the messages, in the form of {@link dev.llmproxy.chat.Transcript#question}
 * @param answer the answer, in the form of {@link dev.llmproxy.chat.Transcript#answer}; null when
 *     unknown
 * @param bytes the size of body and answer in UTF-8
 * @param sequence the place in the order in which conversations go to the workbook; 0 for none
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
  /** The conversation as one JSON object. */
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
