package dev.llmproxy.gate;

import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.util.function.Supplier;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/** The token in the header {@code Authorization: Bearer …}. */
final class BearerToken {
  private static final String BEARER = "bearer ";
  private static final String API_KEY = "x-api-key";

  private BearerToken() {}

  /**
   * Returns the token and removes all headers from the message, so that the token is not passed on.
   * The token is read from the HTTP request itself, because the message's headers include the query
   * parameters.
   *
   * @param missing the error when the header is missing
   * @param malformed the error when the header has another scheme or no token
   * @throws ApiException with one of these
   */
  static String take(Exchange exchange, Supplier<ApiError> missing, Supplier<ApiError> malformed) {
    exchange.getMessage().removeHeaders("*");
    return of(exchange.getMessage(HttpMessage.class).getRequest(), missing, malformed);
  }

  /**
   * As {@link #take}, for paths of Anthropic's API: there the header {@code x-api-key} holds the
   * key, unless there is an {@code Authorization} header.
   */
  static String takeOrApiKey(
      Exchange exchange, Supplier<ApiError> missing, Supplier<ApiError> malformed) {
    exchange.getMessage().removeHeaders("*");
    HttpServerRequest request = exchange.getMessage(HttpMessage.class).getRequest();
    String key = request.getHeader(API_KEY);
    boolean alone = !request.headers().contains(HttpHeaders.AUTHORIZATION);
    return alone && key != null && !key.isBlank() ? key.strip() : of(request, missing, malformed);
  }

  private static String of(
      HttpServerRequest request, Supplier<ApiError> missing, Supplier<ApiError> malformed) {
    String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
    if (authorization == null || authorization.isBlank()) {
      throw missing.get().asException();
    }
    if (!authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      throw malformed.get().asException();
    }
    String token = authorization.substring(BEARER.length()).strip();
    if (token.isEmpty()) {
      throw malformed.get().asException();
    }
    return token;
  }
}
