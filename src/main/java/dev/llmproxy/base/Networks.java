package dev.llmproxy.base;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Networks of IP addresses in CIDR form (RFC 4632, RFC 4291): {@code 10.0.0.0/8}, {@code fd00::/8},
 * or an address alone.
 */
public final class Networks {
  /** Only literal addresses: a name would be looked up. */
  private static final Pattern LITERAL = Pattern.compile("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

  private final List<Network> networks;

  private Networks(List<Network> networks) {
    this.networks = networks;
  }

  /**
   * Reads networks.
   *
   * @throws IllegalArgumentException when one is none, or has bits behind its prefix; the message
   *     is the network
   */
  public static Networks of(List<String> networks) {
    return new Networks(networks.stream().map(Network::of).toList());
  }

  /**
   * Whether an address is in one of the networks. An IPv4 address in IPv6 form counts as IPv4.
   *
   * @param address literal; other text is in no network
   */
  public boolean contains(String address) {
    byte[] bytes = bytes(address);
    return bytes != null && networks.stream().anyMatch(network -> network.contains(bytes));
  }

  /** Whether there is no network. */
  public boolean isEmpty() {
    return networks.isEmpty();
  }

  /** Whether a text is a literal IP address. */
  public static boolean isAddress(String text) {
    return bytes(text) != null;
  }

  /** Whether an address is this machine's loopback address. Other text is none. */
  public static boolean isLoopback(String address) {
    byte[] bytes = bytes(address);
    try {
      return bytes != null && InetAddress.getByAddress(bytes).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }

  /** The bytes of a literal address; null for other text. A zone (%eth0) is ignored. */
  private static byte[] bytes(String address) {
    int zone = address.indexOf('%');
    String literal = zone < 0 ? address : address.substring(0, zone);
    if (!LITERAL.matcher(literal).matches()
        || (literal.indexOf(':') < 0 && literal.chars().filter(c -> c == '.').count() != 3)) {
      return null;
    }
    try {
      return InetAddress.getByName(literal).getAddress();
    } catch (UnknownHostException e) {
      return null;
    }
  }

  private static final class Network {
    private final byte[] first;
    private final int prefix;

    /**
     * @param prefix the number of leading bits that all addresses have in common
     */
    Network(byte[] first, int prefix) {
      this.first = first;
      this.prefix = prefix;
    }

    static Network of(String text) {
      int slash = text.indexOf('/');
      byte[] first = bytes(slash < 0 ? text : text.substring(0, slash));
      if (first == null || (slash >= 0 && !text.substring(slash + 1).matches("\\d{1,3}"))) {
        throw new IllegalArgumentException(text);
      }
      int bits = first.length * Byte.SIZE;
      int prefix = slash < 0 ? bits : Integer.parseInt(text.substring(slash + 1));
      if (prefix > bits || !Arrays.equals(first, masked(first, prefix))) {
        throw new IllegalArgumentException(text);
      }
      return new Network(first, prefix);
    }

    boolean contains(byte[] address) {
      return address.length == first.length && Arrays.equals(first, masked(address, prefix));
    }

    private static byte[] masked(byte[] address, int prefix) {
      byte[] masked = new byte[address.length];
      for (int i = 0; i < address.length; i++) {
        int kept = Math.clamp(prefix - (long) i * Byte.SIZE, 0, Byte.SIZE);
        masked[i] = (byte) (address[i] & (0xff << (Byte.SIZE - kept)));
      }
      return masked;
    }
  }
}
