package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.function.UnaryOperator;

/**
 * The model's thoughts. The client gets their text as a summary, or sealed, or both, or nothing, as
 * it has asked; the memory has the text itself.
 */
final class ReasoningItem implements OpenItem {
  private static final String SUMMARY = "summary";

  private final ResponseOutput output;
  private final AskedResponse asked;
  private final UnaryOperator<String> seal;
  private final ObjectNode item;
  private final StringBuilder text = new StringBuilder();
  private final boolean shown;

  /**
   * @param seal makes the text opaque
   */
  ReasoningItem(ResponseOutput output, AskedResponse asked, UnaryOperator<String> seal) {
    this.output = output;
    this.asked = asked;
    this.seal = seal;
    shown = asked.showsThoughts() || asked.sealsThoughts();
    item = output.item("rs", "reasoning");
    item.putArray(SUMMARY);
    if (shown) {
      output.added(item);
    }
    if (asked.showsThoughts() && output.streams()) {
      output.send(event("response.reasoning_summary_part.added").set("part", part()));
    }
  }

  @Override
  public void text(String piece) {
    text.append(piece);
    if (asked.showsThoughts() && output.streams()) {
      output.send(event("response.reasoning_summary_text.delta").put("delta", piece));
    }
  }

  @Override
  public void end(String status) {
    if (asked.showsThoughts()) {
      if (output.streams()) {
        output.send(event("response.reasoning_summary_text.done").put("text", text.toString()));
        output.send(event("response.reasoning_summary_part.done").set("part", part()));
      }
      item.putArray(SUMMARY).add(part());
    }
    if (asked.sealsThoughts()) {
      item.put("encrypted_content", seal.apply(text.toString()));
    }
    if (shown) {
      output.done(item);
    } else {
      output.hide(item);
    }
    item.put(ResponseMemory.THOUGHT, text.toString());
  }

  private ObjectNode part() {
    return Json.object().put("type", "summary_text").put("text", text.toString());
  }

  private ObjectNode event(String type) {
    return output.event(type, item).put("summary_index", 0);
  }
}
