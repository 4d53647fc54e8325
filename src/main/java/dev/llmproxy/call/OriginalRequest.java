package dev.llmproxy.call;

import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A client's request in a format that some providers speak too. Such a provider gets it without a
 * translation, so that fields which this server does not know survive.
 *
 * @param format the wire format of providers, e.g. {@code anthropic}
 * @param body the request; never changed
 * @param translated the same request in OpenAI's format
 */
public record OriginalRequest(String format, ObjectNode body, ModelRequest translated) {
  /** Leaves out the client's data; the generated method would print the whole body. */
  @Override
  public String toString() {
    return "OriginalRequest[" + format + "]";
  }
}
