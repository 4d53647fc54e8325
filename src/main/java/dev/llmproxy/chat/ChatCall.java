package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Status;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.AnswerMemory;
import java.time.Instant;

/**
 * One chat request on its way: what was asked, by whom, of which model, and what has come of it so
 * far.
 *
 * @param requestId joins the {@code x-request-id} header, the log, the ledger and the sheet
 * @param caller who asks
 * @param request what is asked
 * @param target the provider and model that answer
 * @param started when the request came in
 * @param accumulator collects the events
 * @param turns how far it has come
 * @param notices how the client is told of tools that the server runs
 */
public record ChatCall(
    String requestId,
    Caller caller,
    ChatRequest request,
    Target target,
    Instant started,
    Accumulator accumulator,
    Turns turns,
    ToolNotices notices)
    implements Call {
  /** One without tools of the server's. */
  public ChatCall(
      String requestId,
      Caller caller,
      ChatRequest request,
      Target target,
      Instant started,
      Accumulator accumulator) {
    this(
        requestId,
        caller,
        request,
        target,
        started,
        accumulator,
        new Turns(ServerTools.none(request)),
        ToolNotices.HYBRID);
  }

  @Override
  public String type() {
    return "chat";
  }

  @Override
  public void fail(ApiError error) {
    accumulator.add(new ChatEvent.Failed(error));
  }

  @Override
  public ApiError error() {
    return accumulator.error();
  }

  @Override
  public Status status() {
    if (accumulator.complete()) {
      return Status.SUCCESS;
    }
    return accumulator.error() == null ? Status.CANCELLED : Status.ERROR;
  }

  /** One that was cut short has probably cost what came. */
  @Override
  public ObjectNode usage() {
    if (accumulator.usage() != null) {
      return accumulator.usage();
    }
    boolean nothing = turns.count() == 0 || (status() == Status.ERROR && !answering());
    return nothing ? Usage.ended(this) : Usage.estimate(this);
  }

  @Override
  public TokenCount soFar() {
    ObjectNode whole = accumulator.usage();
    return TokenCount.of(whole == null ? Usage.estimate(this) : whole);
  }

  /** What its answer takes of the memory for answers. */
  public AnswerMemory.Share memory() {
    return accumulator.memory();
  }

  @Override
  public void close() {
    turns.close();
    memory().close();
  }

  @Override
  public int turnCount() {
    return turns.count();
  }

  @Override
  public int toolCallCount() {
    return turns.toolCalls();
  }

  /** The fields that all chunks of the answer share, whether one has come or not. */
  public ObjectNode head() {
    return accumulator.head() == null ? turns.head(this) : accumulator.head();
  }

  /** All texts that the client sent, for routes. */
  public String promptText() {
    return request.promptText();
  }

  /** Whether the provider has begun to answer in the turn under way. */
  private boolean answering() {
    return turns.heard() || (turns.count() <= 1 && accumulator.head() != null);
  }

  /** Nothing that was said: records print all their fields. */
  @Override
  public String toString() {
    return "ChatCall[" + requestId + "]";
  }
}
