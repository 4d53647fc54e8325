package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;

/** The kinds of pieces that a content block comes in. */
enum BlockDelta {
  TEXT("text_delta", "text"),
  THINKING("thinking_delta", "thinking"),
  SIGNATURE("signature_delta", "signature"),
  /** A piece of the JSON of a call's input. */
  INPUT("input_json_delta", "partial_json");

  private final String type;
  private final String field;

  BlockDelta(String type, String field) {
    this.type = type;
    this.field = field;
  }

  /** The delta of an event {@code content_block_delta}. */
  ObjectNode json(String piece) {
    return Json.object().put("type", type).put(field, piece);
  }

  /** The field of the delta, and of the whole block unless this is {@link #INPUT}. */
  String field() {
    return field;
  }
}
