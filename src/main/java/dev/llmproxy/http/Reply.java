package dev.llmproxy.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.error.ErrorForm;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.Cookie;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.HostAndPort;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.http.base.HttpHeaderFilterStrategy;
import org.apache.camel.spi.HeaderFilterStrategy;

/**
 * The HTTP response of one request. It is written directly to Vert.x because Camel would buffer it;
 * platform-http ignores a response that has ended. Writes block while the client reads slowly,
 * which slows the provider too. When the client leaves, the request's thread is interrupted.
 */
public final class Reply {
  private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);
  private static final HeaderFilterStrategy FILTER = new HttpHeaderFilterStrategy();
  private static final Pattern HEADER_NAME = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");
  private static final Pattern CONTROLS = Pattern.compile("[\\p{Cntrl}]");

  private static final List<String> PASSED_ON =
      List.of("Forwarded", "X-Forwarded-For", "X-Real-IP");

  /** Headers for calls to other servers, and headers that would make the answer unreadable. */
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

  /** Room for what an event has in addition to its JSON. */
  private static final int EVENT_BYTES = 64;

  private static final byte[] END_OF_EVENT = "\n\n".getBytes(StandardCharsets.US_ASCII);

  /**
   * Limit of the bytes that wait to be sent. Each piece costs several times its bytes in memory.
   */
  private static final int MOST_UNSENT_BYTES = 16 << 10;

  private static final int MOST_STANDSTILL_SECONDS = 300;
  private static final int MOST_CLOSE_SECONDS = 5;

  private final HttpServerRequest request;
  private final HttpServerResponse response;
  // Vert.x's writeQueueFull does not count writes that still wait for the event loop, which a
  // thousand streams keep busy.
  private final Semaphore unsent = new Semaphore(MOST_UNSENT_BYTES);
  private final Object lock = new Object();
  private Thread worker;
  private volatile Supplier<String> ping;

  /** The comment that may begin the stream; null when the answer is no stream. */
  private volatile String firstPing;

  /** Events that are not written yet, and wait for {@link #flush}. Null when there are none. */
  private Buffer pending;

  private boolean streaming;
  private volatile boolean gone;
  private volatile ApiError cut;
  private BodyBudget.Hold body;
  private long parsedBody;
  private long heldBody;
  private volatile long lastWrite = System.nanoTime();

  public Reply(HttpServerRequest request, HttpServerResponse response) {
    this.request = request;
    this.response = response;
  }

  /**
   * Copies the headers that routes have set on a message; they may set headers until the first byte
   * is sent. Camel's own headers, headers of the transport, and headers for secrets are not copied.
   * None is copied when the message is another server's answer.
   */
  public void takeHeaders(Message message) {
    if (message.hasHeaders()) {
      synchronized (lock) {
        if (!begun()) {
          take(message);
        }
      }
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
   * Sets the memory of the request's body. It shrinks when the body has been parsed, and again when
   * the answer begins.
   *
   * @param parsed bytes that the parsed body takes
   * @param held bytes that the body takes while it is answered
   */
  public void keeps(BodyBudget.Hold hold, long parsed, long held) {
    body = hold;
    parsedBody = parsed;
    heldBody = held;
  }

  /** Interrupts the calling thread when the client leaves, until {@link #release}. */
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

  /** Ends {@link #watch}: later interrupts do not come, and a late one is cleared. */
  public void release() {
    synchronized (lock) {
      if (worker == Thread.currentThread()) {
        worker = null;
        boolean interrupted = Thread.interrupted();
        gone |= interrupted && cut == null;
      }
    }
    if (gone) {
      // Otherwise Camel would try to write an answer of its own.
      end();
    }
  }

  /**
   * Interrupts the request because it may not run any longer. The error handler then reads {@link
   * #cutBecause} and tells the client.
   *
   * @param why the error for the client
   */
  public void cut(ApiError why) {
    synchronized (lock) {
      if (worker != null && !over()) {
        cut = why;
        worker.interrupt();
      }
    }
  }

  /** Whether {@link #cut} has ended the request; if so, clears the calling thread's interrupt. */
  public boolean wasCut() {
    boolean wasCut = cut != null;
    if (wasCut) {
      boolean unused = Thread.interrupted();
    }
    return wasCut;
  }

  /** The error with which {@link #cut} has ended the request; null when it has not. */
  public ApiError cutBecause() {
    return cut;
  }

  /** Whether the client left before the answer was complete. */
  public boolean gone() {
    return gone;
  }

  /** The HTTP status that was sent, or the present one when nothing was sent yet. */
  public int status() {
    return response.getStatusCode();
  }

  /** A header of the request, or null. */
  public String requestHeader(String name) {
    return request.getHeader(name);
  }

  /** The host and port that the request names, e.g. {@code localhost:3000}; null without a host. */
  public String host() {
    HostAndPort authority = request.authority();
    return authority == null ? null : authority.toString();
  }

  /** The value of a cookie of the request; empty when it is absent. */
  public Optional<String> requestCookie(String name) {
    return Optional.ofNullable(request.getCookie(name)).map(Cookie::getValue);
  }

  /** Adds a header {@code Set-Cookie} to the answer; without effect when the answer has begun. */
  public void cookie(String cookie) {
    synchronized (lock) {
      if (!begun()) {
        response.headers().add("Set-Cookie", cookie);
      }
    }
  }

  /** The request's HTTP method. */
  public String method() {
    return request.method().name();
  }

  /** The request's path, without its query. */
  public String path() {
    return request.path();
  }

  /** The client's IP address: headers of others than the trusted proxies are not believed. */
  public String address() {
    return address(request);
  }

  /**
   * Whether a proxy says that it passes the request on, so that {@link #address} is the proxy's.
   */
  public boolean passedOn() {
    return PASSED_ON.stream().anyMatch(name -> request.getHeader(name) != null);
  }

  /** Whether the request has come to the port MANAGEMENT_PORT. */
  public boolean onManagementPort() {
    return HttpFront.onManagementPort(request);
  }

  /** The IP address of a request's client; empty when unknown. */
  public static String address(HttpServerRequest request) {
    return HttpFront.address(request);
  }

  /** Whether the answer has begun; then no status can be sent any more. */
  public boolean begun() {
    return streaming || response.headWritten();
  }

  /**
   * Sets a header of the answer, success or error. Without effect when the answer has begun: a
   * keep-alive may have sent the head.
   */
  public void header(String name, String value) {
    synchronized (lock) {
      if (!begun()) {
        response.putHeader(name, value);
      }
    }
  }

  /** Removes a header of the answer; without effect when the answer has begun. */
  public void removeHeader(String name) {
    synchronized (lock) {
      if (!begun()) {
        response.headers().remove(name);
      }
    }
  }

  /** Writes a whole JSON answer. */
  public void json(int status, JsonNode body) {
    response
        .setStatusCode(status)
        .putHeader("Content-Type", "application/json")
        .end(Buffer.buffer(Json.bytes(body)));
  }

  /** Writes a whole answer, whose headers are set. */
  public void bytes(int status, byte[] body) {
    var unused = response.setStatusCode(status).end(Buffer.buffer(body));
  }

  /** The Content-Type of the request; null when it has none. */
  public String requestType() {
    return HttpFront.contentType(request);
  }

  /** Whether the client sends a form with files. */
  public boolean sendsForm() {
    return HttpFront.isForm(request);
  }

  /** The Content-Type of the answer; empty when it is not set yet. */
  public String answerType() {
    String type = response.headers().get("Content-Type");
    return type == null ? "" : type;
  }

  /**
   * Begins an answer whose bytes follow; {@link #end} ends it.
   *
   * @param contentType its Content-Type
   * @param length the number of its bytes; -1 when it is unknown
   */
  public void beginBytes(String contentType, long length) {
    synchronized (lock) {
      streaming = true;
      if (body != null) {
        body.shrink(heldBody);
      }
      response.putHeader("Content-Type", contentType);
      if (length < 0) {
        response.setChunked(true);
      } else {
        response.putHeader("Content-Length", Long.toString(length));
      }
    }
  }

  /**
   * Writes bytes at once. Waits while the client reads slowly.
   *
   * @throws ClientGoneException when the client has left
   */
  public void bytes(byte[] from, int offset, int length) {
    write(Buffer.buffer(length).appendBytes(from, offset, length));
  }

  /** Writes an error as a whole JSON answer, unless the answer has ended. */
  public void error(ApiError error) {
    if (response.ended() || response.closed()) {
      return;
    }
    ErrorForm.Answer answer = answer(error);
    answer.headers().forEach(response::putHeader);
    json(answer.status(), answer.body());
  }

  /**
   * Writes an error: in a stream as its last event, named {@code error}; as a whole JSON answer
   * when no stream has begun.
   *
   * @throws ClientGoneException when the client of the stream has left
   */
  public void fail(ApiError error) {
    synchronized (lock) {
      if (begun()) {
        event("error", Json.bytes(answer(error).body()));
        end();
      } else {
        error(error);
      }
    }
  }

  private ErrorForm.Answer answer(ApiError error) {
    return ErrorForm.of(path()).answer(error, HttpFront.requestId(request));
  }

  /**
   * The answer will be a stream, which a comment may begin.
   *
   * @param comment the comment
   */
  public void willStream(String comment) {
    firstPing = comment;
  }

  /** Whether the answer will be a stream that has not begun. */
  boolean isAwaited() {
    return firstPing != null && !begun();
  }

  /**
   * Begins an event stream; its head is sent with the first event.
   *
   * @param ping gives what to send while the stream is silent: a comment or an event
   */
  void beginStream(Supplier<String> ping) {
    synchronized (lock) {
      if (begun()) {
        return;
      }
      this.ping = ping;
      streaming = true;
      if (body != null) {
        body.shrink(heldBody);
      }
      response
          .setChunked(true)
          .putHeader("Content-Type", "text/event-stream; charset=utf-8")
          .putHeader("Cache-Control", "no-cache, no-transform")
          // Otherwise nginx buffers the stream and sends it in one piece.
          .putHeader("X-Accel-Buffering", "no");
    }
  }

  /**
   * Writes a comment, or an event that clients ignore, when a stream has been silent for this long.
   * Only a comment may begin the stream.
   */
  void keepAlive(Duration silence) {
    synchronized (lock) {
      boolean first = isAwaited();
      boolean open =
          (first || response.headWritten())
              && !over()
              && unsent.availablePermits() == MOST_UNSENT_BYTES;
      if (open && System.nanoTime() - lastWrite >= silence.toNanos()) {
        lastWrite = System.nanoTime();
        if (first) {
          String comment = firstPing;
          beginStream(() -> comment);
        }
        var unused = response.write(ping.get());
      }
    }
  }

  /** Whether nothing more can be written. */
  public boolean over() {
    return response.ended() || response.closed();
  }

  /**
   * Adds one unnamed event to the stream. It is sent with the next {@link #flush} or {@link #end}.
   *
   * @throws ClientGoneException when the client has left
   */
  public void data(byte[] json) {
    pending(json.length).appendBytes(DATA).appendBytes(json).appendBytes(END_OF_EVENT);
  }

  /** Adds one named event; see {@link #data}. */
  public void event(String name, byte[] json) {
    pending(json.length)
        .appendString("event: " + name + "\n")
        .appendBytes(DATA)
        .appendBytes(json)
        .appendBytes(END_OF_EVENT);
  }

  /** Adds a comment, which clients ignore, as a part of the next event; see {@link #data}. */
  public void comment(String text) {
    pending(text.length()).appendString(": " + text + "\n");
  }

  /**
   * Sends the events that were added. Waits while the client reads slowly.
   *
   * @throws ClientGoneException when the client has left
   */
  public void flush() {
    if (pending != null) {
      Buffer events = pending;
      pending = null;
      write(events);
    }
  }

  /** Ends the stream, and sends the events that were added. */
  public void end() {
    synchronized (lock) {
      if (!response.ended()) {
        var unused = pending == null ? response.end() : response.end(pending);
        pending = null;
      }
    }
  }

  /**
   * Resets a stream that cannot be ended with an error, so that the client sees it as incomplete.
   */
  public void breakOff() {
    synchronized (lock) {
      if (response.ended()) {
        return;
      }
      response.reset();
    }
    if (request.version() != HttpVersion.HTTP_2) {
      awaitClose();
    }
    // Otherwise Camel would try to write an answer of its own.
    gone = true;
  }

  /** Until the connection is closed, an end of the answer would reach the client. */
  private void awaitClose() {
    try {
      request
          .connection()
          .close()
          .toCompletionStage()
          .toCompletableFuture()
          .get(MOST_CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      // It is broken already.
    }
  }

  private Buffer pending(int bytes) {
    checkClient();
    if (pending == null) {
      pending = Buffer.buffer(bytes + EVENT_BYTES);
    }
    return pending;
  }

  private void checkClient() {
    if (gone || response.closed()) {
      gone = true;
      throw new ClientGoneException();
    }
  }

  private void write(Buffer buffer) {
    checkClient();
    int bytes = Math.min(buffer.length(), MOST_UNSENT_BYTES);
    try {
      if (!unsent.tryAcquire(bytes, MOST_STANDSTILL_SECONDS, TimeUnit.SECONDS)) {
        // The connection's guard does not notice that one of many streams stalls.
        var unused = request.connection().close();
        gone = true;
        throw new ClientGoneException();
      }
    } catch (InterruptedException e) {
      gone = cut == null;
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
