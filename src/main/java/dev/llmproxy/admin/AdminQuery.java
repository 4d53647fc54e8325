package dev.llmproxy.admin;

import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * The query parameters of a request to the admin API. They are read from the HTTP request, because
 * the gate removes the headers, to which Camel copies them.
 */
public final class AdminQuery {
  private static final int LONGEST = 1000;
  private static final int LONGEST_SECRET = 8000;

  private final HttpServerRequest request;
  private final MultiMap parameters;

  private AdminQuery(HttpServerRequest request) {
    this.request = request;
    parameters = request.params();
  }

  /** The parameters of the exchange's request. */
  public static AdminQuery of(Exchange exchange) {
    return new AdminQuery(exchange.getMessage(HttpMessage.class).getRequest());
  }

  /**
   * A text without surrounding space; empty when it is absent or blank.
   *
   * @throws ApiException 400 when it is too long
   */
  public Optional<String> text(String name) {
    String value = parameters.get(name);
    if (value == null || value.isBlank()) {
      return Optional.empty();
    }
    if (value.length() > LONGEST) {
      throw OpenAiErrors.invalidValue(name, "It is longer than %d characters.".formatted(LONGEST))
          .asException();
    }
    return Optional.of(value.strip());
  }

  /** A secret as it was sent; empty when it is absent or too long. */
  String secret(String name) {
    String value = parameters.get(name);
    return value == null || value.length() > LONGEST_SECRET ? "" : value;
  }

  /** As {@link #text(String)}, with a value for an absent parameter. */
  public String text(String name, String absent) {
    return text(name).orElse(absent);
  }

  /**
   * A whole number.
   *
   * @throws ApiException 400 when it is none, or outside of the range
   */
  public int number(String name, int absent, int min, int max) {
    Optional<String> text = text(name);
    if (text.isEmpty()) {
      return absent;
    }
    try {
      int number = Integer.parseInt(text.get());
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Reported below.
    }
    throw OpenAiErrors.invalidValue(
            name, "It must be a whole number from %d to %d.".formatted(min, max))
        .asException();
  }

  /**
   * One of the words.
   *
   * @throws ApiException 400 when it is another word
   */
  public String word(String name, String absent, List<String> words) {
    String word = text(name, absent);
    if (!word.equals(absent) && !words.contains(word)) {
      throw OpenAiErrors.invalidValue(name, "It must be one of: " + String.join(", ", words) + ".")
          .asException();
    }
    return word;
  }

  /**
   * A day such as 2026-11-29; empty when it is absent.
   *
   * @throws ApiException 400 when it is none
   */
  public Optional<LocalDate> day(String name) {
    try {
      return text(name).map(LocalDate::parse);
    } catch (DateTimeParseException e) {
      throw OpenAiErrors.invalidValue(name, "It must be a day such as 2026-11-29.").asException();
    }
  }

  /** The decoded part of the path after a prefix, e.g. the id after {@code /admin/api/keys/}. */
  public String pathAfter(String prefix) {
    String rest = request.path().substring(prefix.length());
    int slash = rest.indexOf('/');
    try {
      return URLDecoder.decode(
          (slash < 0 ? rest : rest.substring(0, slash)).replace("+", "%2B"),
          StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw OpenAiErrors.malformedHttp(400).asException();
    }
  }
}
