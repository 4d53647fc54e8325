package dev.llmproxy.provider;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.JsonParserDelegate;
import dev.llmproxy.http.AnswerMemory;
import java.io.IOException;

/** Counts the memory that a tree takes while it is read: small things take far more than bytes. */
public final class CountedParser extends JsonParserDelegate {
  private static final long BYTES_OF_A_VALUE = 80;

  /** A text is there as characters of two bytes, as a value, and as what is made of it. */
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
