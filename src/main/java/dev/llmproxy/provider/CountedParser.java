package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.JsonParserDelegate;
import dev.llmproxy.http.AnswerMemory;
import java.io.IOException;

/**
 * A parser that charges the memory of the JSON tree while it is read. Small values take much more
 * memory than their bytes.
 */
public final class CountedParser extends JsonParserDelegate {
  private static final long BYTES_OF_A_VALUE = 80;

  /**
   * A text is in memory as characters of two bytes, as a JSON value, and in the answer made from
   * it.
   */
  private static final long BYTES_OF_A_CHARACTER = 3;

  private static final int AT_ONCE = 64;

  private final AnswerMemory.Share memory;
  private int uncounted;

  public CountedParser(JsonParser parser, AnswerMemory.Share memory) {
    super(parser);
    this.memory = memory;
  }

  @Override
  public JsonToken nextToken() throws IOException {
    JsonToken token = delegate.nextToken();
    if (token == JsonToken.VALUE_STRING) {
      memory.pass(delegate.getTextLength() * BYTES_OF_A_CHARACTER);
    }
    if (++uncounted == AT_ONCE) {
      uncounted = 0;
      memory.pass(AT_ONCE * BYTES_OF_A_VALUE);
    }
    return token;
  }
}
