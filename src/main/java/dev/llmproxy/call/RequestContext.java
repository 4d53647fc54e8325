package dev.llmproxy.call;

import dev.llmproxy.http.HttpFront;
import dev.llmproxy.http.Reply;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;

/**
 * The state of one HTTP request while it is served. The entry route puts it on the exchange, and
 * every class after it reads it there: no other exchange property carries state between classes.
 *
 * <p>The request's thread writes it. Steps that run aside after the answer may read it.
 */
public final class RequestContext {
  /** The exchange property that holds it. */
  public static final String PROPERTY = "context";

  private final String requestId;
  private final Reply reply;
  private final Instant started;
  private final Clock steady;
  private String keyHash;
  private Person person;
  private Caller caller;
  private Call call;
  private Instant deadline;
  private StoredConversation conversation;

  /**
   * @param requestId joins the header {@code x-request-id}, the log, the ledger and the sheet
   * @param reply the HTTP response
   * @param started when the request came in
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
   * @throws IllegalStateException when the exchange has none because it is no HTTP request, or its
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

  /** Joins the header {@code x-request-id}, the log, the ledger and the sheet. */
  public String requestId() {
    return requestId;
  }

  /** The HTTP response. */
  public Reply reply() {
    return reply;
  }

  /**
   * Gives the response the headers that routes have set on the message.
   *
   * @see Reply#takeHeaders
   */
  public void takeHeaders(Exchange exchange) {
    reply.takeHeaders(exchange.getMessage());
  }

  /** The HTTP response, once it has the headers that routes have set on the message. */
  public Reply answering(Exchange exchange) {
    takeHeaders(exchange);
    return reply;
  }

  /** When the request came in. */
  public Instant started() {
    return started;
  }

  /** Lower-case hex sha256 of the API key that was sent; null before it is read. */
  public String keyHash() {
    return keyHash;
  }

  public void setKeyHash(String hash) {
    keyHash = hash;
  }

  /** The person whom a verified ID token names; null without one. */
  public Person person() {
    return person;
  }

  public void setPerson(Person verified) {
    person = verified;
  }

  /** Who asks; null until a gate has let the request in. */
  public Caller caller() {
    return caller;
  }

  /** Set by the two gates alone. */
  public void setCaller(Caller identified) {
    caller = identified;
  }

  /** The request for a model; null before it is parsed, and for requests of other kinds. */
  public Call call() {
    return call;
  }

  /**
   * The call as one of its kinds.
   *
   * @throws ClassCastException when it is of another kind
   */
  public <T extends Call> T callAs(Class<T> kind) {
    return kind.cast(call);
  }

  public void setCall(Call parsed) {
    call = parsed;
  }

  /** Sets the deadline, counted from now. */
  public void endIn(Duration longest) {
    deadline = steady.instant().plus(longest);
  }

  /** Whether the deadline has passed; never without one. */
  public boolean late() {
    return deadline != null && !steady.instant().isBefore(deadline);
  }

  /** How the conversation is stored; null when it is not. */
  public StoredConversation conversation() {
    return conversation;
  }

  public void setConversation(StoredConversation begun) {
    conversation = begun;
  }

  /** Holds nothing that was said, and no key. */
  @Override
  public String toString() {
    return "RequestContext[" + requestId + "]";
  }
}
