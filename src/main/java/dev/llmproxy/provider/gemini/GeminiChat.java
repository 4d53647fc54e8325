package dev.llmproxy.provider.gemini;

import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.chat.ToolMemory;
import dev.llmproxy.provider.DroppedFields;
import dev.llmproxy.provider.ProviderEvents;
import dev.llmproxy.provider.ProviderHttp;
import dev.llmproxy.provider.ProviderWarnings;
import dev.llmproxy.provider.Refusal;
import dev.llmproxy.tool.PageFetcher;
import java.io.IOException;
import java.io.InputStream;
import java.util.regex.Pattern;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;

/**
 * The wire format {@code gemini} for chats: creates the provider's request and reads its answer. A
 * request is sent once more when Google refuses a signature of an earlier turn, or when the model
 * fails before it has said anything.
 */
public final class GeminiChat {
  /** The exchange property with the request that is under way; see {@link Attempt}. */
  private static final String ATTEMPT = "geminiAttempt";

  private static final Pattern SIGNATURE =
      Pattern.compile(
          "(?i)(invalid|corrupted|missing).{0,60}thought.?signature|thought.?signature.{0,60}(invalid|corrupted|not valid)");

  private final ProviderWarnings warnings = new ProviderWarnings();
  private final long mostBytes;
  private final ToolMemory memory;
  private final PageFetcher pages;

  /**
   * @param mostBytes the most bytes of one answer, at most 1 GB
   * @param memory stores the signatures of turns that call tools
   * @param pages fetches images and files that a request has addresses of
   */
  public GeminiChat(long mostBytes, ToolMemory memory, PageFetcher pages) {
    this.mostBytes = mostBytes;
    this.memory = memory;
    this.pages = pages;
  }

  /**
   * A request of one turn.
   *
   * @param number 1 for the first request
   * @param again whether another request follows
   * @param withoutThoughts whether that request goes without signatures of earlier turns
   */
  private record Attempt(
      GenerateRequest request, int number, boolean again, boolean withoutThoughts) {
    Attempt repeated(boolean without) {
      return new Attempt(request, number, true, withoutThoughts || without);
    }
  }

  /** Begins a turn. */
  public void begin(Exchange exchange) {
    exchange.removeProperty(ATTEMPT);
  }

  /** Whether a request has to be sent: the first one of the turn, or a second one. */
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
    Attempt last = exchange.getProperty(ATTEMPT, Attempt.class);
    boolean without = last != null && last.withoutThoughts();
    GenerateRequest request = new GenerateRequest(chat, without, memory, pages);
    exchange.setProperty(
        ATTEMPT, new Attempt(request, last == null ? 1 : last.number() + 1, false, without));
    DroppedFields.name(context, request.dropped());
    Provider provider = chat.target().provider();
    boolean stream = chat.target().dialect().streams(chat.request().stream());
    ProviderHttp.request(
        exchange,
        provider,
        GeminiPath.of(chat.target(), stream ? "streamGenerateContent?alt=sse" : "generateContent"),
        stream ? "text/event-stream" : "application/json",
        request.body());
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
    boolean first = attempt.number() == 1;
    Refusal refusal =
        ProviderHttp.refusal(
            exchange, chat.target().provider(), status, retryAfter, location, body, "messages");
    if (refusal != null) {
      boolean signature =
          status == 400
              && attempt.request().thoughtsSent()
              && SIGNATURE.matcher(refusal.body()).find();
      if (!first || !signature) {
        throw GeminiErrors.of(chat.target().provider(), refusal).asException();
      }
      exchange.setProperty(ATTEMPT, attempt.repeated(true));
      return null;
    }
    GenerateStream stream = new GenerateStream(chat, attempt.request().names(), memory, warnings);
    ProviderEvents events = new ProviderEvents(body, contentType, stream, mostBytes, chat.memory());
    if (first && failsAtOnce(events, stream)) {
      events.close();
      exchange.setProperty(ATTEMPT, attempt.repeated(false));
      return null;
    }
    return events;
  }

  /** Waits for the first event, because a failure before it can be repeated unseen. */
  private static boolean failsAtOnce(ProviderEvents events, GenerateStream stream) {
    try {
      boolean unused = events.hasNext();
      return stream.failedAtOnce();
    } catch (RuntimeException e) {
      events.close();
      throw e;
    }
  }
}
