package dev.llmproxy.http;

import com.google.common.net.HostAndPort;
import dev.llmproxy.base.Networks;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;

/**
 * The reverse proxies whose header {@code X-Forwarded-For} is believed. Each proxy appends the
 * address from which a request reached it, so the last address that is not a proxy's is the
 * client's. What is before it, the client may have sent itself.
 */
final class TrustedProxies {
  private static final String HEADER = "X-Forwarded-For";

  private final Networks networks;

  TrustedProxies(Networks networks) {
    this.networks = networks;
  }

  /**
   * The address of the client.
   *
   * @param peer the address of the connection
   * @return null when the connection is not a trusted proxy's, or the proxy names no address
   */
  String client(String peer, HttpServerRequest request) {
    if (networks.isEmpty() || !networks.contains(peer)) {
      return null;
    }
    List<String> headers = request.headers().getAll(HEADER);
    String[] passed = String.join(",", headers).split(",", -1);
    String client = null;
    for (int i = passed.length - 1; i >= 0; i--) {
      String address = address(passed[i].strip());
      if (address == null) {
        return client;
      }
      client = address;
      if (!networks.contains(address)) {
        return client;
      }
    }
    return client;
  }

  /** The address of an entry, which some proxies send with a port; null for other text. */
  private static String address(String entry) {
    if (Networks.isAddress(entry)) {
      return entry;
    }
    try {
      String host = HostAndPort.fromString(entry).getHost();
      return Networks.isAddress(host) ? host : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
