package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.OriginalRequest;
import dev.llmproxy.call.Status;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.AnswerMemory;
import java.time.Instant;
import java.util.List;

/**
 * The state of one chat request: the caller, the request, the target model, and the progress of the
 * answer.
 *
 * @param requestId the id in the {@code x-request-id} header, the log, the ledger and the sheet
 * @param caller the owner of the API key, or the signed-in user
 * @param request the request
 * @param attempts the attempts to answer it
 * @param started the time at which the request came in
 * @param accumulator collects the events
 * @param turns the turns of the chat
 * @param notices the form in which the client gets notifications about the server's tools
 */
public record ChatCall(
    String requestId,
    Caller caller,
    ChatRequest request,
    Attempts attempts,
    Instant started,
    Accumulator accumulator,
    Turns turns,
    ToolNotices notices)
    implements Call {
  /** A chat without tools of the server, and with a single target. */
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
        Attempts.at(target),
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
  public ObjectNode nextRequest() {
    return turns.body();
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

  /** The provider's usage object, or an estimate when the answer is incomplete. */
  @Override
  public ObjectNode usage() {
    if (accumulator.usage() != null) {
      return accumulator.usage();
    }
    return failedBeforeItsAnswer() ? Usage.ended(this) : Usage.estimate(this);
  }

  @Override
  public List<TokenCount> used() {
    return accumulator.usage() == null && failedBeforeItsAnswer() ? turns.used().turns() : soFar();
  }

  @Override
  public List<TokenCount> soFar() {
    ObjectNode whole = accumulator.usage();
    List<TokenCount> ended = turns.used().turns();
    if (whole != null) {
      return ended.isEmpty() ? List.of(TokenCount.of(whole)) : ended;
    }
    return Usage.estimatedTurns(turns.used(), this);
  }

  private boolean failedBeforeItsAnswer() {
    return turns.count() == 0
        || (status() == Status.ERROR && !answering() && turns.used().reported() == null);
  }

  /** The answer's share of the memory for answers. */
  public AnswerMemory.Share memory() {
    return accumulator.memory();
  }

  @Override
  public void close() {
    turns.close();
    memory().close();
  }

  /** Forgets the answer of a turn that follows once more; for chats without the server's tools. */
  public void startAgain() {
    accumulator.clear();
    turns.startAgain();
  }

  @Override
  public int turnCount() {
    return turns.count();
  }

  @Override
  public int toolCallCount() {
    return turns.toolCalls();
  }

  /**
   * The fields that all chunks of the answer share. Never null: before the first chunk the server
   * makes them up.
   */
  public ObjectNode head() {
    return accumulator.head() == null ? turns.head(this) : accumulator.head();
  }

  /**
   * Whether the target gets the client's request as it was sent: it speaks the client's format, and
   * no tool of the server takes part.
   *
   * @param original the request as it was sent, or null
   */
  public boolean passes(OriginalRequest original) {
    return original != null
        && target().provider().speaks(original.format())
        && !turns.tools().any();
  }

  /** Answers the chat with these events of a stored answer; no provider is asked. */
  public void answerFromCache(List<ChatEvent> events) {
    turns.answerFromCache(events);
  }

  @Override
  public boolean fromCache() {
    return turns.fromCache();
  }

  /** All texts of the client's messages, for use in routes. */
  public String promptText() {
    return request.promptText();
  }

  /**
   * A tool call id that is unique in the chat, and not longer than the 40 characters that OpenAI
   * accepts.
   */
  public String newToolCallId() {
    return "call_" + requestId + "_" + turns.nextOwnCall();
  }

  /** Whether the provider has begun to answer in the current turn. */
  private boolean answering() {
    return turns.heard() || (turns.count() <= 1 && accumulator.head() != null);
  }

  /** Leaves out the content of the chat; the generated method would print all fields. */
  @Override
  public String toString() {
    return "ChatCall[" + requestId + "]";
  }
}
