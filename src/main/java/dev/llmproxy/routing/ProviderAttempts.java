package dev.llmproxy.routing;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.AttemptPolicy;
import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.base.RoutingSettings;
import dev.llmproxy.call.Call;
import dev.llmproxy.call.LiveRequests;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.catalogue.TokenCount;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.chat.TextRequest;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.Reply;
import dev.llmproxy.media.MediaCall;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the targets of a call one after another until one answers. An answer counts from its first
 * content on: before that nothing has been sent to the client. For a client that does not stream it
 * counts when it is complete, unless the server's tools take part.
 */
public final class ProviderAttempts {
  private static final Logger LOG = LoggerFactory.getLogger(ProviderAttempts.class);

  /** The exchange property with the {@link RunningAttempt}. */
  private static final String RUNNING = "attempt";

  /** What ends an attempt that this server gives up. */
  static final String CANCELLED = "cancelled";

  private static final String EMBEDDING = "embedding";

  private final AttemptPolicy policy;
  private final ModelHealth health;
  private final LiveRequests live;
  private final RoutingSettings settings;
  private final Pause pause;
  private final Consumer<Reply> keepAlive;

  /** Waits before another round of attempts. */
  @FunctionalInterface
  public interface Pause {
    /** Waits for so long. */
    void sleep(Duration time) throws InterruptedException;
  }

  /**
   * @param live is told of each attempt that fails or begins to answer
   * @param pause waits before another round
   * @param keepAlive gets the answer of a stream whose provider has not sent any content yet
   */
  public ProviderAttempts(
      AttemptPolicy policy,
      ModelHealth health,
      LiveRequests live,
      RoutingSettings settings,
      Pause pause,
      Consumer<Reply> keepAlive) {
    this.policy = policy;
    this.health = health;
    this.live = live;
    this.settings = settings;
    this.pause = pause;
    this.keepAlive = keepAlive;
  }

  /**
   * Chooses the target, and the key, of an attempt. The first attempt of a turn begins the turn.
   *
   * @throws dev.llmproxy.error.ApiException 503 when no target may be asked now
   */
  public void choose(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    exchange.removeProperty(RUNNING);
    Call call = context.call();
    Attempts attempts = call.attempts();
    if (!attempts.open()) {
      policy.begin(attempts);
    }
    boolean others = policy.choose(attempts, target -> canAnswer(target, context));
    exchange.setProperty(
        RUNNING,
        new RunningAttempt(
            call.target().provider().name(),
            others ? Optional.of(settings.firstToken()) : Optional.empty(),
            settings.total()));
    live.asking(context);
  }

  /**
   * The endpoint of the route that asks the target: there is one for each wire format and kind of
   * request.
   *
   * @throws dev.llmproxy.error.ApiException when the target cannot answer such a request
   */
  public String provider(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    Call call = context.call();
    String route = "direct:provider-" + call.target().provider().format();
    if (call instanceof ChatCall && context.hasFormat(TextRequest.class)) {
      Optional<ApiError> refusal = context.formatAs(TextRequest.class).refusal(call.target());
      if (refusal.isPresent()) {
        throw refusal.get().asException();
      }
      return TextRequest.isFor(call.target()) ? route + "-completions" : route;
    }
    if (call instanceof ChatCall chat
        && chat.passes(context.original())
        && context.original().format().equals(Provider.RESPONSES)) {
      return route + "-responses";
    }
    if (call instanceof MediaCall media) {
      media.path();
      return route + "-media";
    }
    return call.type().equals(EMBEDDING) ? route + "-embeddings" : route;
  }

  /**
   * Waits for the first content of the answer.
   *
   * @param body the chat events, or the list of embeddings
   * @throws dev.llmproxy.error.ApiException when the answer fails before its first content
   */
  public void listen(
      @Body Object body,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      Exchange exchange) {
    RunningAttempt running = exchange.getProperty(RUNNING, RunningAttempt.class);
    Call call = context.call();
    Attempts attempts = call.attempts();
    if (body instanceof ChatEvents events && call instanceof ChatCall) {
      AnswerEvents answer =
          new AnswerEvents(
              events,
              running,
              error -> lost(context, running, error),
              error -> asked(context, running, error));
      exchange.getMessage().setBody(answer);
      running.listen(events);
      ApiError error = answer.awaitContent(() -> keepAlive.accept(context.reply()));
      if (error == null && policy.hasOtherPolicy(attempts) && answer.isFiltered()) {
        error = OpenAiErrors.contentFiltered(call.target().provider().name());
      }
      if (error != null) {
        throw error.asException();
      }
      context.noteFirstContent();
    } else {
      running.end();
      if (running.late() != null) {
        throw running.late().asException();
      }
    }
    policy.answered(attempts, running.time());
    live.answering(context);
    context.nameTarget();
    if (exchange.getMessage().getBody() instanceof AnswerEvents answer) {
      answer.passOn();
    } else {
      asked(context, running, null);
    }
  }

  /**
   * Decides what follows when an answer fails after its first content. Nothing of the answer was
   * sent to a client that does not stream, so another attempt may follow, after a wait.
   */
  private boolean lost(RequestContext context, RunningAttempt running, ApiError error) {
    ChatCall chat = context.callAs(ChatCall.class);
    Target asked = chat.target();
    health.broken(asked.servedModel(), error);
    if (chat.request().stream() || chat.turns().tools().any()) {
      return false;
    }
    Optional<Duration> next =
        policy.lost(
            chat.attempts(),
            error,
            running.time(),
            target -> canAnswer(target, context),
            asked.cost(List.of(chat.soFar().getLast()), chat.started()));
    live.attempted(context);
    if (next.isEmpty()) {
      return false;
    }
    logNext(chat, asked, next.get());
    chat.startAgain();
    sleep(next.get());
    return true;
  }

  /**
   * Decides what follows the failure of an attempt, and waits before another one.
   *
   * @throws Exception the failure, when no attempt follows
   */
  public void failed(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @Body Object body,
      Exchange exchange)
      throws Exception {
    RunningAttempt running = exchange.getProperty(RUNNING, RunningAttempt.class);
    if (running == null) {
      // No target could be chosen.
      context.nameTarget();
      throw failure;
    }
    Call call = context.call();
    Attempts attempts = call.attempts();
    running.end();
    if (!isProviders(failure, running, context.reply())) {
      policy.abandoned(attempts);
      asked(context, running, CANCELLED);
      throw failure;
    }
    ApiError error =
        running.late() == null
            ? OpenAiErrors.of(failure, call.target().provider().name())
            : running.late();
    asked(context, running, error.codeOrType());
    Target asked = call.target();
    Optional<Duration> next =
        policy.failed(
            attempts,
            error,
            running.time(),
            target -> canAnswer(target, context),
            cost(call, body instanceof ChatEvents || running.late() != null));
    live.attempted(context);
    if (next.isEmpty()) {
      context.nameTarget();
      // The clients' own retries would multiply those of the server.
      throw (attempts.severalFailed() ? error.inVain() : error).asException();
    }
    logNext(call, asked, next.get());
    if (call instanceof ChatCall chat) {
      chat.turns().forgetReport();
    }
    sleep(next.get());
  }

  /** Whether the provider has failed, and not the client or this server ended the call. */
  private static boolean isProviders(Exception failure, RunningAttempt running, Reply reply) {
    if (reply != null && (reply.gone() || reply.wasCut())) {
      return false;
    }
    if (running.late() != null) {
      // The limit has interrupted this thread.
      boolean unused = Thread.interrupted();
      return reply == null || !reply.gone();
    }
    return !(failure instanceof ClientGoneException) && !Thread.currentThread().isInterrupted();
  }

  /**
   * The cost of a failed attempt: by the usage that the provider has reported, else none unless it
   * had begun; null when it is unknown.
   */
  private static BigDecimal cost(Call call, boolean begun) {
    ObjectNode reported = call instanceof ChatCall chat ? chat.turns().used().reported() : null;
    if (reported != null) {
      return call.target().cost(List.of(TokenCount.of(reported)), call.started());
    }
    return begun ? null : BigDecimal.ZERO;
  }

  /** Tells once that an attempt has ended. */
  private void asked(RequestContext context, RunningAttempt running, String error) {
    if (running.tell()) {
      live.asked(context, running.time(), error);
    }
  }

  private static void logNext(Call call, Target asked, Duration wait) {
    LOG.info(
        "{} {} failed ({}); another attempt follows{}",
        call.requestId(),
        asked.servedModel(),
        call.attempts().made().getLast().outcome(),
        wait.isZero() ? "" : " in " + wait.toMillis() + " ms");
  }

  private void sleep(Duration time) {
    try {
      if (time.isPositive()) {
        pause.sleep(time);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ClientGoneException();
    }
  }

  /** Whether the model can answer such a request; true when its abilities are unknown. */
  private static boolean canAnswer(Target target, RequestContext context) {
    if (context.call() instanceof ChatCall chat) {
      if (context.hasFormat(TextRequest.class)
          && context.formatAs(TextRequest.class).refusal(target).isPresent()) {
        return false;
      }
      return target.can("chat") && (target.callsTools() || !chat.turns().body().has("tools"));
    }
    return context.call() instanceof MediaCall media
        ? media.request().has(target)
        : target.can("embeddings");
  }
}
