package dev.llmproxy.gate;

import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import io.vertx.core.http.HttpHeaders;
import java.util.function.Supplier;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/** What a request shows to be let in: {@code Authorization: Bearer …}. */
final class BearerToken {
  private static final String BEARER = "bearer ";

  private BearerToken() {}

  /**
   * Takes it off the request, with every other header of the client's, so that it goes nowhere
   * else. It is read from the request itself: among the exchange's headers are its query
   * parameters, too.
   *
   * @param missing the answer when there is no such header
   * @param malformed the answer when it has another scheme, or nothing after the scheme
   * @throws ApiException with one of these
   */
  static String take(Exchange exchange, Supplier<ApiError> missing, Supplier<ApiError> malformed) {
    exchange.getMessage().removeHeaders("*");
    String authorization =
        exchange.getMessage(HttpMessage.class).getRequest().getHeader(HttpHeaders.AUTHORIZATION);
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
