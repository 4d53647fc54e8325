package dev.llmproxy.chat;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonSerializable;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.jsontype.TypeSerializer;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.base.Json;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class ToolMemoryTest {
  private static final ObjectNode QUESTION = Json.object().put("role", "user").put("content", "Hi");

  private final ToolMemory memory = new ToolMemory();
  private final ChatCall chat =
      Fixtures.chat(
          Json.text(
                  Json.object()
                      .put("model", "groq/llama-test")
                      .set("messages", Json.array().add(QUESTION)))
              .getBytes(UTF_8));

  @Test
  void eachMessageIsHashedOnce() {
    Mark read = new Mark();
    ArrayNode messages = Json.array().add(QUESTION).add(calling("call_0"));
    for (int i = 1; i <= 100; i++) {
      messages.add(result("call_" + (i - 1)).putPOJO("mark", read));
      messages.add(calling("call_" + i).putPOJO("mark", read));
    }
    ArrayNode kept = Json.array().add(result("call_search")).add(calling("call_0"));
    memory.keep(chat, kept);

    ArrayNode recalled = memory.recall(chat.caller(), messages);

    assertThat(recalled).hasSize(messages.size() + 1);
    assertThat(recalled.get(1)).isEqualTo(result("call_search"));
    assertThat(read.written).isBetween(1, 200);
  }

  private static ObjectNode calling(String id) {
    ObjectNode message = Json.object().put("role", "assistant");
    ObjectNode call = message.putArray("tool_calls").addObject().put("id", id);
    call.put("type", "function").putObject("function").put("name", "look").put("arguments", "{}");
    return message;
  }

  private static ObjectNode result(String id) {
    return Json.object().put("role", "tool").put("tool_call_id", id).put("content", "seen");
  }

  /** A value that counts how often it is serialized. */
  private static final class Mark extends JsonSerializable.Base {
    private int written;

    @Override
    public void serialize(JsonGenerator generator, SerializerProvider provider) throws IOException {
      written++;
      generator.writeNumber(0);
    }

    @Override
    public void serializeWithType(
        JsonGenerator generator, SerializerProvider provider, TypeSerializer types)
        throws IOException {
      serialize(generator, provider);
    }
  }
}
