package dev.llmproxy.admin;

import dev.llmproxy.base.AdminSettings;
import dev.llmproxy.base.HttpSettings;
import dev.llmproxy.base.Settings;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The addresses under which a browser may open the management pages. Other names in the header
 * {@code Host} are refused: a hostile page could have its own name resolve to this server, and the
 * browser would let it read the answers (DNS rebinding). The names of this machine and address
 * literals cannot be made to resolve elsewhere.
 */
public final class OwnAddress {
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");
  private static final Pattern LITERAL =
      Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}|\\[[0-9a-f:.]+\\]");
  private static final Pattern PORT = Pattern.compile(":\\d*$");

  private final Optional<String> publicOrigin;
  private final boolean loopbackOnly;
  private final String ownScheme;

  public OwnAddress(AdminSettings settings, HttpSettings http) {
    publicOrigin = settings.publicUrl().map(OwnAddress::origin);
    loopbackOnly = isLoopback(http.host());
    ownScheme = http.tls().scheme();
  }

  /**
   * Demands an address without a path.
   *
   * @throws Settings.SettingException when it is none
   */
  static void demandOrigin(String url) {
    String rest = URI.create(url).getRawPath();
    if (origin(url).isEmpty()
        || !(rest == null || rest.isEmpty() || rest.equals("/"))
        || URI.create(url).getRawQuery() != null) {
      throw new Settings.SettingException(
          "LLMPROXY_PUBLIC_URL is \"%s\"; it must be an address without a path, such as https://llm.example.com"
              .formatted(url));
    }
  }

  /** Whether the value of the header {@code Host} names this server; false for null. */
  boolean isOwn(String host) {
    if (host == null) {
      return false;
    }
    String name = PORT.matcher(host.toLowerCase(Locale.ROOT)).replaceFirst("");
    if (LOOPBACK.contains(name)) {
      return true;
    }
    return publicOrigin.isPresent()
        ? publicOrigin.get().equals(origin(scheme() + "://" + host))
        : !loopbackOnly && LITERAL.matcher(name).matches();
  }

  /**
   * Whether an origin is that of a page of this server.
   *
   * @param origin the value of the header {@code Origin}
   * @param host the value of the header {@code Host}, an own one
   */
  boolean isOwn(String origin, String host) {
    return origin(origin).equals(originOf(host));
  }

  /** The origin of pages that were opened with this own {@code Host}. */
  String originOf(String host) {
    String asPublic = origin(scheme() + "://" + host);
    return publicOrigin.filter(asPublic::equals).orElseGet(() -> origin(ownScheme + "://" + host));
  }

  /** Whether browsers reach a host by https, so that its cookies can be limited to https. */
  boolean isSecure(String host) {
    return originOf(host).startsWith("https:");
  }

  /** The address of the public pages, without a slash at its end. */
  public String url(int port) {
    return publicOrigin.orElse(ownScheme + "://localhost:" + port);
  }

  private String scheme() {
    return publicOrigin.filter(origin -> origin.startsWith("https:")).isPresent()
        ? "https"
        : ownScheme;
  }

  /** Scheme, host and port in small letters, without the scheme's usual port; empty for others. */
  private static String origin(String url) {
    try {
      URI uri = URI.create(url.toLowerCase(Locale.ROOT));
      if (uri.getHost() == null || uri.getScheme() == null || uri.getUserInfo() != null) {
        return "";
      }
      int usual = uri.getScheme().equals("https") ? 443 : 80;
      boolean shown = uri.getPort() != -1 && uri.getPort() != usual;
      return uri.getScheme() + "://" + uri.getHost() + (shown ? ":" + uri.getPort() : "");
    } catch (IllegalArgumentException e) {
      return "";
    }
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }
}
