package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.error.ApiError;
import java.util.Optional;

/**
 * A request for the continuation of a text, as it came, for providers that have such an endpoint.
 * Other providers get it as a chat. It is the format's memory of the request: see {@link
 * dev.llmproxy.call.RequestContext#formatAs}.
 */
public interface TextRequest {
  /** The request in the form of OpenAI's CreateCompletionRequest. Do not change it. */
  ObjectNode textBody();

  /** Why a target cannot answer it; empty when it can. */
  Optional<ApiError> refusal(Target target);

  /** Whether a target has an endpoint for such requests. Otherwise it answers a chat. */
  static boolean isFor(Target target) {
    return target.provider().endpoints().completions(target.upstreamModel()).isPresent();
  }
}
