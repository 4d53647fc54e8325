package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.filter.FilteringGeneratorDelegate;
import com.fasterxml.jackson.core.filter.TokenFilter.Inclusion;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP handler: checks who may call, reads bodies, writes answers and errors.
 *
 * <p>There is no password, as with any file of the user, but a web page that the user visits must
 * not get access. So the Host header must be loopback (a page whose name was re-bound to 127.0.0.1
 * sends its own name). A change must come without an Origin and as JSON (a page on another site can
 * send that only after a preflight request, which is never allowed).
 */
final class SheetsHandler implements HttpHandler {
  private static final Logger LOG = LoggerFactory.getLogger(SheetsHandler.class);
  private static final int MAX_BODY_BYTES = 10 * 1024 * 1024; // Google refuses more as well
  private static final int MAX_CONCURRENT = 1000;
  private static final Pattern LOOPBACK =
      Pattern.compile("(?:localhost|127\\.0\\.0\\.1|\\[::1])(?::\\d+)?");

  private final SheetsApi api;
  private final Semaphore open = new Semaphore(MAX_CONCURRENT);

  SheetsHandler(SheetsApi api) {
    this.api = api;
  }

  /** Refuses new requests and waits for the running ones, for a limited time. */
  void drain(long seconds) {
    try {
      boolean drained = open.tryAcquire(MAX_CONCURRENT, seconds, TimeUnit.SECONDS);
      if (!drained) {
        LOG.warn("Requests to the workbook were still running after {} s", seconds);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void handle(HttpExchange exchange) throws IOException {
    AnswerStream stream = new AnswerStream(exchange);
    boolean entered = open.tryAcquire();
    try {
      if (!entered) {
        throw SheetsException.closing();
      }
      answer(exchange, stream);
    } catch (SheetsException e) {
      refuse(exchange, stream, e);
    } catch (RuntimeException e) {
      LOG.error(
          "The workbook failed on {} {}", exchange.getRequestMethod(), exchange.getRequestURI(), e);
      refuse(exchange, stream, SheetsException.internal());
    } finally {
      if (entered) {
        open.release();
      }
    }
  }

  private void answer(HttpExchange exchange, AnswerStream stream) throws IOException {
    Headers headers = exchange.getRequestHeaders();
    requireLoopback(headers);
    byte[] body = readBody(exchange);
    String method = exchange.getRequestMethod();
    String query = exchange.getRequestURI().getRawQuery();
    if (isLongRead(method, headers)) {
      method = "GET";
      query = new String(body, StandardCharsets.UTF_8);
      body = new byte[0];
    }
    boolean reading = method.equals("GET");
    if (!reading) {
      requireOwnClient(headers, body.length);
    }
    exchange.getResponseHeaders().set("Content-Type", "application/json; charset=UTF-8");
    exchange.getResponseHeaders().set("Cache-Control", "no-store");
    api.handle(
        method,
        exchange.getRequestURI().getRawPath(),
        Parameters.parse(query),
        reading ? Json.object() : parse(body),
        mask -> generator(stream, mask));
  }

  private static JsonGenerator generator(AnswerStream stream, FieldsMask mask) throws IOException {
    JsonGenerator plain = Json.MAPPER.getFactory().createGenerator(stream, JsonEncoding.UTF8);
    // After a failure the JSON must stay incomplete, or a client would take half an answer as
    // whole.
    plain.disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT);
    plain.setCodec(Json.MAPPER);
    return mask == FieldsMask.EVERYTHING
        ? plain
        : new FilteringGeneratorDelegate(
            plain, mask.toTokenFilter(), Inclusion.INCLUDE_ALL_AND_PATH, true);
  }

  private static void requireLoopback(Headers headers) {
    String host = headers.getFirst("Host");
    if (host == null || !LOOPBACK.matcher(host.toLowerCase(Locale.ROOT)).matches()) {
      throw SheetsException.forbidden("The embedded workbook answers on localhost only.");
    }
  }

  private static void requireOwnClient(Headers headers, int bodyLength) {
    if (headers.containsKey("Origin")) {
      throw SheetsException.forbidden("The embedded workbook takes no changes from web pages.");
    }
    String type = headers.getFirst("Content-Type");
    boolean json = type != null && type.toLowerCase(Locale.ROOT).startsWith("application/json");
    boolean nothing = type == null && bodyLength == 0;
    if (!json && !nothing) {
      throw SheetsException.invalid("Changes must be sent as application/json, not as " + type);
    }
  }

  /** Google's clients send a read as a form if its URL would be too long. */
  private static boolean isLongRead(String method, Headers headers) {
    return method.equals("POST") && "GET".equals(headers.getFirst("X-HTTP-Method-Override"));
  }

  private static byte[] readBody(HttpExchange exchange) throws IOException {
    boolean gzip =
        "gzip".equalsIgnoreCase(exchange.getRequestHeaders().getFirst("Content-Encoding"));
    InputStream raw = exchange.getRequestBody();
    byte[] body;
    try (InputStream in = gzip ? new GZIPInputStream(raw) : raw) {
      body = in.readNBytes(MAX_BODY_BYTES + 1);
    } catch (ZipException e) {
      throw SheetsException.invalid("The body is not gzip as its header says: " + e.getMessage());
    }
    if (body.length > MAX_BODY_BYTES) {
      throw SheetsException.invalid(
          "Request payload size exceeds the limit: %d bytes.".formatted(MAX_BODY_BYTES));
    }
    return body;
  }

  private static ObjectNode parse(byte[] body) throws IOException {
    try {
      JsonNode json = body.length == 0 ? Json.object() : Json.MAPPER.readTree(body);
      if (json instanceof ObjectNode object) {
        Json.removeNullFields(object); // in Google's JSON a field that is null is absent
        return object;
      }
      throw SheetsException.invalid("Invalid JSON payload received. The body must be an object.");
    } catch (JsonProcessingException e) {
      throw SheetsException.invalid("Invalid JSON payload received. " + e.getOriginalMessage());
    }
  }

  /** Sends Google's error body, or aborts an answer that has begun. */
  private static void refuse(HttpExchange exchange, AnswerStream stream, SheetsException refusal)
      throws IOException {
    if (stream.begun()) {
      // The HTTP server closes the connection after this exception. Closing the exchange would end
      // the answer normally, and the client could not notice that half of it is missing.
      throw new IOException("The answer was aborted", refusal);
    }
    ObjectNode body = Json.object();
    ObjectNode error =
        body.putObject("error")
            .put("code", refusal.code())
            .put("message", refusal.getMessage())
            .put("status", refusal.status());
    if (!refusal.details().isEmpty()) {
      error.set("details", refusal.details());
    }
    byte[] bytes = Json.MAPPER.writeValueAsBytes(body);
    exchange.getResponseHeaders().set("Content-Type", "application/json; charset=UTF-8");
    exchange.sendResponseHeaders(refusal.code(), bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }
}
