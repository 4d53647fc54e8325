package dev.llmproxy.media;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Status;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;

/**
 * One request for audio, images, moderations or reranking while it is served, and its outcome. The
 * request's thread writes it; other threads read it only after the request has ended.
 */
public final class MediaCall implements Call {
  private final String requestId;
  private final Caller caller;
  private final MediaRequest request;
  private final Attempts attempts;
  private final Instant started;
  private volatile ObjectNode usage;
  private Status status = Status.CANCELLED;
  private volatile ApiError error;

  MediaCall(
      String requestId, Caller caller, MediaRequest request, Attempts attempts, Instant started) {
    this.requestId = requestId;
    this.caller = caller;
    this.request = request;
    this.attempts = attempts;
    this.started = started;
  }

  @Override
  public String requestId() {
    return requestId;
  }

  @Override
  public String type() {
    return request.type();
  }

  @Override
  public Caller caller() {
    return caller;
  }

  public MediaRequest request() {
    return request;
  }

  /** All texts of the client, for routes. */
  public String promptText() {
    return request.promptText();
  }

  @Override
  public Attempts attempts() {
    return attempts;
  }

  @Override
  public Instant started() {
    return started;
  }

  /**
   * The path of the endpoint below the base URL of the target's provider.
   *
   * @throws dev.llmproxy.error.ApiException 404 when the provider does not have it
   */
  public String path() {
    return target()
        .provider()
        .endpoints()
        .path(request.endpoint())
        .orElseThrow(() ->
            OpenAiErrors.endpointMissing(
                    target().modelId(),
                    target().provider().name(),
                    "/v1/" + request.endpoint().path())
                .asException());
  }

  @Override
  public ObjectNode nextRequest() {
    return request.body();
  }

  /**
   * Ends the call with success; the client has the whole answer.
   *
   * @param reported OpenAI's usage object; null when the provider reports no tokens
   */
  public void succeed(ObjectNode reported) {
    usage = reported;
    status = Status.SUCCESS;
  }

  @Override
  public void fail(ApiError failure) {
    error = failure;
    status = Status.ERROR;
  }

  @Override
  public ApiError error() {
    return error;
  }

  @Override
  public Status status() {
    return status;
  }

  /** The tokens that the provider has reported; zeros when it has reported none. */
  @Override
  public ObjectNode usage() {
    ObjectNode reported = usage;
    return reported == null
        ? Json.object().put("prompt_tokens", 0).put("completion_tokens", 0).put("total_tokens", 0)
        : reported;
  }

  @Override
  public List<TokenCount> soFar() {
    return List.of(TokenCount.of(usage()));
  }

  /** Null, too, when the provider has reported no tokens: it counts seconds or images then. */
  @Override
  public BigDecimal cost(List<TokenCount> turns) {
    return usage == null && error == null ? null : attempts.cost(turns, started);
  }

  @Override
  public void close() {
    if (request.form() != null) {
      request.form().close();
    }
  }
}
