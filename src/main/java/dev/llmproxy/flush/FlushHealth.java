package dev.llmproxy.flush;

import com.google.api.client.googleapis.json.GoogleJsonResponseException;
import dev.llmproxy.base.Causes;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.function.DoubleSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The state of the flush after failures, and the time of its next try. */
public final class FlushHealth {
  private static final Logger LOG = LoggerFactory.getLogger(FlushHealth.class);
  private static final Duration LONGEST = Duration.ofSeconds(64);
  private static final int REQUEST_TIMEOUT = 408;
  private static final int LONGEST_EXPONENT = 6;

  /** The state of the flush. */
  enum State {
    /** The flush writes. */
    WRITING,
    /** The last round failed. The flush tries again soon. */
    WAITING,
    /** The workbook refuses the server until an operator acts. The flush tries again every 64 s. */
    REFUSED
  }

  private final Clock clock;
  private final DoubleSupplier random;
  private int failures;
  private State state = State.WRITING;
  private String problem;
  private Instant notBefore = Instant.EPOCH;

  /**
   * @param clock a clock that only goes forward
   * @param random gives numbers from 0 to 1; they spread the tries of several servers
   */
  FlushHealth(Clock clock, DoubleSupplier random) {
    this.clock = clock;
    this.random = random;
  }

  synchronized boolean mayTry() {
    return !clock.instant().isBefore(notBefore);
  }

  /** Called when a round has succeeded. */
  synchronized void succeeded() {
    if (state != State.WRITING) {
      LOG.info("Usage is written to the workbook again");
    }
    state = State.WRITING;
    problem = null;
    failures = 0;
    notBefore = Instant.EPOCH;
  }

  /**
   * Called when a round has failed in a way that may pass. The next try is after min(2^n s + up to
   * 1 s, 64 s).
   */
  synchronized void failed(Throwable cause) {
    Duration wait = backoff();
    if (state != State.REFUSED) {
      state = State.WAITING;
    }
    problem = message(cause);
    LOG.warn(
        "Usage could not be written to the workbook; the ledger stores it. Next try in {} s: {}",
        wait.toSeconds(),
        problem);
  }

  /**
   * Called when a round has failed in a way that an operator must fix. Logged once for each
   * different message.
   */
  synchronized void refused(String why) {
    notBefore = clock.instant().plus(LONGEST);
    if (state != State.REFUSED || !why.equals(problem)) {
      LOG.error(
          "Usage is no longer written to the workbook; the ledger stores it. Writing resumes automatically when this"
              + " is fixed: {}",
          why);
    }
    state = State.REFUSED;
    problem = why;
  }

  synchronized State state() {
    return state;
  }

  /** The reason why the flush does not write, for an operator; null when it writes. */
  synchronized String problem() {
    return problem;
  }

  /** Google's HTTP status in the exception's causes; 0 when there was no answer. */
  public static int status(Throwable cause) {
    GoogleJsonResponseException answer = answer(cause);
    return answer == null ? 0 : answer.getStatusCode();
  }

  /**
   * Whether the failed request was certainly not applied and never will be: Google refused it, or
   * it was never sent. Any other request may have been applied, or may still be.
   */
  public static boolean neverApplied(Throwable cause) {
    return isRefusal(cause) || neverSent(cause);
  }

  /** Whether Google has refused the request itself. */
  static boolean isRefusal(Throwable cause) {
    int status = status(cause);
    return status >= 400 && status < 500 && status != REQUEST_TIMEOUT;
  }

  /** Whether the request cannot have reached a server. */
  private static boolean neverSent(Throwable cause) {
    return Causes.find(cause, ConnectException.class).isPresent()
        || Causes.find(cause, UnknownHostException.class).isPresent();
  }

  /** Google's error message, or else the exception's message. */
  public static String message(Throwable cause) {
    GoogleJsonResponseException answer = answer(cause);
    return answer == null || answer.getDetails() == null
        ? String.valueOf(cause.getMessage())
        : answer.getDetails().getMessage();
  }

  private static GoogleJsonResponseException answer(Throwable cause) {
    return Causes.find(cause, GoogleJsonResponseException.class).orElse(null);
  }

  private Duration backoff() {
    failures++;
    long millis =
        (1000L << Math.min(failures, LONGEST_EXPONENT)) + (long) (1000 * random.getAsDouble());
    Duration wait = Duration.ofMillis(Math.min(millis, LONGEST.toMillis()));
    notBefore = clock.instant().plus(wait);
    return wait;
  }
}
