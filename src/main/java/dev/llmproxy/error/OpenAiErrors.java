package dev.llmproxy.error;

import dev.llmproxy.base.Causes;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import javax.net.ssl.SSLException;
import org.apache.hc.client5.http.ConnectTimeoutException;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The table of failures: what each is called towards a client, with OpenAI's values where OpenAI
 * has any.
 */
public final class OpenAiErrors {
  private static final Logger LOG = LoggerFactory.getLogger(OpenAiErrors.class);
  private static final String INVALID_REQUEST = "invalid_request_error";
  private static final String SERVER = "server_error";

  private OpenAiErrors() {}

  /** No {@code Authorization} header with a key. */
  public static ApiError missingApiKey() {
    return new ApiError(
        401,
        INVALID_REQUEST,
        null,
        null,
        "You didn't provide an API key. Send it as `Authorization: Bearer sk-…`; an administrator creates one with"
            + " `./llmproxy create-api-key EMAIL \"NAME\"`.");
  }

  /** An {@code Authorization} header that holds no bearer key. */
  public static ApiError notBearer() {
    return new ApiError(
        401,
        INVALID_REQUEST,
        "invalid_api_key",
        null,
        "The Authorization header holds no bearer key. Send it as `Authorization: Bearer sk-…`, with the word Bearer and one"
            + " space before the key.");
  }

  /** A key that is unknown or revoked; which of them is not said. */
  public static ApiError invalidApiKey() {
    return new ApiError(
        401,
        INVALID_REQUEST,
        "invalid_api_key",
        null,
        "Incorrect API key provided: it is unknown or has been revoked. Ask your administrator for one.");
  }

  /** The key directory has not been read yet and there is nothing to judge a key by. */
  public static ApiError keysUnavailable() {
    return new ApiError(
        503,
        SERVER,
        "overloaded",
        null,
        "API keys cannot be checked right now because the workbook cannot be read. Try again shortly.",
        Duration.ofSeconds(5));
  }

  /** No ID token at an endpoint for people who sign in. */
  public static ApiError missingIdToken() {
    return new ApiError(
        401,
        INVALID_REQUEST,
        null,
        null,
        "You are not signed in. Sign in with Google, and send the ID token as `Authorization: Bearer …`.");
  }

  /** Says nothing of why: who forges tokens learns nothing from it. */
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

  /** {@code email} is whom Google says it is. */
  public static ApiError userNotAllowed(String email) {
    return new ApiError(
        403,
        INVALID_REQUEST,
        "user_not_allowed",
        null,
        "You are signed in as %s, who may not use this server. Ask its administrator for an API key, or to be listed in LLMPROXY_ALLOWED_USERS."
            .formatted(email));
  }

  /** This server is not set up for people who sign in. */
  public static ApiError signInOff() {
    return new ApiError(
        403,
        INVALID_REQUEST,
        "sign_in_off",
        null,
        "This endpoint is for people who sign in with Google, which is off on this server. Its administrator can set"
            + " GOOGLE_CLIENT_ID, and LLMPROXY_ALLOWED_USERS.");
  }

  /** There are no keys of Google's to check an ID token with. */
  public static ApiError signInUnavailable(Duration wait) {
    return new ApiError(
        503,
        SERVER,
        "overloaded",
        null,
        "ID tokens cannot be checked right now because Google's keys cannot be read. Try again shortly.",
        wait);
  }

  /** A body that is no JSON; {@code why} ends the sentence. */
  public static ApiError badJson(String why) {
    return new ApiError(
        400, INVALID_REQUEST, null, null, "The request body is not valid JSON: " + why);
  }

  /** JSON that is beyond a limit other than the body's size; {@code what} names the limit. */
  public static ApiError jsonLimit(String what) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "invalid_value",
        null,
        "The request body is beyond a limit of this server: %s.".formatted(what));
  }

  /** A body in a coding that this server does not decode. */
  public static ApiError unsupportedCoding(String coding) {
    return new ApiError(
        415,
        INVALID_REQUEST,
        "unsupported_content_encoding",
        null,
        "The Content-Encoding `%s` is not supported. Send the body as it is, or with gzip or deflate."
            .formatted(coding));
  }

  /** A body that is not in the coding that its header names. */
  public static ApiError notInCoding(String coding) {
    return badJson("it is not %s, although its Content-Encoding says so.".formatted(coding));
  }

  /** A required field that is not there; {@code param} is its path. */
  public static ApiError missing(String param) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "missing_required_parameter",
        param,
        "Missing required parameter: '" + param + "'.");
  }

  /** A field of the wrong JSON type; {@code expected} reads as in "expected a string". */
  public static ApiError invalidType(String param, String expected) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "invalid_type",
        param,
        "Invalid type for '" + param + "': expected " + expected + ".");
  }

  /** A field of the right type with a value that cannot be; {@code why} is a sentence. */
  public static ApiError invalidValue(String param, String why) {
    return new ApiError(
        400, INVALID_REQUEST, "invalid_value", param, "Invalid value for '" + param + "': " + why);
  }

  /** A field that the endpoint does not have; {@code remedy} is a sentence. */
  public static ApiError unknownParameter(String param, String remedy) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "unknown_parameter",
        param,
        "Unknown parameter: '" + param + "'. " + remedy);
  }

  /** Messages that are longer than the model can read, in tokens. */
  public static ApiError contextLengthExceeded(int limit, int tokens) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "context_length_exceeded",
        "messages",
        "This model's maximum context length is %d tokens. However, your messages resulted in %d tokens."
            .formatted(limit, tokens));
  }

  /** One input of an embedding request; {@code param} is its path. */
  public static ApiError contextLengthExceeded(String param, int limit, int tokens) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "context_length_exceeded",
        param,
        "This model's maximum context length is %d tokens. However, your text '%s' resulted in %d tokens."
            .formatted(limit, param, tokens));
  }

  /** A model id that nobody serves. */
  public static ApiError modelNotFound(String model) {
    return modelNotFound(model, null);
  }

  /** {@code why} tells an operator's user what is missing, e.g. a provider's key; or null. */
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
   * A path that this server does not have.
   *
   * @param meant the path that was probably meant, or null
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

  /** A path that there is, asked with a method that it does not take. */
  public static ApiError methodNotSupported(String method, String path) {
    return new ApiError(
        405,
        INVALID_REQUEST,
        "method_not_supported",
        null,
        "%s is not supported on %s.".formatted(method, path));
  }

  /** What HTTP itself refuses: 431 for too large a header, 400 for anything else. */
  public static ApiError malformedHttp(int status) {
    return new ApiError(
        status,
        INVALID_REQUEST,
        null,
        null,
        status == 431
            ? "The request's headers are larger than this server takes (MAX_HEADER_KB)."
            : "The HTTP request is malformed.");
  }

  /** A body above the limit. */
  public static ApiError requestTooLarge(long limitMegabytes) {
    return new ApiError(
        413,
        INVALID_REQUEST,
        "request_too_large",
        null,
        "The request body is larger than %d MB, the limit of this server (MAX_BODY_MB)."
            .formatted(limitMegabytes));
  }

  /** A body that this server has not the memory for, whatever else it does. */
  public static ApiError requestTooLargeForMemory() {
    return new ApiError(
        413,
        INVALID_REQUEST,
        "request_too_large",
        null,
        "The request body is larger than this server has memory for (BODY_MEMORY_MB).");
  }

  /** The bodies of other requests take the memory that there is for them. */
  public static ApiError bodiesTakeAllMemory() {
    return unavailable(
        "Other requests with large bodies are under way, and there is no memory for this one (BODY_MEMORY_MB). Try again shortly.");
  }

  /** A body of which nothing more comes. */
  public static ApiError bodyTooSlow() {
    return new ApiError(
        408,
        INVALID_REQUEST,
        "request_timeout",
        null,
        "The request body did not come in time: it stood still (CLIENT_STALL_SECONDS).");
  }

  /** Too much is asked of this server at once; {@code what} is the whole message. */
  public static ApiError busy(String what) {
    return new ApiError(429, "requests", "rate_limit_exceeded", null, what, Duration.ofSeconds(5));
  }

  /** A key, or a person, has used up the tier's requests of this minute. */
  public static ApiError rateLimited(String tier, int requestsPerMinute, Duration wait) {
    return new ApiError(
        429,
        "requests",
        "rate_limit_exceeded",
        null,
        "Rate limit reached: tier `%s` allows %d requests a minute for each key and each person signed in. Try again in %s."
            .formatted(tier, requestsPerMinute, GoDuration.text(wait)),
        wait);
  }

  /** An address has sent too many wrong keys or ID tokens. */
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

  /** Something that this server needs is away for now; {@code what} is the whole message. */
  public static ApiError unavailable(String what) {
    return new ApiError(503, SERVER, "overloaded", null, what, Duration.ofSeconds(5));
  }

  /** What a route of this installation does not let pass; {@code why} is its message, or null. */
  public static ApiError refused(String why) {
    return new ApiError(
        400,
        INVALID_REQUEST,
        "refused",
        null,
        why == null || why.isBlank() ? "This server refuses the request." : why);
  }

  /** The server ends before the answer does. */
  public static ApiError stopping() {
    return unavailable("The server is stopping. Try again shortly.");
  }

  /** A provider that failed, answered garbage or ended early; {@code what} names the provider. */
  public static ApiError upstream(String what) {
    return new ApiError(502, SERVER, "upstream_error", null, what);
  }

  /** The provider refused this server's own credentials. */
  public static ApiError upstreamAuthentication(String provider) {
    return new ApiError(
        502,
        SERVER,
        "upstream_auth_error",
        null,
        "The provider `%s` refused this server's credentials; its administrator has to check the provider's key."
            .formatted(provider));
  }

  /** A provider that is silent for too long; {@code what} names it. */
  public static ApiError upstreamTimeout(String what) {
    return new ApiError(504, SERVER, "upstream_timeout", null, what);
  }

  /** A defect of this server, of which clients learn no detail. */
  public static ApiError internal() {
    return new ApiError(
        500,
        SERVER,
        "internal_error",
        null,
        "The server had an error while processing your request. It has been logged.");
  }

  /**
   * What a client is told of an exception. What is nobody's declared failure is our defect: it is
   * logged whole and the client learns no detail.
   *
   * @param provider the provider's name when one was being called, else null
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
    LOG.error("A request failed for a reason this server does not know", thrown);
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
