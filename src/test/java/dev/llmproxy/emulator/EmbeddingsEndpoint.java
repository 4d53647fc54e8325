package dev.llmproxy.emulator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Base64;
import java.util.Random;

/** Returns embeddings that depend only on the input; a script in the first text causes failures. */
final class EmbeddingsEndpoint {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int DIMENSIONS = 8;

  private final JsonNode request;
  private final Script script;

  EmbeddingsEndpoint(RecordedRequest request) {
    this.request = request.body();
    script = Script.of(request.model(), first(this.request.path("input")).asText(""));
  }

  /** Answers one request. Throws an {@link IOException} when the peer leaves before the end. */
  void answer(HttpConnection connection) throws IOException {
    connection.pause(Duration.ofMillis(script.number(Directive.TTFT, 0)));
    if (script.has(Directive.HANGUP)) {
      connection.hangUp(script.number(Directive.HANGUP, 1) == 1);
    } else if (Refusal.asked(script)) {
      connection.respond(Refusal.of(script));
    } else {
      connection.respond(Reply.json(list()));
    }
  }

  private ObjectNode list() {
    boolean bare = script.has(Directive.BARE);
    ObjectNode list = JSON.createObjectNode();
    ArrayNode data = list.putArray("data");
    ArrayNode inputs = inputs();
    for (int i = 0; i < inputs.size(); i++) {
      ObjectNode one = JSON.createObjectNode();
      one.set("embedding", embedding(inputs.get(i)));
      if (!bare) {
        one.put("object", "embedding").put("index", i);
      }
      data.insert(script.has(Directive.REVERSED) ? 0 : i, one);
    }
    if (!bare) {
      list.put("object", "list").put("model", request.path("model").asText());
      list.putObject("usage")
          .put("prompt_tokens", inputs.size() * 3)
          .put("total_tokens", inputs.size() * 3);
    }
    if (script.has(Directive.FIELDS)) {
      list.putObject("x_vendor").put("region", "eu-1");
    }
    return list;
  }

  private JsonNode embedding(JsonNode input) {
    Random numbers = new Random(input.toString().hashCode());
    int dimensions = request.path("dimensions").asInt(DIMENSIONS);
    ByteBuffer bytes = ByteBuffer.allocate(dimensions * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    ArrayNode floats = JSON.createArrayNode();
    for (int i = 0; i < dimensions; i++) {
      float number = numbers.nextFloat() - 0.5f;
      bytes.putFloat(number);
      floats.add(number);
    }
    String asked = request.path("encoding_format").asText("float");
    return script.text(Directive.ENCODING).orElse(asked).equals("base64")
        ? JSON.getNodeFactory().textNode(Base64.getEncoder().encodeToString(bytes.array()))
        : floats;
  }

  private ArrayNode inputs() {
    JsonNode input = request.path("input");
    return input.isArray() && !input.path(0).isNumber()
        ? (ArrayNode) input
        : JSON.createArrayNode().add(input);
  }

  private static JsonNode first(JsonNode input) {
    return input.isArray() ? input.path(0) : input;
  }
}
