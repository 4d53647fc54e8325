package dev.llmproxy.provider.anthropic;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.chat.ToolMemory;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.provider.DroppedFields;
import dev.llmproxy.provider.PassedEvents;
import dev.llmproxy.provider.ProviderEvents;
import dev.llmproxy.provider.ProviderHttp;
import dev.llmproxy.provider.ProviderWarnings;
import dev.llmproxy.provider.Refusal;
import dev.llmproxy.provider.UpstreamErrors;
import dev.llmproxy.provider.anthropic.MessagesRequest.Part;
import java.io.IOException;
import java.io.InputStream;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;

/**
 * The wire format {@code anthropic} for chats: creates the provider's request and reads its answer.
 * A request that Anthropic refuses because of one part is sent once more without that part. A
 * request of a client that speaks Anthropic's format itself goes through as it is.
 */
public final class AnthropicChat {
  /** The exchange property with the request that is under way; see {@link Attempt}. */
  private static final String ATTEMPT = "anthropicAttempt";

  /** Switches on what is not in Anthropic's format yet. */
  private static final String BETA = "anthropic-beta";

  private static final int MOST_MODELS = 1000;

  private final ProviderWarnings warnings = new ProviderWarnings();
  private final long mostBytes;
  private final ToolMemory memory;

  /** What models have refused, by model id. */
  private final Map<String, Set<Part>> refusals = new ConcurrentHashMap<>();

  /**
   * @param mostBytes the most bytes of one answer, at most 1 GB
   * @param memory stores the thoughts of turns that call tools
   */
  public AnthropicChat(long mostBytes, ToolMemory memory) {
    this.mostBytes = mostBytes;
    this.memory = memory;
  }

  /**
   * A request of one turn.
   *
   * @param request the translated request; null when the client's own goes through
   * @param refused the parts that it goes without
   * @param again whether another request follows, because Anthropic has refused this one
   */
  private record Attempt(MessagesRequest request, Set<Part> refused, boolean again) {}

  /** Begins a turn. */
  public void begin(Exchange exchange) {
    exchange.removeProperty(ATTEMPT);
  }

  /** Whether a request has to be sent: the first one of the turn, or the one after a refusal. */
  public boolean asks(Exchange exchange) {
    Attempt last = exchange.getProperty(ATTEMPT, Attempt.class);
    return last == null || last.again();
  }

  /**
   * Sets the message for the provider: the translated request, and none of the client's headers.
   */
  public void prepare(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    ChatCall chat = context.callAs(ChatCall.class);
    if (chat.passes(context.original())) {
      exchange.setProperty(ATTEMPT, new Attempt(null, Set.of(), false));
      context.nameNothingDropped();
      pass(context, chat, exchange);
      return;
    }
    Attempt last = exchange.getProperty(ATTEMPT, Attempt.class);
    Set<Part> refused = EnumSet.noneOf(Part.class);
    refused.addAll(refusals.getOrDefault(chat.target().servedModel(), Set.of()));
    if (last != null) {
      refused.addAll(last.refused());
    }
    MessagesRequest request = new MessagesRequest(chat, refused, memory);
    exchange.setProperty(ATTEMPT, new Attempt(request, refused, false));
    DroppedFields.name(context, request.dropped());
    ProviderHttp.request(
        exchange,
        chat.target().provider(),
        "/messages",
        request.body().has("stream") ? "text/event-stream" : "application/json",
        request.body());
  }

  private static void pass(RequestContext context, ChatCall chat, Exchange exchange) {
    ObjectNode body = Json.object();
    body.setAll(context.original().body());
    body.put("model", chat.target().upstreamModel());
    ProviderHttp.request(
        exchange,
        chat.target().provider(),
        "/messages",
        chat.request().stream() ? "text/event-stream" : "application/json",
        body);
    String betas = context.reply().requestHeader(BETA);
    if (betas != null && !exchange.getMessage().getHeaders().containsKey(BETA)) {
      exchange.getMessage().setHeader(BETA, betas);
    }
  }

  /**
   * Returns the chat events of the provider's answer, which are read as they arrive; null when the
   * request has to be sent once more.
   *
   * @throws dev.llmproxy.error.ApiException when the answer is an error
   */
  public ChatEvents receive(
      @Body InputStream body,
      @Header(Exchange.HTTP_RESPONSE_CODE) int status,
      @Header("Retry-After") String retryAfter,
      @Header("Location") String location,
      @Header("Content-Type") String contentType,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange)
      throws IOException {
    ChatCall chat = context.callAs(ChatCall.class);
    Attempt attempt = exchange.getProperty(ATTEMPT, Attempt.class);
    Refusal refusal =
        ProviderHttp.refusal(
            exchange, chat.target().provider(), status, retryAfter, location, body, "messages");
    if (attempt.request() == null) {
      if (refusal != null) {
        throw UpstreamErrors.of(chat.target().provider(), refusal).asException();
      }
      return new ProviderEvents(
          body,
          contentType,
          new PassedEvents(new MessagesStream(chat, null, memory, warnings)),
          mostBytes,
          chat.memory());
    }
    if (refusal == null) {
      String answerTool = attempt.request().answersByTool() ? MessagesRequest.ANSWER_TOOL : null;
      return new ProviderEvents(
          body,
          contentType,
          new MessagesStream(chat, answerTool, memory, warnings),
          mostBytes,
          chat.memory());
    }
    Set<Part> parts =
        status == 400 ? Objection.in(refusal.body(), attempt.request()) : Set.<Part>of();
    if (attempt.refused().containsAll(parts)) {
      throw UpstreamErrors.of(chat.target().provider(), refusal).asException();
    }
    Set<Part> all = EnumSet.copyOf(parts);
    all.addAll(attempt.refused());
    exchange.setProperty(ATTEMPT, new Attempt(attempt.request(), all, true));
    learn(chat.target(), parts);
    return null;
  }

  /** Fails an embedding request with a 400, because Anthropic has no embeddings. */
  public void refuseEmbeddings(Exchange exchange) {
    exchange.setException(
        OpenAiErrors.invalidValue(
                "model",
                "this provider has no embeddings; GET /v1/models lists the models that have.")
            .asException());
  }

  /** Remembers what a model does not take. Thoughts are refused for one request only. */
  private void learn(Target target, Set<Part> parts) {
    if (!parts.contains(Part.THOUGHTS) && refusals.size() < MOST_MODELS) {
      refusals.merge(
          target.servedModel(),
          parts,
          (one, other) -> {
            Set<Part> both = EnumSet.copyOf(one);
            both.addAll(other);
            return both;
          });
      warnings.once(
          target.provider().name(),
          "refuses %s for the model %s; requests go without"
              .formatted(parts, target.servedModel()));
    }
  }
}
