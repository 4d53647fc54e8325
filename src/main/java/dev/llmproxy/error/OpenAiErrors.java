package dev.llmproxy.error;

import dev.llmproxy.base.Causes;
import java.math.BigDecimal;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import javax.net.ssl.SSLException;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All errors that clients can get, with OpenAI's types and codes where OpenAI has them. */
public final class OpenAiErrors {
  private static final Logger LOG = LoggerFactory.getLogger(OpenAiErrors.class);
  private static final String INVALID_REQUEST = "invalid_request_error";
  private static final String SERVER = "server_error";

  private OpenAiErrors() {}

  /**
   * A guard refuses a prompt or an answer.
   *
   * @param reason the guard's, for the client
   */
  public static ApiError refusedByGuard(String reason) {
    return new ApiError(400, INVALID_REQUEST, "content_policy_violation", null, reason);
  }

  /** A guard that must agree has failed, so that nothing can be said about the content. */
  public static ApiError guardFailed() {
    return new ApiError(
        503,
        SERVER,
        "guard_failed",
        null,
        "The content could not be checked right now, and is not passed on unchecked. Try again shortly.",
        Duration.ofSeconds(5));
  }

  /** The {@code Authorization} header is missing. */
  public static ApiError missingApiKey() {
    return new ApiError(
        401,
        INVALID_REQUEST,
        null,
        null,
        "You didn't provide an API key. Send it as `Authorization: Bearer sk-…`; an administrator creates one with"
            + " `./llmproxy create-api-key EMAIL \"NAME\"`.");
  }

  /** The {@code Authorization} header has no bearer key. */
  public static ApiError notBearer() {
    return new ApiError(
        401,
        INVALID_REQUEST,
        "invalid_api_key",
        null,
        "The Authorization header holds no bearer key. Send it as `Authorization: Bearer sk-…`, with the word Bearer and one"
            + " space before the key.");
  }

  /** The key is unknown or revoked. The client does not learn which. */
  public static ApiError invalidApiKey() {
    return new ApiError(
        401,
        INVALID_REQUEST,
        "invalid_api_key",
        null,
        "Incorrect API key provided: it is unknown or has been revoked. Ask your administrator for one.");
  }

  /** The key directory has not been loaded yet, so that no key can be checked. */
  public static ApiError keysUnavailable() {
    return new ApiError(
        503,
        SERVER,
        "overloaded",
        null,
        "API keys cannot be checked right now because the workbook cannot be read. Try again shortly.",
        Duration.ofSeconds(5));
  }

  /** A request without an ID token at an endpoint for people who sign in. */
  public static ApiError missingIdToken() {
    return new ApiError(
        401,
        INVALID_REQUEST,
        null,
        null,
        "You are not signed in. Sign in with Google, and send the ID token as `Authorization: Bearer …`.");
  }

  /** The ID token is not valid. The message has no reason, so that it does not help a forger. */
  public static ApiError invalidIdToken() {
    return new ApiError(
        401,
        INVALID_REQUEST,
        "invalid_id_token",
        null,
        "The ID token is not one that Google has given out for this server, or has expired. Sign in with Google again.");
  }

  /** An API key at an endpoint for people who sign in. */
  public static ApiError apiKeyForIdToken() {
    return new ApiError(
        401,
        INVALID_REQUEST,
        "invalid_id_token",
        null,
        "This endpoint is for people who sign in with Google, and takes their ID token, not an API key. With a key use"
            + " `/v1/chat/completions`.");
  }

  /** The person has no key and is not listed in LLMPROXY_ALLOWED_USERS. */
  public static ApiError userNotAllowed(String email) {
    return new ApiError(
        403,
        INVALID_REQUEST,
        "user_not_allowed",
        null,
        "You are signed in as %s, who may not use this server. Ask its administrator for an API key, or to be listed in LLMPROXY_ALLOWED_USERS."
            .formatted(email));
  }

  /** Sign-in is not configured on this server. */
  public static ApiError signInOff() {
    return new ApiError(
        403,
        INVALID_REQUEST,
        "sign_in_off",
        null,
        "This endpoint is for people who sign in with Google, which is off on this server. Its administrator can set"
            + " GOOGLE_CLIENT_ID, and LLMPROXY_ALLOWED_USERS.");
  }

  /** Google's keys could not be loaded, so that no ID token can be checked. */
  public static ApiError signInUnavailable(Duration wait) {
    return new ApiError(
        503,
        SERVER,
        "overloaded",
        null,
        "ID tokens cannot be checked right now because Google's keys cannot be read. Try again shortly.",
        wait);
  }

  /** The body is not valid JSON; {@code why} ends the sentence. */
  public static ApiError badJson(String why) {
    return new ApiError(
        400, INVALID_REQUEST, null, null, "The request body is not valid JSON: " + why);
  }

  /** The JSON exceeds a limit other than the body's size; {@code what} names the limit. */
  public static ApiError jsonLimit(String what) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "invalid_value",
        null,
        "The request body exceeds a limit of this server: %s.".formatted(what));
  }

  /** The body has a content coding that this server does not decode. */
  public static ApiError unsupportedCoding(String coding) {
    return new ApiError(
        415,
        INVALID_REQUEST,
        "unsupported_content_encoding",
        null,
        "The Content-Encoding `%s` is not supported. Send the body as it is, or with gzip or deflate."
            .formatted(coding));
  }

  /** The body does not have the content coding that its header names. */
  public static ApiError notInCoding(String coding) {
    return badJson("it is not %s, although its Content-Encoding says so.".formatted(coding));
  }

  /** A required field is missing; {@code param} is its path. */
  public static ApiError missing(String param) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "missing_required_parameter",
        param,
        "Missing required parameter: '" + param + "'.");
  }

  /** A field has the wrong JSON type; {@code expected} is e.g. {@code a string}. */
  public static ApiError invalidType(String param, String expected) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "invalid_type",
        param,
        "Invalid type for '" + param + "': expected " + expected + ".");
  }

  /** A field has the right type and an invalid value; {@code why} is a sentence. */
  public static ApiError invalidValue(String param, String why) {
    return new ApiError(
        400, INVALID_REQUEST, "invalid_value", param, "Invalid value for '" + param + "': " + why);
  }

  /** The endpoint does not know the field; {@code remedy} is a sentence. */
  public static ApiError unknownParameter(String param, String remedy) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "unknown_parameter",
        param,
        "Unknown parameter: '" + param + "'. " + remedy);
  }

  /** The messages are longer than the model's context; both numbers are tokens. */
  public static ApiError contextLengthExceeded(int limit, int tokens) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "context_length_exceeded",
        "messages",
        "This model's maximum context length is %d tokens. However, your messages resulted in %d tokens."
            .formatted(limit, tokens));
  }

  /** An input of an embedding request is too long; {@code param} is its path. */
  public static ApiError contextLengthExceeded(String param, int limit, int tokens) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "context_length_exceeded",
        param,
        "This model's maximum context length is %d tokens. However, your text '%s' resulted in %d tokens."
            .formatted(limit, param, tokens));
  }

  /** The key may not use this model. */
  public static ApiError modelNotAllowed(String model) {
    return new ApiError(
        403,
        INVALID_REQUEST,
        "model_not_allowed",
        "model",
        "Your API key may not use the model `%s`. GET /v1/models lists those that it may use."
            .formatted(model));
  }

  /** No provider serves the model id. */
  public static ApiError modelNotFound(String model) {
    return modelNotFound(model, null);
  }

  /** No provider serves the model id; {@code why} says what is missing, e.g. a key, or is null. */
  public static ApiError modelNotFound(String model, String why) {
    return new ApiError(
        404,
        INVALID_REQUEST,
        "model_not_found",
        "model",
        "The model `%s` does not exist or you do not have access to it%s."
            .formatted(model, why == null ? "" : ": " + why));
  }

  /**
   * This server has no such path.
   *
   * @param meant the path that the client probably meant, or null
   */
  public static ApiError unknownUrl(String method, String path, String meant) {
    return new ApiError(
        404,
        INVALID_REQUEST,
        "unknown_url",
        null,
        "Unknown request URL: %s %s.%s"
            .formatted(
                method,
                path,
                meant == null
                    ? ""
                    : " Did you mean %s? The base URL of a client ends in /v1, once and in small letters."
                        .formatted(meant)));
  }

  /** The path exists but does not support the method. */
  public static ApiError methodNotSupported(String method, String path) {
    return new ApiError(
        405,
        INVALID_REQUEST,
        "method_not_supported",
        null,
        "%s is not supported on %s.".formatted(method, path));
  }

  /**
   * The client asks for a WebSocket. With the status 426 Codex sends its request without one at
   * once; with any other it tries again for seconds.
   */
  public static ApiError noWebSockets(String path) {
    return new ApiError(
        426,
        INVALID_REQUEST,
        "websocket_not_supported",
        null,
        "This server has no WebSockets. Send a POST request to %s.".formatted(path));
  }

  /** The HTTP request is malformed: status 431 for headers that are too large, otherwise 400. */
  public static ApiError malformedHttp(int status) {
    return new ApiError(
        status,
        INVALID_REQUEST,
        null,
        null,
        status == 431
            ? "The request's headers are larger than this server accepts (MAX_HEADER_KB)."
            : "The HTTP request is malformed.");
  }

  /** The body exceeds MAX_BODY_MB. */
  public static ApiError requestTooLarge(long limitMegabytes) {
    return new ApiError(
        413,
        INVALID_REQUEST,
        "request_too_large",
        null,
        "The request body is larger than %d MB, the limit of this server (MAX_BODY_MB)."
            .formatted(limitMegabytes));
  }

  /** A form with files exceeds MAX_UPLOAD_MB. */
  public static ApiError uploadTooLarge(long limitMegabytes) {
    return new ApiError(
        413,
        INVALID_REQUEST,
        "request_too_large",
        null,
        "The form is larger than %d MB, the limit of this server for files (MAX_UPLOAD_MB)."
            .formatted(limitMegabytes));
  }

  /** The body is not the form that its Content-Type says; {@code why} ends the sentence. */
  public static ApiError badForm(String why) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        null,
        null,
        "The request body is not valid multipart/form-data: " + why);
  }

  /**
   * The provider of the model does not have the endpoint.
   *
   * @param path the client's path of it
   */
  public static ApiError endpointMissing(String model, String provider, String path) {
    return new ApiError(
        404,
        INVALID_REQUEST,
        "endpoint_not_found",
        "model",
        "The provider `%s` of the model `%s` does not have %s; docs/media.md lists the providers that do."
            .formatted(provider, model, path));
  }

  /** The body needs more memory than all bodies together may take. */
  public static ApiError requestTooLargeForMemory() {
    return new ApiError(
        413,
        INVALID_REQUEST,
        "request_too_large",
        null,
        "The request body is larger than this server has memory for (BODY_MEMORY_MB).");
  }

  /** The bodies of other requests take up the memory for bodies. */
  public static ApiError bodiesTakeAllMemory() {
    return unavailable(
        "The bodies of other requests take up the memory for request bodies (BODY_MEMORY_MB). Try again shortly.");
  }

  /** The client has stopped sending the body. */
  public static ApiError bodyTooSlow() {
    return new ApiError(
        408,
        INVALID_REQUEST,
        "request_timeout",
        null,
        "The request body did not arrive in time (CLIENT_STALL_SECONDS).");
  }

  /** The server has too many requests at once; {@code what} is the whole message. */
  public static ApiError busy(String what) {
    return new ApiError(429, "requests", "rate_limit_exceeded", null, what, Duration.ofSeconds(5));
  }

  /**
   * A limit of the caller is exceeded.
   *
   * @param type {@code requests} or {@code tokens}
   * @param what the limit, as a main clause
   * @param wait after this time the same request is within the limits
   * @param inVain whether a client should not try again by itself
   */
  public static ApiError rateLimited(String type, String what, Duration wait, boolean inVain) {
    return new ApiError(
        429,
        type,
        "rate_limit_exceeded",
        null,
        "Rate limit reached: %s. Try again in %s.".formatted(what, GoDuration.text(wait)),
        wait,
        inVain);
  }

  /** The prompt alone has more tokens than the tier allows in a minute. */
  public static ApiError tooLargeForLimit(String tier, long limit, long tokens) {
    return new ApiError(
        429,
        "tokens",
        "rate_limit_exceeded",
        null,
        "Request too large: tier `%s` allows %d tokens a minute, and this prompt has about %d. Send a shorter one."
            .formatted(tier, limit, tokens),
        null,
        true);
  }

  /**
   * The caller's budget does not cover the request.
   *
   * @param budget US dollars a month
   * @param left what is left of it
   * @param most the most that the request can cost
   */
  public static ApiError budgetExceeded(
      BigDecimal budget, BigDecimal left, BigDecimal most, Duration untilNextMonth) {
    String why =
        left.signum() > 0
            ? "$%s of your budget of $%s a month is left, and this request can cost $%s. A smaller max_completion_tokens lowers that."
                .formatted(shown(left), shown(budget), shown(most))
            : "Your budget of $%s a month is used up.".formatted(shown(budget));
    return new ApiError(
        429,
        "insufficient_quota",
        "insufficient_quota",
        null,
        why + " The next month begins in %s.".formatted(GoDuration.text(untilNextMonth)),
        untilNextMonth,
        true);
  }

  private static String shown(BigDecimal dollars) {
    BigDecimal plain = dollars.stripTrailingZeros();
    return plain.scale() < 2 ? plain.setScale(2).toPlainString() : plain.toPlainString();
  }

  /** The tier of the caller may not use a tool of the server. */
  public static ApiError toolNotAllowed(String tool) {
    return new ApiError(
        403,
        INVALID_REQUEST,
        "tool_not_allowed",
        "tools",
        "Your tier may not use the tool `%s`.".formatted(tool));
  }

  /** The metrics are asked from a network that may not read them. */
  public static ApiError metricsNotAllowed() {
    return new ApiError(
        403,
        INVALID_REQUEST,
        "metrics_not_allowed",
        null,
        "Metrics are for this machine and for the networks in METRICS_FROM, without a proxy in between.");
  }

  /** A caller with a budget asks a model that may cost anything. */
  public static ApiError priceUnknown(String model) {
    return new ApiError(
        403,
        INVALID_REQUEST,
        "price_unknown",
        "model",
        "The price of the model `%s` is unknown, so it cannot be used with a budget. An administrator can write a price into the provider's file, or lift the budget."
            .formatted(model));
  }

  /** The client's address has sent too many wrong keys or ID tokens. */
  public static ApiError tooManyWrongKeys(Duration wait) {
    return new ApiError(
        429,
        "requests",
        "rate_limit_exceeded",
        null,
        "Too many requests with a wrong API key or ID token came from this address. Check it, and try again in %s."
            .formatted(GoDuration.text(wait)),
        wait);
  }

  /** Something that this server needs is not available; {@code what} is the whole message. */
  public static ApiError unavailable(String what) {
    return unavailable(what, Duration.ofSeconds(5));
  }

  /** As {@link #unavailable(String)}, with the time after which a retry may help. */
  public static ApiError unavailable(String what, Duration retryAfter) {
    return new ApiError(503, SERVER, "overloaded", null, what, retryAfter);
  }

  /** A route of this installation refuses the request; {@code why} is its message, or null. */
  public static ApiError refused(String why) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "refused",
        null,
        why == null || why.isBlank() ? "This server refuses the request." : why);
  }

  /** The routes that answer a request were replaced, and it takes too long. */
  public static ApiError replaced() {
    return unavailable(
        "The server's routes were replaced while it answered this request, which took too long. Try again.");
  }

  /** The server stops before the answer is complete. */
  public static ApiError stopping() {
    return unavailable("The server is stopping. Try again shortly.");
  }

  /**
   * A provider failed, sent an invalid answer or ended early; {@code what} is the whole message.
   */
  public static ApiError upstream(String what) {
    return new ApiError(502, SERVER, "upstream_error", null, what);
  }

  /** The provider refused the credentials of this server. */
  public static ApiError upstreamAuthentication(String provider) {
    return new ApiError(
        502,
        SERVER,
        "upstream_auth_error",
        null,
        "The provider `%s` refused this server's credentials; its administrator has to check the provider's key."
            .formatted(provider));
  }

  /** The provider gave no answer because of the content of the request. */
  public static ApiError contentFiltered(String provider) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "content_filter",
        null,
        "The provider `%s` does not answer this request because of its content."
            .formatted(provider));
  }

  /** A provider did not answer in time; {@code what} is the whole message. */
  public static ApiError upstreamTimeout(String what) {
    return new ApiError(504, SERVER, "upstream_timeout", null, what);
  }

  /** A defect of this server. Clients get no details. */
  public static ApiError internal() {
    return new ApiError(
        500,
        SERVER,
        "internal_error",
        null,
        "The server had an error while processing your request. It has been logged.");
  }

  /**
   * Maps an exception to the client's error. An unknown exception is a defect: it is logged with
   * its stack trace, and the client gets no details.
   *
   * @param provider name of the provider that was called, or null
   */
  public static ApiError of(Throwable thrown, String provider) {
    for (Throwable cause : Causes.of(thrown)) {
      if (cause instanceof ApiException api) {
        return api.error();
      }
      if (RefusedException.refuses(cause)) {
        return refused(cause.getMessage());
      }
      if (provider != null) {
        ApiError upstream = ofProviderCall(cause, provider);
        if (upstream != null) {
          return upstream.because(new ApiError.Upstream(0, cause.getMessage()));
        }
      }
    }
    LOG.error("A request failed with an unexpected exception", thrown);
    return internal();
  }

  private static ApiError ofProviderCall(Throwable cause, String provider) {
    return switch (cause) {
      case ConnectTimeoutException e ->
          upstreamTimeout("The provider `%s` could not be reached in time.".formatted(provider));
      case SocketTimeoutException e ->
          upstreamTimeout("The provider `%s` did not answer in time.".formatted(provider));
      case UnknownHostException e ->
          upstream(
              "The provider `%s` could not be reached: its host name is unknown."
                  .formatted(provider));
      case ConnectException e ->
          upstream(
              "The provider `%s` could not be reached: connection refused.".formatted(provider));
      case SSLException e ->
          upstream("The provider `%s` could not be reached: TLS failed.".formatted(provider));
      case NoHttpResponseException e ->
          upstream(
              "The provider `%s` closed the connection without an answer.".formatted(provider));
      case UpstreamLimitException e ->
          upstream("The provider `%s` %s.".formatted(provider, e.getMessage()));
      case java.io.IOException e ->
          upstream("The connection to the provider `%s` broke.".formatted(provider));
      default -> null;
    };
  }
}
