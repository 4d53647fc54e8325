package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.api.ApiError;
import dev.llmproxy.gate.Caller;
import dev.llmproxy.provider.Target;
import dev.llmproxy.provider.Usage;
import dev.llmproxy.usage.Call;
import dev.llmproxy.usage.Status;
import dev.llmproxy.usage.TokenCount;
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
 */
public record ChatCall(
    String requestId,
    Caller caller,
    ChatRequest request,
    Target target,
    Instant started,
    Accumulator accumulator)
    implements Call {
  @Override
  public String type() {
    return "chat";
  }

  @Override
  public void fail(ApiError error) {
    accumulator.add(new ChatEvent.Failed(error));
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
    boolean nothing = status() == Status.ERROR && accumulator.head() == null;
    return nothing ? Usage.of(0, 0) : Usage.estimate(this);
  }

  @Override
  public TokenCount soFar() {
    ObjectNode whole = accumulator.usage();
    return TokenCount.of(whole == null ? Usage.estimate(this) : whole);
  }
}
