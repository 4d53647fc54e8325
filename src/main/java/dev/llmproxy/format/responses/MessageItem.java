package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;

/** A message of the assistant with one part: its text, or its refusal. */
final class MessageItem implements OpenItem {
  private static final String LOGPROBS = "logprobs";

  private final ResponseOutput output;
  private final boolean refusal;
  private final ObjectNode item;
  private final StringBuilder text = new StringBuilder();
  private final ArrayNode annotations = Json.array();
  private final ArrayNode logprobs = Json.array();
  private final int citedBefore;
  private ArrayNode nextLogprobs = Json.array();

  /**
   * @param citedBefore the characters (code points) of the answer's texts before this one
   */
  MessageItem(ResponseOutput output, boolean refusal, int citedBefore) {
    this.output = output;
    this.refusal = refusal;
    this.citedBefore = citedBefore;
    item = output.item("msg", "message").put("status", ResponseOutput.IN_PROGRESS);
    item.put("role", "assistant").putArray("content");
    output.added(item);
    if (output.streams()) {
      output.send(part("response.content_part.added"));
    }
  }

  /** Sets the log probabilities of the next piece. */
  void logprobs(ArrayNode ofNextPiece) {
    nextLogprobs = ofNextPiece;
    logprobs.addAll(ofNextPiece);
  }

  @Override
  public void text(String piece) {
    text.append(piece);
    if (output.streams()) {
      ObjectNode event = event(refusal ? "response.refusal.delta" : "response.output_text.delta");
      event.put("delta", piece);
      if (!refusal) {
        event.set(LOGPROBS, nextLogprobs);
      }
      output.send(event);
    }
    nextLogprobs = Json.array();
  }

  /** Adds the citations of the whole answer that lie in this text. */
  void annotate(JsonNode ofTheAnswer) {
    int length = length();
    for (JsonNode each : ofTheAnswer) {
      JsonNode citation = each.path("url_citation");
      int start = citation.path("start_index").asInt() - citedBefore;
      int end = citation.path("end_index").asInt() - citedBefore;
      if (citation.isObject() && start >= 0 && end <= length) {
        ObjectNode annotation =
            Json.object()
                .put("type", "url_citation")
                .put("start_index", start)
                .put("end_index", end)
                .put("url", citation.path("url").asText(""))
                .put("title", citation.path("title").asText(""));
        if (output.streams()) {
          ObjectNode event = event("response.output_text.annotation.added");
          event.put("annotation_index", annotations.size());
          output.send(event.set("annotation", annotation));
        }
        annotations.add(annotation);
      }
    }
  }

  @Override
  public void end(String status) {
    if (output.streams()) {
      ObjectNode event = event(refusal ? "response.refusal.done" : "response.output_text.done");
      event.put(refusal ? "refusal" : "text", text.toString());
      if (!refusal) {
        event.set(LOGPROBS, logprobs);
      }
      output.send(event);
      output.send(part("response.content_part.done"));
    }
    item.put("status", status).putArray("content").add(content());
    output.done(item);
  }

  /** The characters (code points) of the text so far. */
  int length() {
    return text.codePointCount(0, text.length());
  }

  private ObjectNode part(String type) {
    return event(type).set("part", content());
  }

  private ObjectNode event(String type) {
    return output.event(type, item).put("content_index", 0);
  }

  private ObjectNode content() {
    ObjectNode part = Json.object();
    if (refusal) {
      return part.put("type", "refusal").put("refusal", text.toString());
    }
    part.put("type", "output_text").put("text", text.toString());
    part.set("annotations", annotations.deepCopy());
    return part.set(LOGPROBS, logprobs.deepCopy());
  }
}
