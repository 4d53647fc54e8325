package dev.llmproxy.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ClientGoneException;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.http.base.HttpHeaderFilterStrategy;
import org.apache.camel.spi.HeaderFilterStrategy;

/**
 * The HTTP response of one request, written piece by piece past Camel, which would buffer it (an
 * ended response is left alone by platform-http). Writes wait while the client reads slowly, so
 * that the provider is slowed too. When the client leaves, the request's thread is interrupted,
 * whatever it waits for.
 */
public final class Reply {
  private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);
  private static final HeaderFilterStrategy FILTER = new HttpHeaderFilterStrategy();
  private static final Pattern HEADER_NAME = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");
  private static final Pattern CONTROLS = Pattern.compile("[\\p{Cntrl}]");

  /** What a route sets for a call to another server, and what would make an answer unreadable. */
  private static final Set<String> OWN =
      Set.of(
          "accept",
          "accept-encoding",
          "api-key",
          "authorization",
          "content-encoding",
          "cookie",
          "keep-alive",
          "proxy-authorization",
          "set-cookie",
          "user-agent",
          "x-api-key",
          "x-goog-api-key",
          "x-request-id",
          "x-subscription-token");

  private static final byte[] END_OF_EVENT = "\n\n".getBytes(StandardCharsets.US_ASCII);

  /**
   * What waits to be sent costs several times its bytes: a piece of a stream is small, and what the
   * server keeps for each is not.
   */
  private static final int MOST_UNSENT_BYTES = 16 << 10;

  private static final int MOST_STANDSTILL_SECONDS = 300;

  private final HttpServerRequest request;
  private final HttpServerResponse response;
  // Vert.x's writeQueueFull does not see what still waits for its event loop, which a thousand
  // streams can keep busier than they are themselves.
  private final Semaphore unsent = new Semaphore(MOST_UNSENT_BYTES);
  private final Object lock = new Object();
  private Thread worker;
  private volatile String ping;
  private volatile boolean gone;
  private volatile boolean cut;
  private BodyBudget.Hold body;
  private long parsedBody;
  private long heldBody;
  private volatile long lastWrite = System.nanoTime();

  public Reply(HttpServerRequest request, HttpServerResponse response) {
    this.request = request;
    this.response = response;
  }

  /**
   * Takes over the headers that routes have set on a message, which they may do until the first
   * byte is sent. Headers of Camel's own, those that say how the answer is written, and those whose
   * names tell of a secret are left out; all are when the message is another server's answer.
   */
  public void takeHeaders(Message message) {
    if (message.hasHeaders() && !begun()) {
      take(message);
    }
  }

  private void take(Message message) {
    if (message.getHeader(Exchange.HTTP_RESPONSE_CODE) != null) {
      return;
    }
    for (Map.Entry<String, Object> header : message.getHeaders().entrySet()) {
      String name = header.getKey();
      if (!OWN.contains(name.toLowerCase(Locale.ROOT))
          && !FILTER.applyFilterToCamelHeaders(name, header.getValue(), message.getExchange())
          && HEADER_NAME.matcher(name).matches()) {
        String value = message.getHeader(name, String.class);
        if (value != null) {
          response.putHeader(name, CONTROLS.matcher(value).replaceAll(" "));
        }
      }
    }
  }

  /**
   * The memory that the request's body takes: it shrinks when the body has been parsed, and when
   * the provider has it and its answer begins.
   *
   * @param parsed bytes that it takes from then on
   * @param held bytes that it takes while it is answered
   */
  public void keeps(BodyBudget.Hold hold, long parsed, long held) {
    body = hold;
    parsedBody = parsed;
    heldBody = held;
  }

  /** From now until {@link #release} the calling thread is interrupted when the client leaves. */
  public void watch() {
    synchronized (lock) {
      worker = Thread.currentThread();
    }
    if (body != null) {
      body.shrink(parsedBody);
    }
    response.closeHandler(closed -> leave());
    if (response.closed() && !response.ended()) {
      leave();
    }
  }

  /** Ends {@link #watch}; afterwards no interrupt comes, and one that came is cleared. */
  public void release() {
    synchronized (lock) {
      if (worker == Thread.currentThread()) {
        worker = null;
        boolean interrupted = Thread.interrupted();
        gone |= interrupted && !cut;
      }
    }
    if (gone) {
      // Nobody reads it, but Camel would otherwise try to write an answer of its own.
      end();
    }
  }

  /**
   * Ends what the request waits for, because the server stops: its client is told so, which {@link
   * #wasCut} is asked for.
   */
  public void cut() {
    synchronized (lock) {
      if (worker != null && !over()) {
        cut = true;
        worker.interrupt();
      }
    }
  }

  /** Whether the server ended it; from now on the calling thread is no longer interrupted. */
  public boolean wasCut() {
    if (cut) {
      boolean unused = Thread.interrupted();
    }
    return cut;
  }

  /** Whether the client left before the answer was whole. */
  public boolean gone() {
    return gone;
  }

  /** The HTTP status that was sent, or will be if nothing else comes between. */
  public int status() {
    return response.getStatusCode();
  }

  /** A header of the request, or null. */
  public String requestHeader(String name) {
    return request.getHeader(name);
  }

  /** The request's HTTP method. */
  public String method() {
    return request.method().name();
  }

  /** The request's path, without its query. */
  public String path() {
    return request.path();
  }

  /** The other end of the connection; what a header says of it could be anything. */
  public String address() {
    return address(request);
  }

  /** The other end of a request's connection; empty when it is not known. */
  public static String address(HttpServerRequest request) {
    SocketAddress address = request.connection().remoteAddress();
    return address == null || address.hostAddress() == null ? "" : address.hostAddress();
  }

  /** Whether an event stream has begun, after which no status can be sent any more. */
  public boolean begun() {
    return response.headWritten();
  }

  /** A header that the answer has so far, or null. */
  public String header(String name) {
    return response.headers().get(name);
  }

  /** Gives the answer a header, whatever becomes of it; nothing may have been sent yet. */
  public void header(String name, String value) {
    response.putHeader(name, value);
  }

  /** Writes a whole JSON answer. */
  public void json(int status, JsonNode body) {
    response
        .setStatusCode(status)
        .putHeader("Content-Type", "application/json")
        .end(Buffer.buffer(Json.bytes(body)));
  }

  /** Writes an error as a whole JSON answer; does nothing when the answer has ended. */
  public void error(ApiError error) {
    if (response.ended() || response.closed()) {
      return;
    }
    error.headers().forEach(response::putHeader);
    json(error.status(), error.toJson());
  }

  /**
   * Sends the head of an event stream.
   *
   * @param ping what keeps it alive while it is silent
   */
  void beginStream(String ping) {
    this.ping = ping;
    if (body != null) {
      body.shrink(heldBody);
    }
    response
        .setChunked(true)
        .putHeader("Content-Type", "text/event-stream; charset=utf-8")
        .putHeader("Cache-Control", "no-cache, no-transform")
        // nginx would otherwise collect the stream and send it in one piece.
        .putHeader("X-Accel-Buffering", "no");
  }

  /** Writes a comment, which no client shows, when an open stream has been silent for so long. */
  void keepAlive(Duration silence) {
    synchronized (lock) {
      boolean open = begun() && !over() && unsent.availablePermits() == MOST_UNSENT_BYTES;
      if (open && System.nanoTime() - lastWrite >= silence.toNanos()) {
        lastWrite = System.nanoTime();
        var unused = response.write(ping);
      }
    }
  }

  /** Whether nothing more will be written. */
  boolean over() {
    return response.ended() || response.closed();
  }

  /**
   * Writes one unnamed event.
   *
   * @throws ClientGoneException when nobody reads any more
   */
  public void data(byte[] json) {
    write(
        Buffer.buffer(json.length + 8)
            .appendBytes(DATA)
            .appendBytes(json)
            .appendBytes(END_OF_EVENT));
  }

  /** Writes one named event; see {@link #data}. */
  public void event(String name, byte[] json) {
    write(
        Buffer.buffer(json.length + 32)
            .appendString("event: " + name + "\n")
            .appendBytes(DATA)
            .appendBytes(json)
            .appendBytes(END_OF_EVENT));
  }

  /**
   * Writes a comment, which no client takes for an event, as a part of the event that comes next;
   * see {@link #data}.
   */
  public void comment(String text) {
    write(Buffer.buffer(": " + text + "\n"));
  }

  /** Ends the stream. */
  public void end() {
    synchronized (lock) {
      if (!response.ended()) {
        var unused = response.end();
      }
    }
  }

  /** Closes a stream that cannot be ended with an error: its client sees that it is not whole. */
  public void breakOff() {
    synchronized (lock) {
      if (!response.ended()) {
        response.reset();
      }
    }
  }

  private void write(Buffer buffer) {
    if (gone || response.closed()) {
      gone = true;
      throw new ClientGoneException();
    }
    int bytes = Math.min(buffer.length(), MOST_UNSENT_BYTES);
    try {
      if (!unsent.tryAcquire(bytes, MOST_STANDSTILL_SECONDS, TimeUnit.SECONDS)) {
        // The connection's own watch does not see one stream of many that stands still.
        var unused = request.connection().close();
        gone = true;
        throw new ClientGoneException();
      }
    } catch (InterruptedException e) {
      gone = !cut;
      throw new ClientGoneException();
    }
    lastWrite = System.nanoTime();
    response.write(buffer).onComplete(sent -> unsent.release(bytes));
  }

  private void leave() {
    if (response.ended()) {
      return;
    }
    gone = true;
    synchronized (lock) {
      if (worker != null) {
        worker.interrupt();
      }
    }
  }
}
