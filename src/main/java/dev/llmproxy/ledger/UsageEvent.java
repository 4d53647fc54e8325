package dev.llmproxy.ledger;

import dev.llmproxy.base.Json;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A settled request as a message for other systems. It contains no text of the conversation.
 *
 * @param id the request's id, which is unique: a receiver drops an event whose id it has
 * @param sequence the place in the order of settlement, from 1; numbers may be missing
 * @param json the event as one JSON object on one line. Its fields have the names of those of the
 *     route {@code hook-settled}; those that the ledger does not have are absent
 */
public record UsageEvent(String id, long sequence, String json) {

  static UsageEvent of(UsageRecord request) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("request_id", request.requestId());
    fields.put("sequence", request.sequence());
    fields.put("started", request.timestamp().toString());
    fields.put("user", request.email());
    fields.put("key_hash", request.keyHash());
    fields.put("type", request.type());
    fields.put("model", request.model());
    fields.put("status", request.status().name());
    fields.put("input_tokens", request.tokensIn());
    fields.put("output_tokens", request.tokensOut());
    fields.put("turns", request.turns());
    fields.put("tool_calls", request.toolCalls());
    if (request.cost() != null) {
      fields.put("cost_dollars", request.cost());
    }
    fields.put("duration_ms", request.durationMillis());
    return new UsageEvent(request.requestId(), request.sequence(), Json.textOf(fields));
  }

  /** The {@link #json}, so that a route can send the event as it is. */
  @Override
  public String toString() {
    return json;
  }
}
