package dev.llmproxy.format.completions;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.chat.TextRequest;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import java.util.Optional;

/** What this format remembers of a request: the request, and how far its answer has come. */
final class CompletionFormat implements TextRequest {
  private final CompletionRequest request;
  private final TextLogprobs logprobs = new TextLogprobs();

  CompletionFormat(CompletionRequest request) {
    this.request = request;
  }

  CompletionRequest request() {
    return request;
  }

  /** The token probabilities of the answer so far. */
  TextLogprobs logprobs() {
    return logprobs;
  }

  @Override
  public ObjectNode textBody() {
    return request.body();
  }

  @Override
  public Optional<ApiError> refusal(Target target) {
    return TextRequest.isFor(target) ? Optional.empty() : ofChats(target);
  }

  /** Why a model that answers chats cannot answer the request. */
  private Optional<ApiError> ofChats(Target target) {
    if (!request.suffix().isEmpty()) {
      return refused(target, "suffix", "it cannot fill the place before a suffix");
    }
    if (request.prompts().size() > 1) {
      return refused(target, "prompt", "it takes one prompt in a request");
    }
    if (request.echoes()) {
      return refused(target, "echo", "it cannot repeat the prompt");
    }
    return request.mostTokens() == 0
        ? refused(target, "max_tokens", "its answer has at least one token")
        : Optional.empty();
  }

  private static Optional<ApiError> refused(Target target, String field, String why) {
    return Optional.of(
        OpenAiErrors.invalidValue(
            field,
            "the model `%s` answers completions as chats, and %s."
                .formatted(target.modelId(), why)));
  }
}
