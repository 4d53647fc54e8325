package dev.llmproxy.call;

import dev.llmproxy.attempt.Attempts;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.http.HttpFront;
import dev.llmproxy.http.Reply;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * The state of one HTTP request while it is served. The entry route puts it on the exchange, and
 * every class after it reads it there: no other exchange property carries state between classes.
 *
 * <p>Only the request's thread writes it. Steps that run in parallel after the answer may read it.
 */
public final class RequestContext {
  private static final String MODEL_HEADER = "x-llmproxy-model";
  private static final String PROVIDER_HEADER = "x-llmproxy-provider";
  private static final String ATTEMPTS_HEADER = "x-llmproxy-attempts";
  private static final String TRIED_HEADER = "x-llmproxy-tried";
  private static final String DROPPED_HEADER = "x-llmproxy-dropped";

  private static final String GUARD_HEADER = "x-llmproxy-guard";

  private static final int MOST_DROPPED = 50;
  private static final int MOST_NAME_CHARACTERS = 80;
  private static final Pattern NOT_OF_NAMES = Pattern.compile("[^A-Za-z0-9_.\\[\\]-]");

  /** The exchange property that holds it. */
  public static final String PROPERTY = "context";

  private final String requestId;
  private final Reply reply;
  private final Instant started;
  private final Clock steady;
  private final long arrived = System.nanoTime();
  private long firstContent;
  private RequestTrace trace = RequestTrace.NONE;
  private String keyHash;
  private Person person;
  private Caller caller;
  private Call call;
  private Instant deadline;
  private StoredConversation conversation;
  private Reservation reservation;
  private Object format;
  private boolean acceptsForm;
  private OriginalRequest original;
  private final Set<String> dropped = new LinkedHashSet<>();
  private final Set<String> marks = new LinkedHashSet<>();
  private ApiError refusal;

  /** The model in the header, or null. */
  private String namedModel;

  /**
   * @param requestId the id in the header {@code x-request-id}, the log, the ledger and the sheet
   * @param reply the HTTP response
   * @param started when the request arrived
   * @param steady a clock that only goes forward; deadlines follow it
   */
  public RequestContext(String requestId, Reply reply, Instant started, Clock steady) {
    this.requestId = Objects.requireNonNull(requestId);
    this.reply = reply;
    this.started = Objects.requireNonNull(started);
    this.steady = Objects.requireNonNull(steady);
  }

  /** The context of a request that platform-http has received. */
  static RequestContext of(HttpMessage message, Clock clock, Clock steady) {
    return new RequestContext(
        HttpFront.requestId(message.getRequest()),
        new Reply(message.getRequest(), message.getResponse()),
        clock.instant(),
        steady);
  }

  /**
   * The context of an exchange.
   *
   * @throws IllegalStateException when the exchange has none: it is not an HTTP request, or its
   *     route does not begin with {@code requests.open}
   */
  public static RequestContext of(Exchange exchange) {
    RequestContext context = exchange.getProperty(PROPERTY, RequestContext.class);
    if (context == null) {
      throw new IllegalStateException(
          "The exchange has no request context: its route must begin with the bean requests, method open.");
    }
    return context;
  }

  /** The id in the header {@code x-request-id}, the log, the ledger and the sheet. */
  public String requestId() {
    return requestId;
  }

  /** The HTTP response. */
  public Reply reply() {
    return reply;
  }

  /** Sets a header of the answer. */
  public void header(String name, String value) {
    if (reply != null) {
      reply.header(name, value);
    }
  }

  /**
   * Copies the headers that routes have set on the message to the response.
   *
   * @see Reply#takeHeaders
   */
  public void takeHeaders(Exchange exchange) {
    reply.takeHeaders(exchange.getMessage());
  }

  /** Copies the message's headers to the HTTP response and returns the response. */
  public Reply answering(Exchange exchange) {
    takeHeaders(exchange);
    return reply;
  }

  /** Lets the client send a form with files, which is passed on while it arrives. */
  void acceptForm() {
    acceptsForm = true;
  }

  /** Whether the body is a form with files that is passed on while it arrives. */
  public boolean hasForm() {
    return acceptsForm && reply.sendsForm();
  }

  /** When the request arrived. */
  public Instant started() {
    return started;
  }

  /** The trace that the request belongs to. */
  public RequestTrace trace() {
    return trace;
  }

  void setTrace(RequestTrace begun) {
    trace = begun;
  }

  /** The time since the request arrived, in nanoseconds. */
  public long nanosSinceArrival() {
    return System.nanoTime() - arrived;
  }

  /** Notes that the first content of the answer is there; only the first call counts. */
  public void noteFirstContent() {
    if (firstContent == 0) {
      firstContent = nanosSinceArrival();
    }
  }

  /**
   * The time from the arrival to the first content of the answer, in nanoseconds; 0 without one.
   */
  public long nanosToFirstContent() {
    return firstContent;
  }

  /** Lower-case hex sha256 of the API key that was sent; null before it is read. */
  public String keyHash() {
    return keyHash;
  }

  public void setKeyHash(String hash) {
    keyHash = hash;
  }

  /** The person named by the verified ID token; null without a token. */
  public Person person() {
    return person;
  }

  public void setPerson(Person verified) {
    person = verified;
  }

  /** The caller; null until a gate route has accepted the request. */
  public Caller caller() {
    return caller;
  }

  /** Only the gates set the caller, and the test of a provider, which is done for a person. */
  public void setCaller(Caller identified) {
    caller = identified;
  }

  /** The request for a model; null before parsing and for requests of other types. */
  public Call call() {
    return call;
  }

  /**
   * The call, cast to its class.
   *
   * @throws ClassCastException when it is of another class
   */
  public <T extends Call> T callAs(Class<T> kind) {
    return kind.cast(call);
  }

  /** Sets the call, and names the model that serves it in the header {@code x-llmproxy-model}. */
  public void setCall(Call parsed) {
    call = parsed;
    if (reply != null) {
      nameModel(parsed.target().servedModel());
    }
  }

  private void nameModel(String model) {
    if (!model.equals(namedModel)) {
      namedModel = model;
      reply.header(MODEL_HEADER, ascii(model));
    }
  }

  /**
   * Names the provider and model that answer, and what was tried before, in the headers of the
   * answer, unless it has begun.
   */
  public void nameTarget() {
    if (reply == null || reply.begun()) {
      return;
    }
    Attempts attempts = call.attempts();
    reply.header(PROVIDER_HEADER, attempts.target().provider().name());
    reply.header(ATTEMPTS_HEADER, Integer.toString(attempts.count()));
    nameModel(attempts.target().servedModel());
    String tried = attempts.tried();
    if (!tried.isEmpty()) {
      reply.header(TRIED_HEADER, ascii(tried));
    }
  }

  /** Sets what the format of the client remembers of its request. */
  public void setFormat(Object remembered) {
    format = remembered;
  }

  /**
   * What the format of the client remembers of its request, cast to its class; null for OpenAI's
   * chats.
   *
   * @throws ClassCastException when it is of another class
   */
  public <T> T formatAs(Class<T> kind) {
    return kind.cast(format);
  }

  /** Whether {@link #formatAs} gives an object of a class. */
  public boolean hasFormat(Class<?> kind) {
    return kind.isInstance(format);
  }

  /**
   * The request as the client has sent it in another format than OpenAI's chats; null when there is
   * none, or a route has changed the request.
   */
  public OriginalRequest original() {
    return original;
  }

  public void setOriginal(OriginalRequest sent) {
    original = sent;
  }

  /**
   * Names a kind of thing in the request that no provider gets, in the header {@value
   * #DROPPED_HEADER}.
   *
   * @param kind e.g. {@code tools.tool_search}; a part that comes from the client may be any text
   */
  public void drop(String kind) {
    if (dropped.size() < MOST_DROPPED
        && dropped.add(
            NOT_OF_NAMES.matcher(ShownText.cut(kind, MOST_NAME_CHARACTERS, "")).replaceAll("_"))) {
      nameDropped(Set.of());
    }
  }

  /**
   * Names the fields that the provider of this attempt does not get, besides those of {@link
   * #drop}, unless the answer has begun.
   */
  public void nameDropped(Collection<String> ofProvider) {
    if (reply != null && !(dropped.isEmpty() && ofProvider.isEmpty())) {
      Set<String> all = new LinkedHashSet<>(dropped);
      all.addAll(ofProvider);
      reply.header(DROPPED_HEADER, ascii(String.join(", ", all)));
    }
  }

  /** Removes the header, because the target gets the whole request as the client has sent it. */
  public void nameNothingDropped() {
    reply.removeHeader(DROPPED_HEADER);
  }

  /**
   * Notes what a guard has decided, for the record, and for the header {@value #GUARD_HEADER}
   * unless the answer has begun.
   *
   * @param label of visible ASCII characters, without a comma
   */
  public void mark(String label) {
    if (marks.add(label) && reply != null && !reply.begun()) {
      reply.header(GUARD_HEADER, marks());
    }
  }

  /** What guards have decided, separated by commas; empty when they have changed nothing. */
  public String marks() {
    return String.join(", ", marks);
  }

  /** The error of a request that a guard has refused, until the request is admitted; else null. */
  public ApiError refusal() {
    return refusal;
  }

  public void setRefusal(ApiError error) {
    refusal = error;
  }

  /** Sets the deadline to so long from now. */
  public void endIn(Duration longest) {
    deadline = steady.instant().plus(longest);
  }

  /** Whether the deadline has passed; false when there is none. */
  public boolean late() {
    return deadline != null && !steady.instant().isBefore(deadline);
  }

  /** The stored conversation; null when it is not stored. */
  public StoredConversation conversation() {
    return conversation;
  }

  public void setConversation(StoredConversation begun) {
    conversation = begun;
  }

  /** What the request has reserved of its caller's limits; null when it has reserved nothing. */
  public Reservation reservation() {
    return reservation;
  }

  public void setReservation(Reservation reserved) {
    reservation = reserved;
  }

  /** Contains no text of the conversation and no key. */
  @Override
  public String toString() {
    return "RequestContext[" + requestId + "]";
  }

  /** A name of a model may have any visible characters, a header may not. */
  private static String ascii(String text) {
    return text.chars().allMatch(c -> c < 0x7f)
        ? text
        : URLEncoder.encode(text, StandardCharsets.UTF_8).replace("%2F", "/");
  }
}
