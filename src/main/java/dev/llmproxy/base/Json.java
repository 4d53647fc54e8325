package dev.llmproxy.base;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.Map;

/** Reads and writes JSON. Numbers keep all their digits, because they are passed on. */
public final class Json {
  private static final JsonFactory FACTORY =
      factory(StreamReadConstraints.defaults().getMaxTokenCount());

  private static final JsonMapper MAPPER =
      JsonMapper.builder(FACTORY)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();
  private static final ObjectWriter SORTED =
      MAPPER.writer().with(JsonNodeFeature.WRITE_PROPERTIES_SORTED);
  private static final ObjectReader TREES = MAPPER.reader();
  private static final ObjectReader TREE =
      TREES.without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private Json() {}

  /**
   * Creates a factory for requests and answers. Strings have no limit of their own: bodies, events
   * and answers have limits in bytes. All threads share the buffers, because Jackson's default
   * stores about 27 KB in each thread, and each request has its own.
   *
   * @param mostTokens limit for the tokens of a document; 0 or less for none
   */
  public static JsonFactory factory(long mostTokens) {
    return JsonFactory.builder()
        .streamReadConstraints(
            StreamReadConstraints.builder()
                .maxStringLength(Integer.MAX_VALUE)
                .maxTokenCount(mostTokens)
                .build())
        .recyclerPool(JsonRecyclerPools.sharedConcurrentDequePool())
        .build();
  }

  /**
   * Parses one JSON value in UTF-8 (or UTF-16/32 with a byte order mark).
   *
   * @throws JsonProcessingException when the bytes are not JSON, or something follows the value
   */
  public static JsonNode parse(byte[] bytes) throws JsonProcessingException {
    return parsed(() -> TREES.readTree(bytes));
  }

  /** Parses one JSON value; see {@link #parse(byte[])}. */
  public static JsonNode parse(String text) throws JsonProcessingException {
    return parsed(() -> TREES.readTree(text));
  }

  /** A parser that reads JSON token by token. */
  public static JsonParser parser(InputStream in) throws IOException {
    return FACTORY.createParser(in);
  }

  /** The value at the parser's position. */
  public static JsonNode tree(JsonParser parser) throws IOException {
    return TREE.readTree(parser);
  }

  /** Whether a text is exactly one JSON value. No tree is built. */
  public static boolean whole(String text) {
    try (JsonParser parser = FACTORY.createParser(text)) {
      parser.nextToken();
      parser.skipChildren();
      return parser.nextToken() == null;
    } catch (IOException e) {
      return false;
    }
  }

  /** Converts Java's maps, lists and values to JSON. */
  public static JsonNode tree(Object value) {
    return MAPPER.valueToTree(value);
  }

  /** The object as a map of maps, lists and plain values; decimals are BigDecimal. */
  public static Map<String, Object> map(ObjectNode object) {
    return MAPPER.convertValue(object, new TypeReference<>() {});
  }

  /** An empty object. */
  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /** An empty array. */
  public static ArrayNode array() {
    return MAPPER.createArrayNode();
  }

  /** The value on one line, in UTF-8. */
  public static byte[] bytes(JsonNode node) {
    try {
      return MAPPER.writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Writes the value in UTF-8, with the fields of each object in the order of their names. Equal
   * values have equal bytes.
   */
  public static void writeSorted(JsonNode node, OutputStream out) {
    try {
      SORTED.writeValue(out, node);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The value on one line. */
  public static String text(JsonNode node) {
    try {
      return MAPPER.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A map of maps, lists and plain values as a JSON object on one line. */
  public static String textOf(Map<String, ?> object) {
    try {
      return MAPPER.writeValueAsString(object);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The value on several lines, for people. */
  public static String pretty(JsonNode node) {
    return node.toPrettyString();
  }

  /** Treats bytes that are not text, and numbers with too large an exponent, as invalid JSON. */
  private static JsonNode parsed(Parsing parsing) throws JsonProcessingException {
    try {
      return parsing.run();
    } catch (JsonProcessingException e) {
      throw e;
    } catch (IOException | NumberFormatException e) {
      throw new JsonParseException(null, "not readable", e);
    }
  }

  private interface Parsing {
    JsonNode run() throws IOException;
  }
}
