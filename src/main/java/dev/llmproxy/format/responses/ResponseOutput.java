package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;

/**
 * The items of one response, and the events that tell of them. One item is open at a time. Any
 * thread may take a sequence number; the rest is for the request's thread.
 */
final class ResponseOutput {
  static final String IN_PROGRESS = "in_progress";
  static final String COMPLETED = "completed";
  static final String INCOMPLETE = "incomplete";

  private final String responseId;
  private final BiConsumer<String, ObjectNode> events;
  private final AtomicInteger sequence = new AtomicInteger();
  private final ArrayNode items = Json.array();
  private int shown;
  private int numbered;

  /**
   * @param events gets the type and the data of each event; null when the client gets no stream
   */
  ResponseOutput(String responseId, BiConsumer<String, ObjectNode> events) {
    this.responseId = responseId;
    this.events = events;
  }

  /** Whether somebody wants to see events. */
  boolean streams() {
    return events != null;
  }

  /** The number of the next event. */
  int nextSequence() {
    return sequence.getAndIncrement();
  }

  /** An event of a type, with its number; fields may be added until it is sent. */
  ObjectNode event(String type) {
    return Json.object().put("type", type).put("sequence_number", nextSequence());
  }

  /** An event about the open item. */
  ObjectNode event(String type, ObjectNode item) {
    ObjectNode event = event(type);
    event.set("item_id", item.get("id"));
    return event.put("output_index", shown);
  }

  void send(ObjectNode event) {
    events.accept(event.get("type").textValue(), event);
  }

  /** An item of a type, with an id of its own. */
  ObjectNode item(String idKind, String type) {
    return Json.object()
        .put("id", ResponseIds.item(idKind, responseId, numbered++))
        .put("type", type);
  }

  /** Tells of a new item; it is the open one. */
  void added(ObjectNode item) {
    if (streams()) {
      ObjectNode event = event("response.output_item.added").put("output_index", shown);
      send(event.set("item", item));
    }
  }

  /** Tells of the whole item. */
  void done(ObjectNode item) {
    if (streams()) {
      ObjectNode event = event("response.output_item.done").put("output_index", shown);
      send(event.set("item", item));
    }
    items.add(item);
    shown++;
  }

  /** Adds an item that the client does not get. */
  void hide(ObjectNode item) {
    items.add(item.put(ResponseMemory.HIDDEN, true));
  }

  /** All whole items so far, with what only this server knows of them. */
  ArrayNode remembered() {
    return items;
  }

  /** All whole items so far, as the client gets them. */
  ArrayNode shown() {
    return shown(items);
  }

  /** Remembered items as the client gets them. */
  static ArrayNode shown(Iterable<? extends com.fasterxml.jackson.databind.JsonNode> items) {
    ArrayNode shown = Json.array();
    items.forEach(item -> {
      if (!item.has(ResponseMemory.HIDDEN)) {
        ObjectNode copy = Json.object();
        copy.setAll((ObjectNode) item);
        copy.remove(ResponseMemory.THOUGHT);
        shown.add(copy);
      }
    });
    return shown;
  }
}
