package dev.llmproxy.http;

import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Allows pages of other origins to use the API; see <a
 * href="https://fetch.spec.whatwg.org/#http-cors-protocol">the Fetch standard</a>. The API uses no
 * cookies, so credentials are never allowed. The management pages, which use cookies, are not for
 * pages of other origins.
 */
final class Cors {
  private static final String EXPOSED =
      "x-request-id, openai-processing-ms, retry-after, retry-after-ms, x-should-retry, x-llmproxy-dropped,"
          + " x-llmproxy-model, x-llmproxy-provider, x-llmproxy-attempts, x-llmproxy-tried, x-llmproxy-cache, x-llmproxy-guard,"
          + " x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests,"
          + " x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens";
  private static final String USUAL_HEADERS =
      "authorization, content-type, x-tool-notifications, openai-organization, openai-project";
  private static final String ADMIN = "/admin";
  private static final String MAX_AGE_SECONDS = "86400";

  private final Set<String> origins;

  /**
   * @param origins comma-separated origins, e.g. {@code https://app.example.com}; {@code *} for
   *     any, empty for none
   */
  Cors(String origins) {
    this.origins =
        Arrays.stream(origins.split(","))
            .map(String::strip)
            .filter(origin -> !origin.isEmpty())
            .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Adds the CORS headers for the page's origin and answers preflight requests.
   *
   * @return whether the request was a preflight request and has been answered
   */
  boolean handle(RoutingContext context) {
    HttpServerRequest request = context.request();
    HttpServerResponse response = context.response();
    String origin = request.getHeader("Origin");
    boolean preflight = request.method().equals(HttpMethod.OPTIONS);
    boolean shared = !request.path().startsWith(ADMIN);
    if (shared && origin != null && (origins.contains("*") || origins.contains(origin))) {
      MultiMap headers = response.headers();
      headers.set("Access-Control-Allow-Origin", origins.contains("*") ? "*" : origin);
      headers.set("Access-Control-Expose-Headers", EXPOSED);
      if (!origins.contains("*")) {
        headers.add("Vary", "Origin");
      }
      if (preflight) {
        String asked = request.getHeader("Access-Control-Request-Headers");
        headers.set("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
        // A star does not include the header Authorization.
        headers.set("Access-Control-Allow-Headers", asked == null ? USUAL_HEADERS : asked);
        headers.set("Access-Control-Max-Age", MAX_AGE_SECONDS);
      }
    }
    if (preflight) {
      response.setStatusCode(204).end();
    }
    return preflight;
  }
}
