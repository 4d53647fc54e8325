package dev.llmproxy.guard;

import dev.llmproxy.base.ShownText;
import dev.llmproxy.call.Caller;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.error.OpenAiErrors;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Asks guards one after another, each on a thread of its own with its time limit. */
final class GuardRunner {
  private static final Logger LOG = LoggerFactory.getLogger(GuardRunner.class);
  private static final String TEXTS = "texts";
  private static final String REFUSE = "refuse";
  private static final String MARK = "mark";
  private static final int MOST_LABEL = 60;
  private static final Pattern NOT_OF_LABELS = Pattern.compile("[^A-Za-z0-9_.:/ -]");

  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("guard-", 0).factory());

  /**
   * The request that guards are asked about.
   *
   * @param requestId the id in the header {@code x-request-id}
   * @param caller the caller
   * @param model the model as asked
   * @param marks gets a label for each decision that changes something
   */
  record Asked(String requestId, Caller caller, String model, Consumer<String> marks) {}

  /**
   * The decision of all guards.
   *
   * @param refusal the error for the client; null when no guard refuses
   * @param texts the texts that may pass; as many as were asked about
   */
  record Decision(ApiError refusal, GuardTexts texts) {}

  /** The outcome of one guard's route. */
  private record Said(String refusal, String label, GuardTexts texts) {}

  /**
   * Asks all guards, until one refuses. Each gets the texts as the one before has left them.
   *
   * @throws ClientGoneException when the thread is interrupted meanwhile
   */
  Decision ask(List<Guard> guards, Guard.Place place, GuardTexts texts, Asked asked) {
    GuardTexts now = texts;
    for (Guard guard : guards) {
      Said said;
      try {
        said = ask(guard, place, now, asked);
      } catch (ExecutionException | TimeoutException | IllegalStateException e) {
        LOG.warn(
            "The guard {} failed, so that the {} {}: {}",
            guard.name(),
            place.word(),
            guard.open() ? "passes unchecked" : "is refused",
            reason(guard, e));
        asked.marks().accept(guard.name() + ":failed");
        if (guard.open()) {
          continue;
        }
        return new Decision(OpenAiErrors.guardFailed(), now);
      } catch (InterruptedException e) {
        throw new ClientGoneException();
      }
      if (said.refusal() != null) {
        asked.marks().accept(guard.name() + ":refused");
        return new Decision(OpenAiErrors.refusedByGuard(said.refusal()), now);
      }
      if (said.label() != null) {
        asked.marks().accept(guard.name() + ":" + label(said.label()));
      }
      if (!said.texts().equals(now)) {
        asked.marks().accept(guard.name() + ":redacted");
        now = said.texts();
      }
    }
    return new Decision(null, now);
  }

  private Said ask(Guard guard, Guard.Place place, GuardTexts texts, Asked asked)
      throws ExecutionException, TimeoutException, InterruptedException {
    Future<Said> answer = threads.submit(() -> run(guard, place, texts, asked));
    try {
      return answer.get(guard.longest().toMillis(), TimeUnit.MILLISECONDS);
    } finally {
      answer.cancel(true);
    }
  }

  private static Said run(Guard guard, Guard.Place place, GuardTexts texts, Asked asked)
      throws Exception {
    try (ProducerTemplate producer = guard.endpoint().getCamelContext().createProducerTemplate()) {
      Exchange exchange = guard.endpoint().createExchange();
      exchange.setProperty(TEXTS, texts);
      exchange.setProperty("place", place.word());
      exchange.setProperty("caller", asked.caller());
      exchange.setProperty("tier", asked.caller().tier());
      exchange.setProperty("model", asked.model());
      exchange.setProperty("requestId", asked.requestId());
      exchange.getMessage().setBody(texts.getAll());
      producer.send(guard.endpoint(), exchange);
      if (exchange.getException() != null) {
        throw exchange.getException();
      }
      if (!(exchange.getProperty(TEXTS) instanceof GuardTexts left)
          || left.list().size() != texts.list().size()) {
        throw new IllegalStateException("it has set the property texts to something else");
      }
      return new Said(
          exchange.getProperty(REFUSE, String.class),
          exchange.getProperty(MARK, String.class),
          left);
    }
  }

  /** The class of a failure, because its message may have the client's text. */
  private static String reason(Guard guard, Exception failure) {
    if (failure instanceof TimeoutException) {
      return "it gave no answer within %d seconds".formatted(guard.longest().toSeconds());
    }
    return failure.getCause() instanceof IllegalStateException wrong
        ? wrong.getMessage()
        : String.valueOf(failure.getCause() == null ? null : failure.getCause().getClass());
  }

  private static String label(String text) {
    return NOT_OF_LABELS.matcher(ShownText.cut(text.strip(), MOST_LABEL, "")).replaceAll("_");
  }
}
