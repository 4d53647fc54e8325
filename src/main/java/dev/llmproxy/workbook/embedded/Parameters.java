package dev.llmproxy.workbook.embedded;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The query parameters of a request; a name may occur several times. */
final class Parameters {
  private final Map<String, List<String>> values = new LinkedHashMap<>();

  /**
   * Parses a query or a form.
   *
   * @param encoded the percent-encoded text; null for no parameters
   */
  static Parameters parse(String encoded) {
    Parameters parameters = new Parameters();
    if (encoded == null || encoded.isEmpty()) {
      return parameters;
    }
    for (String pair : encoded.split("&", -1)) {
      int equals = pair.indexOf('=');
      String name = decode(equals < 0 ? pair : pair.substring(0, equals));
      String value = equals < 0 ? "" : decode(pair.substring(equals + 1));
      parameters.values.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
    }
    return parameters;
  }

  /** The first value; null when the parameter is absent. */
  String first(String name) {
    List<String> all = values.get(name);
    return all == null ? null : all.getFirst();
  }

  /** The first value; null when the parameter is absent or blank. */
  String nonBlank(String name) {
    String value = first(name);
    return value == null || value.isBlank() ? null : value;
  }

  /** All values, in order. */
  List<String> all(String name) {
    return values.getOrDefault(name, List.of());
  }

  boolean isTrue(String name) {
    return "true".equalsIgnoreCase(first(name));
  }

  /**
   * Parses a whole number in a request.
   *
   * @throws SheetsException when the text is not a whole number of 32 bits
   */
  static int integer(String name, String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw SheetsException.invalid(
          "Invalid value at '%s' (TYPE_INT32), \"%s\"".formatted(name, text));
    }
  }

  /** Decodes a part of a path. Unlike in a query, a plus sign in a path is not a space. */
  static String decodePath(String encoded) {
    return decode(encoded.replace("+", "%2B"));
  }

  private static String decode(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw SheetsException.invalid("The address is not well encoded: " + e.getMessage());
    }
  }
}
