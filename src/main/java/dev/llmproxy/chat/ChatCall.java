package dev.llmproxy.chat;

import dev.llmproxy.gate.Caller;
import dev.llmproxy.provider.Target;
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
    Accumulator accumulator) {}
