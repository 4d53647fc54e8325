package dev.llmproxy.http;

import com.sun.management.UnixOperatingSystemMXBean;
import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.base.Networks;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Limits the number of client connections, in all and for each address. A new connection over the
 * limit replaces an idle one; it is refused when none is idle.
 */
@ChannelHandler.Sharable
public final class Connections extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(Connections.class);
  private static final int BYTES_OF_CONNECTION = 128 << 10;
  private static final int MOST = 10_000;
  private static final int LEAST = 16;
  private static final long LOG_EVERY = TimeUnit.MINUTES.toNanos(1);

  private final Limits limits;
  private final Networks proxies;
  private final int most;
  private final int mostOfAddress;
  private final Map<ConnectionGuard, String> open = new ConcurrentHashMap<>();
  private final Map<String, Integer> ofAddress = new ConcurrentHashMap<>();
  private final AtomicLong logged = new AtomicLong(System.nanoTime() - LOG_EVERY);

  /**
   * How long a client may take before its connection is closed.
   *
   * @param head until the request line and headers are complete
   * @param idle between two requests
   * @param stall without reading anything of the answer
   */
  record Limits(Duration head, Duration idle, Duration stall) {
    /** How often connections are checked. */
    Duration tick() {
      Duration shortest = head.compareTo(stall) < 0 ? head : stall;
      shortest = shortest.compareTo(idle) < 0 ? shortest : idle;
      return shortest.dividedBy(4);
    }
  }

  public Connections(HttpSettings settings) {
    limits = new Limits(settings.clientHead(), settings.clientIdle(), settings.clientStall());
    proxies = settings.trustedProxies();
    int wanted = settings.maxConnections();
    most = wanted > 0 ? wanted : affordable();
    int wantedOfAddress = settings.maxConnectionsPerAddress().orElse(most);
    mostOfAddress = wantedOfAddress > 0 ? wantedOfAddress : (most + 1) / 2;
  }

  /** The default limit: each request needs memory and a second connection, to its provider. */
  private static int affordable() {
    long afford = Math.min(MOST, Runtime.getRuntime().maxMemory() / BYTES_OF_CONNECTION);
    if (ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix) {
      long files = unix.getMaxFileDescriptorCount() - unix.getOpenFileDescriptorCount();
      afford = Math.min(afford, files / 2);
    }
    return (int) Math.max(LEAST, afford);
  }

  /** The number of open connections. */
  public int open() {
    return open.size();
  }

  /** The limit of open connections. */
  public int most() {
    return most;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (message instanceof Channel child) {
      child.pipeline().addFirst(admit(child));
    }
    context.fireChannelRead(message);
  }

  private ConnectionGuard admit(Channel child) {
    String address =
        child.remoteAddress() instanceof InetSocketAddress inet && inet.getAddress() != null
            ? inet.getAddress().getHostAddress()
            : "";
    boolean room =
        (proxies.contains(address)
                || ofAddress.getOrDefault(address, 0) < mostOfAddress
                || closeIdlest(address))
            && (open.size() < most || closeIdlest(null));
    ConnectionGuard guard = new ConnectionGuard(child, limits, !room);
    if (room) {
      open.put(guard, address);
      ofAddress.merge(address, 1, Integer::sum);
      child.closeFuture().addListener(closed -> closed(guard));
    } else {
      logRefusal(address);
    }
    return guard;
  }

  /**
   * Closes the connection that has been idle longest, of an address or of all (null). Connections
   * without a request are closed first: a client that has been served may ask again soon. Returns
   * false when none is idle.
   */
  private boolean closeIdlest(String address) {
    ConnectionGuard idlest = null;
    for (Map.Entry<ConnectionGuard, String> one : open.entrySet()) {
      ConnectionGuard guard = one.getKey();
      if ((address == null || address.equals(one.getValue()))
          && !guard.busy()
          && (idlest == null || closesBefore(guard, idlest))) {
        idlest = guard;
      }
    }
    if (idlest == null) {
      return false;
    }
    closed(idlest);
    idlest.close();
    return true;
  }

  private static boolean closesBefore(ConnectionGuard one, ConnectionGuard other) {
    return one.served() == other.served()
        ? one.idleSince() - other.idleSince() < 0
        : other.served();
  }

  private void closed(ConnectionGuard guard) {
    String address = open.remove(guard);
    if (address != null) {
      ofAddress.computeIfPresent(address, (key, count) -> count == 1 ? null : count - 1);
    }
  }

  private void logRefusal(String address) {
    long now = System.nanoTime();
    long last = logged.get();
    if (now - last >= LOG_EVERY && logged.compareAndSet(last, now)) {
      LOG.warn(
          "A connection from {} was refused: {} connections are open, {} of them from this address, and none is idle"
              + " (MAX_CONNECTIONS {}, MAX_CONNECTIONS_PER_ADDRESS {})",
          address,
          open.size(),
          ofAddress.getOrDefault(address, 0),
          most,
          mostOfAddress);
    }
  }
}
