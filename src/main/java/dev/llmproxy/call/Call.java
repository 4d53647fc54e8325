package dev.llmproxy.call;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.error.ApiError;
import java.time.Instant;

/** A request for a model on its way: what those of every endpoint have in common. */
public interface Call extends AutoCloseable {
  /** Joins the {@code x-request-id} header, the log, the ledger and the sheet. */
  String requestId();

  /** What the usage sheets call a request of this kind, e.g. {@code chat}. */
  String type();

  /** Who asks. */
  Caller caller();

  /** The provider and model that answer. */
  Target target();

  /** When the request came in. */
  Instant started();

  /** Ends the call with a failure. */
  void fail(ApiError error);

  /** What the call ended with when it failed, or null. */
  default ApiError error() {
    return null;
  }

  /** How the call ended; asked when it is over. */
  Status status();

  /**
   * OpenAI's usage object: what the provider reported, else what the call has probably cost. A
   * request that never got an answer has cost nothing.
   */
  ObjectNode usage();

  /**
   * What the call has probably used so far, by the same estimate as {@link #usage}; any thread may
   * ask at any time.
   */
  TokenCount soFar();

  /**
   * Closes the provider's stream, also one that is not over, and gives back the memory of the
   * answer; harmless the second time.
   */
  @Override
  void close();

  /** Calls to the provider so far; any thread may ask at any time. */
  default int turnCount() {
    return 1;
  }

  /** Tools that the server has run for it so far; any thread may ask at any time. */
  default int toolCallCount() {
    return 0;
  }
}
