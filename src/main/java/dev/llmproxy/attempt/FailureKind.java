package dev.llmproxy.attempt;

import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.error.ApiError;
import java.util.Set;

/** What the failure of an attempt means for the attempts after it. */
enum FailureKind {
  /** The request is wrong, or this server failed: no attempt follows. */
  REQUEST,

  /** The request is too long for the model. */
  CONTEXT_LENGTH,

  /** The provider refuses the request's content. */
  CONTENT_POLICY,

  /** The provider refuses the key, or its account is used up. */
  KEY,

  /** The key is over its rate limit. */
  RATE_LIMIT,

  /** The provider is down, overloaded or silent. */
  OUTAGE,

  /** The provider fails or does not have the model; asking it again would not help. */
  DEFECT;

  private static final Set<String> CONTENT_CODES =
      Set.of("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation");

  private static final Set<Integer> PASSING =
      Set.of(408, 502, 503, 504, 520, 521, 522, 523, 524, 529);

  /**
   * The kind of a failure.
   *
   * @param error the error for the client
   * @param provider the provider that was asked
   */
  static FailureKind of(ApiError error, Provider provider) {
    String code = error.code() == null ? "" : error.code();
    int status = error.upstream() == null ? 0 : error.upstream().status();
    if (code.equals("context_length_exceeded")) {
      return CONTEXT_LENGTH;
    }
    if (CONTENT_CODES.contains(code)) {
      return CONTENT_POLICY;
    }
    if (!isByProvider(error)) {
      // The model in this process has no provider that could fail.
      boolean busy =
          provider.baseUrl().isEmpty() && (error.status() == 429 || error.status() == 503);
      return busy ? OUTAGE : REQUEST;
    }
    if (code.equals("upstream_auth_error") || code.equals("insufficient_quota")) {
      return KEY;
    }
    return switch (error.status()) {
      case 429 -> RATE_LIMIT;
      case 404, 413 -> DEFECT;
      case 502, 503, 504 -> status == 0 || PASSING.contains(status) ? OUTAGE : DEFECT;
      default -> REQUEST;
    };
  }

  /** Whether the model's circuit breaker counts it as a failure. */
  boolean breaks(ApiError error) {
    return isByProvider(error) && (this == OUTAGE || (this == DEFECT && error.status() >= 500));
  }

  private static boolean isByProvider(ApiError error) {
    return error.upstream() != null
        || (error.code() != null && error.code().startsWith("upstream_"));
  }
}
