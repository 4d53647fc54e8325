package dev.llmproxy.embedding;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Status;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.AnswerMemory;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * One embedding request while it is served, and its outcome. The request's thread writes it; other
 * threads read it only after the request has ended.
 */
public final class EmbeddingCall implements Call {
  private static final int CHARACTERS_PER_TOKEN = 4;

  private final String requestId;
  private final Caller caller;
  private final EmbeddingRequest request;
  private final Attempts attempts;
  private final Instant started;
  private final AnswerMemory.Share memory;
  private ObjectNode usage;
  private Status status = Status.CANCELLED;
  private ApiError error;

  /**
   * @param requestId the id in the header {@code x-request-id}, the log, the ledger and the sheet
   * @param caller the caller
   * @param request the parsed request
   * @param attempts the attempts to answer it
   * @param started when the request arrived
   * @param memory counts the memory of the answer
   */
  public EmbeddingCall(
      String requestId,
      Caller caller,
      EmbeddingRequest request,
      Attempts attempts,
      Instant started,
      AnswerMemory.Share memory) {
    this.requestId = Objects.requireNonNull(requestId);
    this.caller = Objects.requireNonNull(caller);
    this.request = Objects.requireNonNull(request);
    this.attempts = Objects.requireNonNull(attempts);
    this.started = Objects.requireNonNull(started);
    this.memory = Objects.requireNonNull(memory);
  }

  @Override
  public String requestId() {
    return requestId;
  }

  @Override
  public String type() {
    return "embedding";
  }

  @Override
  public Caller caller() {
    return caller;
  }

  /** All texts of the client, for routes. */
  public String promptText() {
    return request.promptText();
  }

  public EmbeddingRequest request() {
    return request;
  }

  @Override
  public Attempts attempts() {
    return attempts;
  }

  @Override
  public Instant started() {
    return started;
  }

  /** The share of the answer memory that this call's answer takes. */
  public AnswerMemory.Share memory() {
    return memory;
  }

  @Override
  public void close() {
    memory.close();
  }

  /** Ends the call with success; the answer is complete. */
  public void succeed(ObjectNode reported) {
    usage = reported;
    status = Status.SUCCESS;
  }

  @Override
  public ObjectNode nextRequest() {
    return request.body();
  }

  @Override
  public void fail(ApiError error) {
    usage = usage(0);
    status = Status.ERROR;
    this.error = error;
  }

  @Override
  public ApiError error() {
    return error;
  }

  @Override
  public Status status() {
    return status;
  }

  @Override
  public ObjectNode usage() {
    return usage == null ? estimatedUsage() : usage;
  }

  @Override
  public List<TokenCount> soFar() {
    return List.of(TokenCount.of(estimatedUsage()));
  }

  /** OpenAI's usage object for this many tokens; embeddings have no completion tokens. */
  public static ObjectNode usage(long tokens) {
    return Json.object().put("prompt_tokens", tokens).put("total_tokens", tokens);
  }

  /** The estimated usage when the provider reports none. */
  public ObjectNode estimatedUsage() {
    return usage(
        request.tokens() + Math.ceilDiv(request.characters(), (long) CHARACTERS_PER_TOKEN));
  }
}
