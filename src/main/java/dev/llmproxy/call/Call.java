package dev.llmproxy.call;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.error.ApiError;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;

/** A request for a model while it is served: what all endpoints have in common. */
public interface Call extends AutoCloseable {
  /** The id in the header {@code x-request-id}, the log, the ledger and the sheet. */
  String requestId();

  /** The request's type in the usage sheets: {@code chat} or {@code embedding}. */
  String type();

  /** The caller. */
  Caller caller();

  /** The attempts to answer it. */
  Attempts attempts();

  /** The provider and model that answer, or are being asked. */
  default Target target() {
    return attempts().target();
  }

  /**
   * The exact cost in US dollars; null when a price is unknown. Any thread may call this at any
   * time.
   *
   * @param turns the tokens of each turn
   */
  default BigDecimal cost(List<TokenCount> turns) {
    return attempts().cost(turns, started());
  }

  /** When the request arrived. */
  Instant started();

  /** The request of the next turn, in OpenAI's format. Do not change it. */
  ObjectNode nextRequest();

  /** Ends the call with a failure. */
  void fail(ApiError error);

  /** The error that ended the call; null when there was none. */
  default ApiError error() {
    return null;
  }

  /**
   * Whether the answer comes from the response cache, so that it costs nothing. Any thread may call
   * this at any time.
   */
  default boolean fromCache() {
    return false;
  }

  /** How the call ended; valid once it is over. */
  Status status();

  /**
   * OpenAI's usage object: the provider's report, else an estimate. A request without an answer has
   * used nothing.
   */
  ObjectNode usage();

  /**
   * The tokens of each turn of the call, which is over. Their sum is {@link #usage}. Prices may
   * depend on the length of a turn's prompt.
   */
  default List<TokenCount> used() {
    return List.of(TokenCount.of(usage()));
  }

  /**
   * The estimated tokens of each turn so far, by the same estimate as {@link #usage}. Any thread
   * may call this at any time.
   */
  List<TokenCount> soFar();

  /**
   * Closes the provider's stream, even before its end, and releases the memory of the answer.
   * Further calls do nothing.
   */
  @Override
  void close();

  /** Calls to the provider so far. Any thread may call this at any time. */
  default int turnCount() {
    return 1;
  }

  /** Tools that the server has run for this call so far. Any thread may call this at any time. */
  default int toolCallCount() {
    return 0;
  }
}
