package dev.llmproxy.tool;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** The form that an address on the web must have to be fetched; where it leads is not looked at. */
final class WebAddress {
  private static final String BYTE = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
  private static final Pattern DOTTED_QUAD = Pattern.compile(BYTE + "(\\." + BYTE + "){3}");
  private static final Pattern LAST_LABEL_NUMERIC =
      Pattern.compile("(.*\\.)?(\\d+|0[xX][0-9a-fA-F]*)\\.?");

  private WebAddress() {}

  /**
   * Checks an address.
   *
   * @param ports that may be named or meant
   * @return what to fetch, all in ASCII and without the fragment
   * @throws ToolException when it is not allowed, with the reason
   */
  static URI checked(String text, Set<Integer> ports) {
    URI uri = parsed(text);
    String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    if (!scheme.equals("http") && !scheme.equals("https")) {
      throw refused(text, "only http and https addresses can be fetched");
    }
    if (uri.getHost() == null || uri.getHost().contains("%")) {
      throw refused(text, "it names no host in plain letters, digits, dots and hyphens");
    }
    if (uri.getRawUserInfo() != null) {
      throw refused(text, "it must hold no user or password");
    }
    // Other spellings of a number are read differently by different programs.
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

  /** Where a redirect leads, for {@link #checked}. */
  static String redirected(URI from, String location) {
    return from.resolve(parsed(location)).toString();
  }

  private static URI parsed(String text) {
    try {
      return new URI(text.strip().replace(" ", "%20"));
    } catch (URISyntaxException e) {
      throw refused(text, "it is no address: " + e.getReason());
    }
  }

  private static ToolException refused(String text, String why) {
    return new ToolException("%s cannot be fetched: %s.".formatted(text, why));
  }
}
