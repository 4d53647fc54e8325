package dev.llmproxy.embedding;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Status;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.AnswerMemory;
import java.time.Instant;
import java.util.Objects;

/**
 * One embedding request on its way, and how it ended. Written by the request's thread, read by
 * others only when the request is over.
 */
public final class EmbeddingCall implements Call {
  private static final int CHARACTERS_PER_TOKEN = 4;

  private final String requestId;
  private final Caller caller;
  private final EmbeddingRequest request;
  private final Target target;
  private final Instant started;
  private final AnswerMemory.Share memory;
  private ObjectNode usage;
  private Status status = Status.CANCELLED;
  private ApiError error;

  /**
   * @param requestId joins the {@code x-request-id} header, the log, the ledger and the sheet
   * @param caller who asks
   * @param request what is asked
   * @param target the provider and model that answer
   * @param started when the request came in
   * @param memory what its answer takes is counted in it
   */
  public EmbeddingCall(
      String requestId,
      Caller caller,
      EmbeddingRequest request,
      Target target,
      Instant started,
      AnswerMemory.Share memory) {
    this.requestId = Objects.requireNonNull(requestId);
    this.caller = Objects.requireNonNull(caller);
    this.request = Objects.requireNonNull(request);
    this.target = Objects.requireNonNull(target);
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

  /** All texts that the client sent, for routes. */
  public String promptText() {
    return request.promptText();
  }

  public EmbeddingRequest request() {
    return request;
  }

  @Override
  public Target target() {
    return target;
  }

  @Override
  public Instant started() {
    return started;
  }

  /** What its answer takes of the memory for answers. */
  public AnswerMemory.Share memory() {
    return memory;
  }

  @Override
  public void close() {
    memory.close();
  }

  /** The answer is whole. */
  public void succeed(ObjectNode reported) {
    usage = reported;
    status = Status.SUCCESS;
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
  public TokenCount soFar() {
    return TokenCount.of(estimatedUsage());
  }

  /** Usage of this many tokens; embeddings have no completion. */
  public static ObjectNode usage(long tokens) {
    return Json.object().put("prompt_tokens", tokens).put("total_tokens", tokens);
  }

  /** What a call that reported no usage has probably cost. */
  public ObjectNode estimatedUsage() {
    return usage(
        request.tokens() + Math.ceilDiv(request.characters(), (long) CHARACTERS_PER_TOKEN));
  }
}
