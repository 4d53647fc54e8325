package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.http.Reply;

/** Writes content blocks as the events of Anthropic's stream. One per answer. */
final class MessageStream implements MessageAnswer.Output {
  private final Reply reply;

  MessageStream(Reply reply) {
    this.reply = reply;
  }

  /** Writes the events that begin a stream. */
  void begin(ObjectNode message) {
    write(event("message_start").set("message", message));
    write(event("ping"));
  }

  /**
   * Writes the events that end a complete stream.
   *
   * @param stop {@code stop_reason} and {@code stop_sequence}
   */
  void end(ObjectNode stop, ObjectNode usage) {
    ObjectNode delta = event("message_delta");
    delta.set("delta", stop);
    write(delta.set("usage", usage));
    write(event("message_stop"));
  }

  @Override
  public void start(int index, ObjectNode block) {
    write(event("content_block_start", index).set("content_block", block));
  }

  @Override
  public void add(int index, BlockDelta kind, String piece) {
    write(event("content_block_delta", index).set("delta", kind.json(piece)));
  }

  @Override
  public void stop(int index) {
    write(event("content_block_stop", index));
  }

  private static ObjectNode event(String type) {
    return Json.object().put("type", type);
  }

  private static ObjectNode event(String type, int index) {
    return event(type).put("index", index);
  }

  private void write(ObjectNode event) {
    reply.event(event.get("type").textValue(), Json.bytes(event));
  }
}
