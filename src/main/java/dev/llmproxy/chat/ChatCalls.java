package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.OriginalRequest;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Chain;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.http.AnswerMemory;
import dev.llmproxy.http.KeepAlive;
import dev.llmproxy.tool.ToolCall;
import java.util.ArrayList;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/** Creates the {@link ChatCall} of a request and gives its events to the route. */
public final class ChatCalls {
  private static final String TOOLS = "tools";

  private final ProviderCatalogue providers;
  private final ToolOffer tools;
  private final ToolMemory memory;
  private final AnswerMemory answerMemory;

  public ChatCalls(
      ProviderCatalogue providers, ToolOffer tools, ToolMemory memory, AnswerMemory answerMemory) {
    this.answerMemory = answerMemory;
    this.providers = providers;
    this.tools = tools;
    this.memory = memory;
  }

  /**
   * Parses a request body.
   *
   * @param body UTF-8 JSON, or null
   * @throws dev.llmproxy.error.ApiException 400 for an invalid request
   */
  public ChatRequest request(@Body byte[] body) {
    return ChatRequest.parse(body);
  }

  /**
   * Creates the call of a request, and sets it in the request context.
   *
   * @throws dev.llmproxy.error.ApiException 400 for an invalid request, 403 for a model that the
   *     key may not use, 404 for an unknown one
   */
  public ChatCall call(
      @ExchangeProperty("request") ChatRequest request,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    ToolNotices notices = ToolNotices.of(context.reply().requestHeader(ToolNotices.HEADER));
    if (request.stream()) {
      context.reply().willStream(KeepAlive.LINE);
    }
    Attempts attempts = attempts(request, context);
    return call(request, attempts, notices, Accumulator.Kept.NOTHING, context, exchange);
  }

  /**
   * Creates the call of a request that came in another format, and sets it in the request context.
   * The client gets no notifications about tools. Nothing begins its stream before the provider's
   * first event. When all targets speak the client's format, the request goes through as it is, and
   * no tool of the server takes part. Functions of the client are left out when no target can call
   * tools, because agents send some with every request.
   *
   * @throws dev.llmproxy.error.ApiException as {@link #call}
   */
  public ChatCall callOfFormat(
      @ExchangeProperty("request") ChatRequest request,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    OriginalRequest original = context.original();
    if (original != null && !original.translated().equals(request)) {
      context.setOriginal(null);
    }
    Attempts attempts = attempts(request, context);
    ChatRequest fitting =
        attempts.chain().targets().stream().noneMatch(Target::callsTools)
            ? withoutFunctions(request, context)
            : request;
    return call(fitting, attempts, ToolNotices.OFF, Accumulator.Kept.END, context, exchange);
  }

  private static ChatRequest withoutFunctions(ChatRequest request, RequestContext context) {
    ArrayNode others = Json.array();
    boolean any = false;
    for (JsonNode tool : request.body().path(TOOLS)) {
      if (tool.path("type").asText("").equals("function")) {
        any = true;
      } else {
        others.add(tool);
      }
    }
    if (!any) {
      return request;
    }
    context.drop(TOOLS);
    ObjectNode body = request.copy();
    body.remove(List.of("tool_choice", "parallel_tool_calls"));
    if (others.isEmpty()) {
      body.remove(TOOLS);
    } else {
      body.set(TOOLS, others);
    }
    return new ChatRequest(body);
  }

  /** Whether every target of a chain gets the request as the client has sent it. */
  private static boolean allPass(OriginalRequest original, Attempts attempts) {
    return original != null
        && attempts.chain().targets().stream()
            .allMatch(target -> target.provider().speaks(original.format()));
  }

  private ChatCall call(
      ChatRequest request,
      Attempts attempts,
      ToolNotices notices,
      Accumulator.Kept keptOfStream,
      RequestContext context,
      Exchange exchange) {
    ServerTools offer =
        allPass(context.original(), attempts)
            ? ServerTools.none(request)
            : tools.of(request, context.caller(), attempts.target());
    // An answer without streaming is built from the collected events.
    Accumulator.Kept kept = request.stream() ? keptOfStream : Accumulator.Kept.ALL;
    return call(request, attempts, offer, notices, kept, context, exchange);
  }

  /**
   * Creates the call of a {@code POST /chat} request, and sets it in the request context. The
   * client gets every chat event, and only the tools that the request names.
   *
   * @throws dev.llmproxy.error.ApiException 403 for a model that the caller may not use, 404 for an
   *     unknown one
   */
  public ChatCall callOfForm(
      @ExchangeProperty("request") ChatRequest request,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    Attempts attempts = attempts(request, context);
    ServerTools offer = tools.named(request, context.caller(), attempts.target());
    context.reply().willStream(KeepAlive.BLOCK);
    return call(request, attempts, offer, ToolNotices.OFF, Accumulator.Kept.END, context, exchange);
  }

  private Attempts attempts(ChatRequest request, RequestContext context) {
    String model = request.model();
    Caller caller = context.caller();
    Chain chain = caller.allowed(model, providers.chatChain(model));
    if (caller.isRestricted()) {
      checkFurther(request, caller, chain);
    }
    return new Attempts(chain);
  }

  /** OpenRouter takes names of further models, which answer when the model fails. */
  private void checkFurther(ChatRequest request, Caller caller, Chain chain) {
    for (JsonNode further : request.body().path("models")) {
      for (Target target : chain.targets()) {
        String id = target.provider().name() + "/" + further.asText();
        caller.allowed(id, providers.chain(id));
      }
    }
  }

  private ChatCall call(
      ChatRequest request,
      Attempts attempts,
      ServerTools offer,
      ToolNotices notices,
      Accumulator.Kept kept,
      RequestContext context,
      Exchange exchange) {
    context.takeHeaders(exchange);
    ChatCall chat =
        new ChatCall(
            context.requestId(),
            context.caller(),
            request,
            attempts,
            context.started(),
            // Citations and the separator between turns need the text of the answer.
            new Accumulator(offer.any() ? Accumulator.Kept.ALL : kept, answerMemory.open()),
            turns(offer, context.caller(), context.requestId()),
            notices);
    context.setCall(chat);
    return chat;
  }

  private Turns turns(ServerTools offer, Caller caller, String requestId) {
    Turns turns = new Turns(offer);
    if (offer.search() != null) {
      turns.searchFirst(
          new ToolCall(
              "call_" + requestId,
              ToolOffer.WEB_SEARCH,
              Json.text(Json.object().put("query", offer.search().question()))));
    }
    if (offer.any()) {
      ArrayNode recalled = memory.recall(caller, offer.body().path("messages"));
      if (recalled != null) {
        turns.recall(recalled);
      }
    }
    return turns;
  }

  /** Whether the client asked for a stream. */
  public boolean streams(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return context.callAs(ChatCall.class).request().stream();
  }

  /** Whether there is another event; waits until that is known. */
  public boolean hasNext(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return context.callAs(ChatCall.class).turns().events().hasNext();
  }

  /**
   * Returns the next event and those that have arrived with it, and adds them to the chat's
   * accumulator.
   */
  public List<ChatEvent> next(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ChatCall chat = context.callAs(ChatCall.class);
    ChatEvents events = chat.turns().events();
    List<ChatEvent> arrived = new ArrayList<>();
    for (ChatEvent event = events.next(); event != null; event = events.poll()) {
      if (event instanceof ChatEvent.Delta delta) {
        chat.accumulator().add(delta);
      } else {
        chat.accumulator().add(event);
      }
      arrived.add(event);
    }
    return arrived;
  }
}
