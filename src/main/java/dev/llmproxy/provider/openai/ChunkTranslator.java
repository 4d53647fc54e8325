package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.provider.ProviderJson;
import dev.llmproxy.provider.ProviderWarnings;
import dev.llmproxy.provider.SseEvent;
import dev.llmproxy.provider.StreamTranslator;
import java.io.IOException;
import java.util.List;

/**
 * A translator of another format, which makes OpenAI's chunks from a provider's events. The rest,
 * such as limits, finish reasons and failures, is the same for all formats: {@link #chunks} does
 * it.
 */
public abstract class ChunkTranslator implements StreamTranslator {
  /** Takes the chunks and returns their events. */
  protected final OpenAiStreamTranslator chunks;

  private final ChatCall chat;

  protected ChunkTranslator(ChatCall chat, ProviderWarnings warnings) {
    this.chat = chat;
    chunks = new OpenAiStreamTranslator(chat, warnings);
  }

  @Override
  public final List<ChatEvent> translate(SseEvent event) {
    try {
      JsonNode json = ProviderJson.parse(event.data(), chat.memory());
      return reads(json) ? translate(json) : chunks.translate(event);
    } catch (JsonProcessingException e) {
      return chunks.translate(event);
    }
  }

  /** Whether the data of an event is of this format; other data is handled as OpenAI's. */
  protected boolean reads(JsonNode json) {
    return json.isObject();
  }

  /** A chunk with one choice. */
  protected static ObjectNode chunk(int index, ObjectNode delta, String finishReason) {
    ObjectNode chunk = Json.object();
    ObjectNode choice = chunk.putArray("choices").addObject().put("index", index);
    choice.set("delta", delta);
    choice.putNull("logprobs").put("finish_reason", finishReason);
    return chunk;
  }

  /** The events of a piece of the first choice. */
  protected final List<ChatEvent> delta(ObjectNode delta) {
    return chunks.translate(chunk(0, delta, null));
  }

  /** The events of a piece of a tool call of the first choice. */
  protected final List<ChatEvent> callDelta(ObjectNode call) {
    ObjectNode delta = Json.object();
    delta.putArray("tool_calls").add(call);
    return delta(delta);
  }

  @Override
  public final boolean over() {
    return chunks.over();
  }

  @Override
  public final boolean whole() {
    return chunks.whole();
  }

  @Override
  public List<ChatEvent> end() {
    return chunks.end();
  }

  @Override
  public final List<ChatEvent> broken(IOException cause) {
    return chunks.broken(cause);
  }

  @Override
  public final List<ChatEvent> noJson() {
    return chunks.noJson();
  }

  @Override
  public final List<ChatEvent> noStream(String contentType) {
    return chunks.noStream(contentType);
  }
}
