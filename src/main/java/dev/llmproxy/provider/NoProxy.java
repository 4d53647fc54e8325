package dev.llmproxy.provider;

import com.google.common.net.HostAndPort;
import dev.llmproxy.base.Settings;
import io.netty.handler.ipfilter.IpFilterRuleType;
import io.netty.handler.ipfilter.IpSubnetFilterRule;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The servers that {@code no_proxy} exempts from the proxy, by the rules of Go programs. {@code *}
 * matches every server. An IP address matches itself; a block such as {@code 10.0.0.0/8} matches
 * its addresses. A domain matches itself and its subdomains; {@code .domain} matches only
 * subdomains. Every entry except a block may end with a port. Host names are not resolved, so a
 * block does not match a name.
 *
 * @see <a href="https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config">httpproxy</a>
 */
final class NoProxy {
  private static final Pattern SEPARATORS = Pattern.compile("[,\\s]+");

  private final List<Entry> entries;

  /**
   * @param text the entries, separated by commas or spaces
   * @throws Settings.SettingException that names the invalid entry
   */
  NoProxy(String text) {
    entries =
        Arrays.stream(SEPARATORS.split(text.toLowerCase(Locale.ROOT), -1))
            // Guides to Docker add its socket, /var/run/docker.sock, for other programs.
            .filter(entry -> !entry.isEmpty() && !entry.startsWith("/"))
            .map(NoProxy::entry)
            .toList();
  }

  /**
   * Whether requests to a server bypass the proxy.
   *
   * @param host in lower case; an IPv6 address without brackets
   */
  boolean exempts(String host, int port) {
    InetAddress address = NetUtil.createInetAddressFromIpAddressString(host);
    return entries.stream().anyMatch(entry -> entry.exempts(host, address, port));
  }

  private interface Entry {
    /**
     * @param address null when the host is a name
     */
    boolean exempts(String host, InetAddress address, int port);
  }

  private static Entry entry(String text) {
    if (text.equals("*")) {
      return (host, address, port) -> true;
    }
    try {
      int slash = text.indexOf('/');
      return slash < 0
          ? hostAndPort(HostAndPort.fromString(text))
          : block(text.substring(0, slash), Integer.parseInt(text.substring(slash + 1)));
    } catch (IllegalArgumentException e) {
      throw new Settings.SettingException(
          "no_proxy names `%s`, which is no host, address, block of addresses (as 10.0.0.0/8) or *"
              .formatted(text));
    }
  }

  private static Entry block(String first, int bits) {
    InetAddress address = NetUtil.createInetAddressFromIpAddressString(first);
    if (address == null) {
      throw new IllegalArgumentException(first);
    }
    var rule = new IpSubnetFilterRule(address, bits, IpFilterRuleType.ACCEPT);
    return (host, asked, port) -> asked != null && rule.matches(new InetSocketAddress(asked, port));
  }

  private static Entry hostAndPort(HostAndPort entry) {
    String name = entry.getHost().replaceFirst("^\\*\\.", ".");
    if (name.isEmpty()) {
      throw new IllegalArgumentException();
    }
    InetAddress own = NetUtil.createInetAddressFromIpAddressString(name);
    boolean onlyBelow = name.startsWith(".");
    String ending = onlyBelow ? name : "." + name;
    return (host, address, port) ->
        (!entry.hasPort() || entry.getPort() == port)
            && (own != null
                ? own.equals(address)
                : host.endsWith(ending) || (!onlyBelow && host.equals(name)));
  }
}
