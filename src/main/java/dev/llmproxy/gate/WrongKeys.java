package dev.llmproxy.gate;

import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.Reply;
import io.github.bucket4j.TimeMeter;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Limits the wrong keys and ID tokens from each address. Clients that guess keys are slowed down
 * and cannot cause readings of the workbook. Valid keys and tokens are not affected.
 */
public final class WrongKeys {
  private static final int MOST_ADDRESSES = 100_000;
  private static final int NETWORK_BYTES = 8;

  private final int mostPerMinute;
  private final Buckets addresses;

  public WrongKeys(int mostPerMinute, TimeMeter clock) {
    this.mostPerMinute = mostPerMinute;
    addresses = new MemoryBuckets(Duration.ofMinutes(1), MOST_ADDRESSES, clock);
  }

  /**
   * Counts a wrong key or token of a client.
   *
   * @param wrong the usual error
   * @return that error, or 429 when there were too many
   */
  ApiError next(Reply client, ApiError wrong) {
    return next(client.address(), wrong);
  }

  ApiError next(String address, ApiError wrong) {
    Allowance allowance = addresses.take(network(address), mostPerMinute, 1);
    return allowance.granted() ? wrong : OpenAiErrors.tooManyWrongKeys(allowance.untilReset());
  }

  /** Counts one more of a client; returns whether it is within the limit. */
  public boolean take(Reply client) {
    return addresses.take(network(client.address()), mostPerMinute, 1).granted();
  }

  /** Whether the client's next wrong key would exceed the limit. */
  boolean tooMany(Reply client) {
    return tooMany(client.address());
  }

  boolean tooMany(String address) {
    return !addresses.look(network(address), mostPerMinute, 1).granted();
  }

  /**
   * The network of an address: 64 bits of an IPv6 address, because one host usually has them all;
   * else the address.
   */
  static String network(String address) {
    if (address.indexOf(':') < 0) {
      return address;
    }
    try {
      // A literal address, so there is no DNS lookup.
      InetAddress literal = InetAddress.getByName(address);
      return literal instanceof Inet6Address
          ? HexFormat.of().formatHex(Arrays.copyOf(literal.getAddress(), NETWORK_BYTES))
          : literal.getHostAddress();
    } catch (UnknownHostException e) {
      return address;
    }
  }
}
