package dev.llmproxy.format.messages;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.http.AnswerMemory;
import java.util.EnumMap;
import java.util.Map;

/** Collects content blocks for an answer without streaming. One per answer. */
final class WholeBlocks implements MessageAnswer.Output {
  private static final long BYTES_OF_A_CHARACTER = 2;

  private final AnswerMemory.Share memory;
  private final ArrayNode content = Json.array();
  private final Map<BlockDelta, StringBuilder> pieces = new EnumMap<>(BlockDelta.class);
  private ObjectNode open;

  /**
   * @param memory the account that the blocks are charged to
   */
  WholeBlocks(AnswerMemory.Share memory) {
    this.memory = memory;
  }

  /** The blocks that are whole. */
  ArrayNode content() {
    return content;
  }

  @Override
  public void start(int index, ObjectNode block) {
    open = block;
  }

  @Override
  public void add(int index, BlockDelta kind, String piece) {
    memory.keep(piece.length() * BYTES_OF_A_CHARACTER);
    pieces.computeIfAbsent(kind, first -> new StringBuilder()).append(piece);
  }

  @Override
  public void stop(int index) {
    pieces.forEach((kind, text) -> {
      if (kind == BlockDelta.INPUT) {
        open.set("input", input(text.toString()));
      } else {
        open.put(kind.field(), text.toString());
      }
    });
    pieces.clear();
    content.add(open);
    open = null;
  }

  /** A call's input, which must be an object; other text is under {@code input}. */
  private static JsonNode input(String text) {
    try {
      JsonNode json = Json.parse(text);
      if (json.isObject()) {
        return json;
      }
    } catch (JsonProcessingException e) {
      return Json.object().put("input", text);
    }
    return Json.object().put("input", text);
  }
}
