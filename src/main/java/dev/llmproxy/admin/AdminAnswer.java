package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;

/** The form of all answers of the admin API. */
public final class AdminAnswer {
  /** The body as JSON bytes, and the headers that keep browsers from storing or running it. */
  public byte[] json(
      @Body JsonNode body, @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    context.reply().header("Cache-Control", "no-store");
    context.reply().header("X-Content-Type-Options", "nosniff");
    return Json.bytes(body);
  }
}
