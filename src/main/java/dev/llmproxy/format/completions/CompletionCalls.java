package dev.llmproxy.format.completions;

import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatCalls;
import dev.llmproxy.chat.TextRequest;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Creates the {@link ChatCall} of a request for the continuation of a text. */
public final class CompletionCalls {
  private final ChatCalls chats;

  public CompletionCalls(ChatCalls chats) {
    this.chats = chats;
  }

  /**
   * Parses the body of a request.
   *
   * @param body UTF-8 JSON, or null
   * @throws dev.llmproxy.error.ApiException 400 for an invalid request
   */
  public CompletionRequest request(@Body byte[] body) {
    return CompletionRequest.parse(body);
  }

  /**
   * Creates the call of a request, and sets it in the request context.
   *
   * @throws dev.llmproxy.error.ApiException 400 when no target can answer it, 403 for a model that
   *     the key may not use, 404 for an unknown one
   */
  public ChatCall call(
      @ExchangeProperty("request") CompletionRequest request,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    CompletionFormat format = new CompletionFormat(request);
    context.setFormat(format);
    ChatCall call = chats.callOfFormat(request.chat(), context, exchange);
    List<Target> targets = call.attempts().possible();
    if (targets.stream().allMatch(target -> format.refusal(target).isPresent())) {
      throw format.refusal(call.target()).orElseThrow().asException();
    }
    if (request.body().path("best_of").asInt(1) > 1 && !TextRequest.isFor(call.target())) {
      context.drop("best_of");
    }
    return call;
  }
}
