package dev.llmproxy.tool;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Checks the form of a web address before it is fetched. Does not resolve the host name. */
final class WebAddress {
  private static final String BYTE = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
  private static final Pattern DOTTED_QUAD = Pattern.compile(BYTE + "(\\." + BYTE + "){3}");
  private static final Pattern LAST_LABEL_NUMERIC =
      Pattern.compile("(.*\\.)?(\\d+|0[xX][0-9a-fA-F]*)\\.?");

  private WebAddress() {}

  /**
   * Checks an address.
   *
   * @param ports allowed ports, explicit or implied by the scheme
   * @return the address in ASCII without its fragment
   * @throws ToolException with the reason when the address is not allowed
   */
  static URI checked(String text, Set<Integer> ports) {
    URI uri = parsed(text);
    String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    if (!scheme.equals("http") && !scheme.equals("https")) {
      throw refused(text, "only http and https addresses can be fetched");
    }
    if (uri.getHost() == null || uri.getHost().contains("%")) {
      throw refused(text, "its host must consist of letters, digits, dots and hyphens");
    }
    if (uri.getRawUserInfo() != null) {
      throw refused(text, "it must not contain a user or password");
    }
    // Programs parse other spellings of a number differently.
    if (LAST_LABEL_NUMERIC.matcher(uri.getHost()).matches()
        && !DOTTED_QUAD.matcher(uri.getHost()).matches()) {
      throw refused(text, "an IP address must be written as four decimal numbers");
    }
    int port = uri.getPort() < 0 ? (scheme.equals("http") ? 80 : 443) : uri.getPort();
    if (!ports.contains(port)) {
      throw refused(text, "the port " + port + " is not allowed");
    }
    return URI.create(uri.toASCIIString().replaceFirst("#.*", ""));
  }

  /** The target of a redirect; pass it to {@link #checked}. */
  static String redirected(URI from, String location) {
    return from.resolve(parsed(location)).toString();
  }

  private static URI parsed(String text) {
    try {
      return new URI(text.strip().replace(" ", "%20"));
    } catch (URISyntaxException e) {
      throw refused(text, "it is not an address: " + e.getReason());
    }
  }

  private static ToolException refused(String text, String why) {
    return new ToolException("%s cannot be fetched: %s.".formatted(text, why));
  }
}
