package dev.llmproxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.util.AttributeKey;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Closes one client connection when a request's head does not arrive in time, when the connection
 * is idle for too long, or when the client does not read the answer. A request that waits for its
 * provider is none of these.
 */
public final class ConnectionGuard extends ChannelInboundHandlerAdapter {
  private static final int HEAD_ENDED = -1;
  private static final long NEVER = 0;
  private static final AttributeKey<ConnectionGuard> OF_CHANNEL =
      AttributeKey.valueOf(ConnectionGuard.class.getName());

  /** The first bytes of a connection that tell HTTP/1.1 from HTTP/2. */
  private static final int TELLING_BYTES = 4;

  /** Vert.x's name for its handler of upgrades to HTTP/2. */
  private static final String UPGRADES = "h2c";

  /** Vert.x's name for its handler of TLS. */
  private static final String TLS = "ssl";

  private final Connections.Limits limits;
  private final boolean tooMany;
  private final AtomicInteger requests = new AtomicInteger();
  private final Channel channel;
  private volatile Http2ConnectionHandler http2;
  private volatile long idleSince = System.nanoTime();
  private volatile long headSince = idleSince;

  /** Number of consecutive line ends; a space after a single one folds a header line. */
  private volatile int lineEnds;

  private volatile boolean served;
  private boolean versionKnown;
  private boolean encrypted;
  private long unreadSince = NEVER;
  private int unread;
  private long unreadProgress;

  /**
   * @param tooMany whether to refuse the connection
   */
  ConnectionGuard(Channel channel, Connections.Limits limits, boolean tooMany) {
    this.channel = channel;
    this.limits = limits;
    this.tooMany = tooMany;
    channel.attr(OF_CHANNEL).set(this);
  }

  /** The guard of a connection; null without one. */
  public static ConnectionGuard of(HttpConnection connection) {
    return connection instanceof ConnectionBase base ? base.channel().attr(OF_CHANNEL).get() : null;
  }

  /** Counts a request that has arrived. All requests of a connection have one HTTP version. */
  public void began(HttpVersion version) {
    requests.incrementAndGet();
    if (version == HttpVersion.HTTP_2) {
      findHttp2();
    }
  }

  /** Counts a request that has been read and answered. */
  public void ended() {
    idleSince = System.nanoTime();
    headSince = NEVER;
    lineEnds = 0;
    served = true;
    requests.decrementAndGet();
  }

  /** Whether the connection has had an answer. */
  boolean served() {
    return served;
  }

  /** Whether a request is being served. */
  boolean busy() {
    Http2ConnectionHandler multiplexed = http2;
    return multiplexed == null
        ? requests.get() > 0
        : multiplexed.connection().numActiveStreams() > 0;
  }

  /** When the connection became idle, in System.nanoTime(). */
  long idleSince() {
    return idleSince;
  }

  void close() {
    var unused = channel.close();
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    if (tooMany && isTls(context)) {
      // A client that begins a handshake cannot read an answer yet.
      close();
      return;
    }
    if (tooMany) {
      refuse(
          context,
          "503 Service Unavailable",
          "Retry-After: 5\r\n",
          "{\"error\":{\"message\":\"This server has reached its limit of connections. Try again shortly.\","
              + "\"type\":\"server_error\",\"param\":null,\"code\":\"overloaded\"}}");
      return;
    }
    long every = limits.tick().toMillis();
    Future<?> checks =
        channel
            .eventLoop()
            .scheduleWithFixedDelay(this::check, every, every, TimeUnit.MILLISECONDS);
    channel.closeFuture().addListener(closed -> checks.cancel(false));
    context.fireChannelActive();
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (tooMany) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (!versionKnown && isTls(context)) {
      // TLS has no upgrade to HTTP/2. The bytes of a head can be read only after their decryption.
      versionKnown = true;
      encrypted = true;
      context.pipeline().addAfter(TLS, null, new DecryptedHead());
    }
    if (!encrypted && refusesHead(context, message)) {
      return;
    }
    if (!versionKnown && message instanceof ByteBuf bytes) {
      tellVersion(context, bytes);
    }
    context.fireChannelRead(message);
  }

  /** Notes when a head begins, and refuses one that servers may read differently. */
  private boolean refusesHead(ChannelHandlerContext context, Object message) {
    if (http2 == null && requests.get() == 0 && message instanceof ByteBuf bytes) {
      if (headSince == NEVER) {
        headSince = System.nanoTime();
      }
      if (lineEnds != HEAD_ENDED && folds(bytes)) {
        ReferenceCountUtil.release(message);
        refuse(
            context,
            "400 Bad Request",
            "",
            "{\"error\":{\"message\":\"The HTTP request is malformed: a header continues on a second line.\","
                + "\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}");
        return true;
      }
    }
    return false;
  }

  private static boolean isTls(ChannelHandlerContext context) {
    return context.pipeline().get(TLS) != null;
  }

  /** Sees what a client has sent by TLS. */
  private final class DecryptedHead extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (!refusesHead(context, message)) {
        context.fireChannelRead(message);
      }
    }
  }

  /**
   * Passes Vert.x the first bytes alone, so that it installs its handlers for the HTTP version
   * before it gets a request. A request with a body is not upgraded to HTTP/2: Vert.x would buffer
   * the whole body before the upgrade. A server may ignore an upgrade (RFC 9110, section 7.8).
   */
  private void tellVersion(ChannelHandlerContext context, ByteBuf bytes) {
    context.fireChannelRead(
        bytes.readRetainedSlice(Math.min(TELLING_BYTES, bytes.readableBytes())));
    if (channel.pipeline().get(UPGRADES) != null) {
      versionKnown = true;
      channel.pipeline().addBefore(UPGRADES, null, new BodyStaysInHttp1());
    } else {
      findHttp2();
      versionKnown = http2 != null;
    }
  }

  /** Removes the upgrade from a connection's first request when the request has a body. */
  private static final class BodyStaysInHttp1 extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (message instanceof HttpRequest request) {
        HttpHeaders headers = request.headers();
        if (headers.contains(HttpHeaderNames.TRANSFER_ENCODING)
            || HttpUtil.getContentLength(request, 0L) > 0) {
          headers.remove(HttpHeaderNames.UPGRADE);
        }
        context.pipeline().remove(this);
      }
      context.fireChannelRead(message);
    }
  }

  /**
   * Whether a header line is folded. Servers read such lines differently (RFC 9112, section 5.2).
   */
  private boolean folds(ByteBuf bytes) {
    int ends = lineEnds;
    for (int at = bytes.readerIndex(); at < bytes.writerIndex(); at++) {
      byte next = bytes.getByte(at);
      if (next == '\n') {
        ends++;
        if (ends == 2) {
          lineEnds = HEAD_ENDED;
          return false;
        }
      } else if (next != '\r') {
        if (ends == 1 && (next == ' ' || next == '\t')) {
          return true;
        }
        ends = 0;
      }
    }
    lineEnds = ends;
    return false;
  }

  private static void refuse(
      ChannelHandlerContext context, String status, String header, String json) {
    String head =
        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n"
            .formatted(status, json.length(), header);
    var unused =
        context
            .writeAndFlush(Unpooled.copiedBuffer(head + json, StandardCharsets.US_ASCII))
            .addListener(ChannelFutureListener.CLOSE);
  }

  private void findHttp2() {
    if (http2 == null) {
      http2 = channel.pipeline().get(Http2ConnectionHandler.class);
    }
  }

  private void check() {
    long now = System.nanoTime();
    findHttp2();
    boolean busy = busy();
    if (busy && http2 != null) {
      idleSince = now;
    }
    if (unreadFor(now) > limits.stall().toNanos()) {
      // Vert.x's close would first send the bytes that wait.
      channel.unsafe().close(channel.voidPromise());
    } else if (unreadSince == NEVER && !busy) {
      long head = http2 == null ? headSince : NEVER;
      boolean late = head != NEVER && now - head > limits.head().toNanos();
      if (late || now - idleSince > limits.idle().toNanos()) {
        close();
      }
    }
  }

  /** Nanoseconds for which the client has read nothing although bytes wait to be sent. */
  private long unreadFor(long now) {
    ChannelOutboundBuffer out = channel.unsafe().outboundBuffer();
    if (out == null || out.totalPendingWriteBytes() == 0) {
      unreadSince = NEVER;
      return 0;
    }
    boolean same =
        unreadSince != NEVER
            && unread == System.identityHashCode(out.current())
            && unreadProgress == out.currentProgress();
    if (!same) {
      unreadSince = now;
      unread = System.identityHashCode(out.current());
      unreadProgress = out.currentProgress();
    }
    return now - unreadSince;
  }
}
