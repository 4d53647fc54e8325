package dev.llmproxy.http;

import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.error.OpenAiErrors;
import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.impl.HttpServerRequestInternal;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.impl.RoutingContextInternal;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.zip.GZIPInputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.apache.camel.support.SynchronizationAdapter;

/**
 * Reads request bodies. A request is paused until its key has been checked, so that bodies of
 * strangers take no memory, except short ones: they arrive with the head, and waiting for them
 * would cost two changes of threads. The memory for a body and for parsing it is taken from one
 * {@link BodyBudget}.
 */
public final class BodyReader implements Handler<RoutingContext> {
  /** The local of a request's Vert.x context that completes when its client leaves. */
  private static final String BROKEN = "bodyBroken";

  /** The local of a request's Vert.x context with its {@link ShortBody}. */
  private static final String SHORT = "shortBody";

  /** A body is short when its length has fewer digits: less than 10,000 bytes. */
  private static final int SHORT_DIGITS = 5;

  private static final int MEGABYTE = 1 << 20;
  private static final int BUFFER = 8 << 10;
  private static final int ZLIB_DEFLATE = 8;
  private static final int ZLIB_CHECK = 31;

  /**
   * Jackson holds a long string in memory five times while it parses: bytes, characters, copies.
   */
  private static final int COST_OF_BYTE = 5;

  private static final int COST_OF_PARSED_BYTE = 3;

  /** Bytes of an empty object, its map, and its place in a list. */
  private static final int COST_OF_VALUE = 100;

  /** A body is stalled when fewer bytes arrive within the patience. */
  private static final int LEAST_PROGRESS = 1 << 10;

  private final long most;
  private final int mostValues;
  private final long mostOfForm;
  private final Duration patience;
  private final BodyBudget budget;

  /** A reader with the limits of the settings. */
  public BodyReader(HttpSettings settings) {
    this(
        settings.maxBodyBytes(),
        settings.maxUploadBytes(),
        settings.maxJsonValues(),
        settings.clientStall(),
        BodyBudget.of(settings.bodyMemoryBytes()));
  }

  BodyReader(long most, long mostOfForm, int mostValues, Duration patience, BodyBudget budget) {
    this.most = most;
    this.mostOfForm = mostOfForm;
    this.mostValues = mostValues;
    this.patience = patience;
    this.budget = budget;
  }

  /** The memory for bodies. */
  public BodyBudget budget() {
    return budget;
  }

  /** Pauses the request until {@link #read}, unless its body is short. */
  @Override
  public void handle(RoutingContext context) {
    HttpServerRequest request = context.request();
    if (hasBody(request)) {
      if (isShort(request)) {
        ShortBody body = new ShortBody();
        request.handler(body::add);
        request.endHandler(end -> body.end());
        ((HttpServerRequestInternal) request).context().putLocal(SHORT, body);
      } else {
        request.pause();
      }
      // The client may leave before anybody reads the body.
      CompletableFuture<Void> broken = new CompletableFuture<>();
      request.exceptionHandler(left -> broken.complete(null));
      ((HttpServerRequestInternal) request).context().putLocal(BROKEN, broken);
    }
    RoutingContextInternal internal = (RoutingContextInternal) context;
    internal.visitHandler(RoutingContextInternal.BODY_HANDLER);
    internal.setBody(Buffer.buffer());
    context.next();
  }

  private static boolean isShort(HttpServerRequest request) {
    String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
    return length != null
        && length.length() < SHORT_DIGITS
        && !HttpFront.isForm(request)
        && !request.headers().contains(HttpHeaders.EXPECT);
  }

  /** Whether the request has a body or may have one. */
  static boolean hasBody(HttpServerRequest request) {
    if (request.isEnded()) {
      return false;
    }
    MultiMap headers = request.headers();
    String length = headers.get(HttpHeaders.CONTENT_LENGTH);
    return length == null
        ? headers.contains(HttpHeaders.TRANSFER_ENCODING) || request.version() == HttpVersion.HTTP_2
        : !"0".equals(length);
  }

  /**
   * Reads the body of a request whose key has been checked, decodes it, and makes it the message's
   * body. Its memory counts in the budget until the exchange ends.
   *
   * @throws ApiException 413 for a body over the limit, before or after decoding; 415 for an
   *     unknown content coding; 400 for a body that cannot be decoded or has too many JSON values;
   *     408 for a stalled body; 503 when the budget is used up
   * @throws ClientGoneException when the client leaves before the body is complete
   */
  public void read(Exchange exchange, Reply reply) {
    HttpMessage message = exchange.getMessage(HttpMessage.class);
    HttpServerRequest request = message.getRequest();
    ShortBody arrived = ((HttpServerRequestInternal) request).context().getLocal(SHORT);
    if (arrived == null && !hasBody(request)) {
      return;
    }
    String coding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
    String lower = coding == null ? "" : coding.strip().toLowerCase(Locale.ROOT);
    boolean plain = lower.isEmpty() || lower.equals("identity");
    if (!plain && !List.of("gzip", "x-gzip", "deflate").contains(lower)) {
      throw OpenAiErrors.unsupportedCoding(coding.strip()).asException();
    }
    checkLength(request);
    BodyBudget.Hold hold = budget.hold();
    exchange
        .getExchangeExtension()
        .addOnCompletion(
            new SynchronizationAdapter() {
              @Override
              public void onDone(Exchange done) {
                hold.close();
              }
            });
    Incoming incoming = new Incoming(hold, plain);
    byte[] body = incoming.await(request, message, arrived);
    if (!plain) {
      body = incoming.decode(body, lower, coding.strip());
    }
    long values = (long) COST_OF_VALUE * incoming.values;
    reply.keeps(hold, values + (long) COST_OF_PARSED_BYTE * body.length, values + body.length);
    exchange.getMessage().setBody(body);
  }

  /**
   * Makes the body of a form with files the message's body: an input stream of what arrives, which
   * takes little memory. The request's key has been checked. Reading fails like {@link #read}.
   *
   * @throws ApiException 413 for a body over the limit, 415 for a content coding
   */
  public void readForm(Exchange exchange) {
    HttpMessage message = exchange.getMessage(HttpMessage.class);
    HttpServerRequest request = message.getRequest();
    String coding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
    if (coding != null && !coding.strip().equalsIgnoreCase("identity")) {
      throw OpenAiErrors.unsupportedCoding(coding.strip()).asException();
    }
    String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
    if (length != null && Long.parseLong(length) > mostOfForm) {
      throw OpenAiErrors.uploadTooLarge(mostOfForm / MEGABYTE).asException();
    }
    UploadInput upload = new UploadInput(request, mostOfForm, patience);
    if (hasBody(request)) {
      CompletableFuture<Void> broken =
          ((HttpServerRequestInternal) request).context().getLocal(BROKEN);
      var unused = broken.thenRun(upload::broken);
      if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
        message.getResponse().writeContinue();
        request.headers().remove(HttpHeaders.EXPECT);
      }
      upload.start();
    } else {
      upload.end();
    }
    exchange.getMessage().setBody(upload);
  }

  private void checkLength(HttpServerRequest request) {
    String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
    // Netty has refused values that are not numbers.
    long announced = length == null ? 0 : Long.parseLong(length);
    if (announced > most) {
      throw OpenAiErrors.requestTooLarge(most / MEGABYTE).asException();
    }
    if (!budget.holds(announced * COST_OF_BYTE)) {
      throw OpenAiErrors.requestTooLargeForMemory().asException();
    }
    if (!budget.has(announced * COST_OF_BYTE)) {
      throw OpenAiErrors.bodiesTakeAllMemory().asException();
    }
  }

  /** Decodes deflate. Some clients omit the zlib header (RFC 1950) that the standard requires. */
  private static InputStream inflated(byte[] body) {
    boolean zlib =
        body.length >= 2
            && (body[0] & 0x0f) == ZLIB_DEFLATE
            && (((body[0] & 0xff) << Byte.SIZE) | (body[1] & 0xff)) % ZLIB_CHECK == 0;
    return new InflaterInputStream(new ByteArrayInputStream(body), new Inflater(!zlib));
  }

  /**
   * A body that arrives: the connection's event loop fills it, the request's thread waits for it.
   */
  private final class Incoming {
    private final BodyBudget.Hold hold;
    private final boolean plain;
    private final JsonValueCount count = new JsonValueCount();
    private final CompletableFuture<List<byte[]>> whole = new CompletableFuture<>();
    private List<byte[]> parts = new ArrayList<>(1);
    private int values;
    private volatile long received;

    Incoming(BodyBudget.Hold hold, boolean plain) {
      this.hold = hold;
      this.plain = plain;
    }

    byte[] await(HttpServerRequest request, HttpMessage message, ShortBody arrived) {
      CompletableFuture<Void> broken =
          ((HttpServerRequestInternal) request).context().getLocal(BROKEN);
      var unused = broken.thenRun(() -> whole.completeExceptionally(new ClientGoneException()));
      if (arrived == null) {
        receive(request, message);
      } else {
        arrived.passTo(this);
      }
      try {
        return joined();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof RuntimeException failure) {
          throw failure;
        }
        throw new IllegalStateException(e.getCause());
      } catch (InterruptedException e) {
        throw new ClientGoneException();
      }
    }

    private void receive(HttpServerRequest request, HttpMessage message) {
      request.endHandler(end -> end());
      request.handler(this::add);
      if ("100-continue".equalsIgnoreCase(request.getHeader(HttpHeaders.EXPECT))) {
        message.getResponse().writeContinue();
        request.headers().remove(HttpHeaders.EXPECT);
      }
      request.resume();
    }

    void end() {
      whole.complete(parts);
    }

    private byte[] joined() throws ExecutionException, InterruptedException {
      long before = 0;
      while (true) {
        try {
          List<byte[]> all = whole.get(patience.toMillis(), TimeUnit.MILLISECONDS);
          return all.size() == 1 ? all.get(0) : join(all);
        } catch (TimeoutException e) {
          if (received - before < LEAST_PROGRESS) {
            throw OpenAiErrors.bodyTooSlow().asException();
          }
          before = received;
        }
      }
    }

    private byte[] join(List<byte[]> all) {
      byte[] body = new byte[(int) received];
      int at = 0;
      for (byte[] part : all) {
        System.arraycopy(part, 0, body, at, part.length);
        at += part.length;
      }
      return body;
    }

    void add(Buffer buffer) {
      if (whole.isDone()) {
        return;
      }
      byte[] part = buffer.getBytes();
      long total = received + part.length;
      received = total;
      if (total > most) {
        refuse(OpenAiErrors.requestTooLarge(most / MEGABYTE));
        return;
      }
      ApiError refusal = take(part, plain);
      if (refusal == null) {
        parts.add(part);
      } else {
        refuse(refusal);
      }
    }

    /** Takes the memory for a part; returns null or the error. */
    private ApiError take(byte[] part, boolean parsed) {
      int before = values;
      values = parsed ? count.add(part) : 0;
      if (values > mostValues) {
        return OpenAiErrors.jsonLimit(
            "it has more than %,d values (MAX_JSON_VALUES)".formatted(mostValues));
      }
      long cost = (long) part.length * COST_OF_BYTE + (long) (values - before) * COST_OF_VALUE;
      return hold.take(cost) ? null : OpenAiErrors.bodiesTakeAllMemory();
    }

    /** Decodes the body; see RFC 9110, section 8.4.1. */
    byte[] decode(byte[] body, String lower, String coding) {
      try (InputStream decoded =
          lower.equals("deflate")
              ? inflated(body)
              : new GZIPInputStream(new ByteArrayInputStream(body))) {
        ByteArrayOutputStream decodedBody = new ByteArrayOutputStream();
        for (byte[] part = decoded.readNBytes(BUFFER);
            part.length > 0;
            part = decoded.readNBytes(BUFFER)) {
          if (decodedBody.size() + part.length > most) {
            throw OpenAiErrors.requestTooLarge(most / MEGABYTE).asException();
          }
          ApiError refusal = take(part, true);
          if (refusal != null) {
            throw refusal.asException();
          }
          decodedBody.write(part, 0, part.length);
        }
        return decodedBody.toByteArray();
      } catch (IOException e) {
        throw OpenAiErrors.notInCoding(coding).asException();
      }
    }

    /** Fails the read; later parts are discarded. */
    private void refuse(ApiError error) {
      parts = List.of();
      hold.close();
      whole.completeExceptionally(error.asException());
    }
  }

  /** Keeps the parts of a short body until it is read, and then passes them on. */
  private static final class ShortBody {
    private final List<Buffer> parts = new ArrayList<>(1);
    private boolean ended;
    private Incoming reader;

    synchronized void add(Buffer part) {
      if (reader == null) {
        parts.add(part);
      } else {
        reader.add(part);
      }
    }

    synchronized void end() {
      ended = true;
      if (reader != null) {
        reader.end();
      }
    }

    synchronized void passTo(Incoming incoming) {
      reader = incoming;
      parts.forEach(reader::add);
      parts.clear();
      if (ended) {
        reader.end();
      }
    }
  }
}
