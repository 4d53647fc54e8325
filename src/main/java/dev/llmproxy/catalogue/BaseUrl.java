package dev.llmproxy.catalogue;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The address of a provider's API, up to and without {@code /chat/completions}.
 *
 * @param address scheme, host, port and path, without a slash at the end
 * @param query the encoded query string of every request, without the question mark; empty for none
 */
record BaseUrl(String address, String query) {
  private static final Pattern SCHEME = Pattern.compile("(?i)(https?)://(.*)");
  private static final Pattern OTHER_SCHEME = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*)://.*");
  private static final Pattern ENDPOINT =
      Pattern.compile(".*?(/(chat/completions|completions|embeddings|responses|models))/*");
  private static final int MAX_PORT = 65_535;

  /**
   * Parses an operator's text. The scheme may be in capitals, and slashes at the end are removed.
   *
   * @param path the path of an address without one, e.g. {@code /v1}; or null
   * @throws IllegalArgumentException when the text is not a base URL; the message is a predicate
   *     for the name of the setting or field, and contains no password
   */
  static BaseUrl of(String text, String path) {
    if (text.matches("([\"'`]).*|.*[\"'`]")) {
      throw new IllegalArgumentException("is in quotation marks; write it without them");
    }
    Matcher scheme = SCHEME.matcher(text);
    if (!scheme.matches()) {
      Matcher other = OTHER_SCHEME.matcher(text);
      throw new IllegalArgumentException(
          other.matches()
              ? "begins with %s://; it must begin with http:// or https://"
                  .formatted(other.group(1))
              : "must begin with http:// or https://, as in http://127.0.0.1:8000/v1");
    }
    URI uri = uri(scheme.group(1).toLowerCase(Locale.ROOT) + "://" + scheme.group(2));
    if (uri.getRawAuthority() != null && uri.getRawAuthority().contains("@")) {
      throw new IllegalArgumentException(
          "has a user name or password in it; remove it, and set the key by its setting or a header");
    }
    if (uri.getHost() == null) {
      throw new IllegalArgumentException("has no valid host name (letters, digits, - and .)");
    }
    if (uri.getPort() > MAX_PORT) {
      throw new IllegalArgumentException("has a port above " + MAX_PORT);
    }
    if (uri.getRawFragment() != null) {
      throw new IllegalArgumentException("has a # in it, which is never sent; remove it");
    }
    Matcher endpoint = ENDPOINT.matcher(uri.getRawPath());
    if (endpoint.matches()) {
      throw new IllegalArgumentException(
          "ends in %s, which llmproxy adds itself; remove it".formatted(endpoint.group(1)));
    }
    String given = uri.getRawPath().replaceFirst("/+$", "");
    return new BaseUrl(
        uri.getScheme()
            + "://"
            + uri.getRawAuthority()
            + (given.isEmpty() && path != null ? path : given),
        uri.getRawQuery() == null ? "" : uri.getRawQuery());
  }

  private static URI uri(String text) {
    try {
      return new URI(text);
    } catch (URISyntaxException e) {
      // The exception's message repeats the text, which may contain a password.
      throw new IllegalArgumentException(
          "is not an address: "
              + e.getReason().toLowerCase(Locale.ROOT)
              + " at character "
              + (e.getIndex() + 1));
    }
  }
}
