package dev.llmproxy.provider.openai;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.embedding.VectorJson;
import dev.llmproxy.http.AnswerMemory;
import dev.llmproxy.provider.CountedInput;
import dev.llmproxy.provider.CountedParser;
import java.io.IOException;
import java.io.InputStream;

/**
 * Reads OpenAI's list of embeddings. Creates no objects for the numbers, because they would take
 * many times the memory of the digits.
 */
final class EmbeddingReader {
  /** Bytes of memory for each byte of the answer: the digits, and the output made from them. */
  private static final int MEMORY_OF_BYTE = 3;

  private final JsonParser digits;
  private final JsonParser parser;
  private final boolean base64;

  private EmbeddingReader(InputStream in, boolean base64, AnswerMemory.Share memory)
      throws IOException {
    digits = Json.parser(new CountedInput(in, memory, MEMORY_OF_BYTE));
    parser = new CountedParser(digits, memory);
    this.base64 = base64;
  }

  /**
   * Reads a list to its end.
   *
   * @param base64 whether arrays of numbers become base64; see {@link VectorJson}
   * @return null when it is JSON, but not an object
   * @throws JsonProcessingException when it is not JSON
   */
  static ObjectNode read(InputStream in, boolean base64, AnswerMemory.Share memory)
      throws IOException {
    EmbeddingReader reader = new EmbeddingReader(in, base64, memory);
    try {
      JsonToken first = reader.parser.nextToken();
      ObjectNode list = first == JsonToken.START_OBJECT ? reader.list() : null;
      if (list != null && reader.parser.nextToken() != null) {
        throw new JsonParseException(reader.digits, "there is text after the list");
      }
      return list;
    } catch (NumberFormatException e) {
      throw new JsonParseException(reader.digits, "not readable", e);
    }
  }

  private ObjectNode list() throws IOException {
    ObjectNode list = Json.object();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      JsonToken token = parser.nextToken();
      list.set(
          name, name.equals("data") && token == JsonToken.START_ARRAY ? data() : Json.tree(parser));
    }
    return list;
  }

  private ArrayNode data() throws IOException {
    ArrayNode data = Json.array();
    for (JsonToken token = parser.nextToken();
        token != JsonToken.END_ARRAY;
        token = parser.nextToken()) {
      data.add(token == JsonToken.START_OBJECT ? embedding() : Json.tree(parser));
    }
    return data;
  }

  private ObjectNode embedding() throws IOException {
    ObjectNode one = Json.object();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      boolean array = parser.nextToken() == JsonToken.START_ARRAY;
      JsonNode value =
          name.equals("embedding") && array ? VectorJson.read(digits, base64) : Json.tree(parser);
      one.set(name, value);
    }
    return one;
  }
}
