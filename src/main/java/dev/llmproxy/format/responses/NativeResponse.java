package dev.llmproxy.format.responses;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.error.ApiError;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * The answer of a provider that speaks the Responses format: its events, and the response, go to
 * the client as they are, with the ids of this server, under which the response is remembered, and
 * the model that the client has asked for. One per request; not thread-safe except for {@link
 * #ping}.
 */
final class NativeResponse {
  private final AskedResponse asked;
  private final Caller caller;
  private final ResponseMemory memory;
  private final Instant started;

  /** This server's ids of items, by the provider's. */
  private final Map<String, String> ids = new HashMap<>();

  private volatile long sequence;
  private ObjectNode response;

  /**
   * @param started when the request arrived
   */
  NativeResponse(AskedResponse asked, Caller caller, ResponseMemory memory, Instant started) {
    this.asked = asked;
    this.caller = caller;
    this.memory = memory;
    this.started = started;
  }

  /** An event for a silent stream. */
  String ping() {
    return "event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":%d}\n\n"
        .formatted(sequence);
  }

  /**
   * The data of an event, or the whole response, for the client. A response that is complete is
   * remembered before it is returned.
   *
   * @param json as the provider has sent it
   */
  ObjectNode forClient(String json) {
    ObjectNode event;
    try {
      event = (ObjectNode) Json.parse(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("The event was read before.", e);
    }
    if (event.path("object").asText("").equals("response")) {
      adapt(event);
      return event;
    }
    sequence = event.path("sequence_number").asLong(sequence);
    if (event.has("item_id")) {
      event.put("item_id", id(event.path("item_id").asText()));
    }
    adaptItem(event.path("item"));
    if (event.path("response") instanceof ObjectNode whole) {
      adapt(whole);
    }
    return event;
  }

  /** The response as it was sent last; null before the first time. */
  ObjectNode response() {
    return response;
  }

  /** The last event of a stream that has failed. */
  ObjectNode failed(ApiError error) {
    ObjectNode event =
        Json.object().put("type", "response.failed").put("sequence_number", sequence + 1);
    event.set("response", new ResponseJson(asked, started).failed(Json.array(), error));
    return ResponseJson.addError(event, error);
  }

  private void adapt(ObjectNode whole) {
    whole.put("id", asked.id()).put("model", asked.model()).put("store", asked.keeps());
    whole.put("previous_response_id", asked.previous());
    whole.path("output").forEach(this::adaptItem);
    response = whole;
    String status = whole.path("status").asText("");
    if (asked.keeps()
        && (status.equals(ResponseOutput.COMPLETED) || status.equals(ResponseOutput.INCOMPLETE))) {
      memory.keep(caller, asked.previous(), asked.input(), whole);
    }
  }

  private void adaptItem(JsonNode item) {
    if (item instanceof ObjectNode object && object.path("id").isTextual()) {
      object.put("id", id(object.get("id").textValue()));
    }
  }

  private String id(String ofProvider) {
    return ids.computeIfAbsent(
        ofProvider,
        id -> {
          int end = id.indexOf('_');
          return ResponseIds.item(end < 1 ? "item" : id.substring(0, end), asked.id(), ids.size());
        });
  }
}
