package dev.llmproxy.conversation;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.ConversationSettings;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.ConversationStorage;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.StoredConversation;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.Transcript;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stores conversations in the ledger's database, where the settings ask for it. A failure here
 * never fails a request: it is logged, and the conversation is missing or lacks its answer.
 */
public final class ConversationLog {
  private static final Logger LOG = LoggerFactory.getLogger(ConversationLog.class);
  private static final int EXPIRED_AT_ONCE = 100;
  private static final int LONGEST_WAIT_SECONDS = 60;

  private final Ledger ledger;
  private final ConversationStorage storage;
  private final Optional<Duration> age;
  private final Clock clock;

  public ConversationLog(Ledger ledger, ConversationSettings settings, Clock clock) {
    this.ledger = ledger;
    this.clock = clock;
    storage = ConversationStorage.of(settings.store()).orElseThrow();
    age = settings.age();
  }

  /**
   * Decides whether the conversation is stored, and records that in the context. Only chats are
   * stored. Does no input or output, so it does not delay the request.
   */
  public void open(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    if (!(context.call() instanceof ChatCall chat)) {
      return;
    }
    ConversationStorage own = chat.caller().conversations();
    ConversationStorage chosen = own == null ? storage : own;
    if (chosen != ConversationStorage.OFF) {
      chat.accumulator().keepAll();
      context.setConversation(new StoredConversation(chosen, new CompletableFuture<>()));
    }
  }

  /** Whether the conversation of a request is stored. */
  public boolean isStored(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    return context.conversation() != null;
  }

  /** Stores the messages, in case the server dies before the answer. */
  public void begin(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ChatCall chat = context.callAs(ChatCall.class);
    StoredConversation entry = context.conversation();
    boolean begun = false;
    try {
      String body = text(Transcript.question(chat));
      long bytes = body.getBytes(StandardCharsets.UTF_8).length;
      ledger.write(connection ->
          ConversationTable.begin(
              connection,
              chat.requestId(),
              chat.started(),
              chat.caller().email(),
              body,
              bytes,
              entry.storage() == ConversationStorage.WORKBOOK));
      begun = true;
    } catch (RuntimeException e) {
      LOG.warn("{} its conversation is not stored: {}", chat.requestId(), e.getMessage());
    } finally {
      entry.begun().complete(begun);
    }
  }

  /** Stores the answer, after waiting until the messages are stored. */
  public void end(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ChatCall chat = context.callAs(ChatCall.class);
    try {
      if (!context
          .conversation()
          .begun()
          .orTimeout(LONGEST_WAIT_SECONDS, TimeUnit.SECONDS)
          .join()) {
        return;
      }
      String answer = text(Transcript.answer(chat));
      long bytes = answer.getBytes(StandardCharsets.UTF_8).length;
      ledger.write(
          connection -> ConversationTable.end(connection, chat.requestId(), answer, bytes));
    } catch (RuntimeException e) {
      LOG.warn(
          "{} its conversation is stored without the answer: {}", chat.requestId(), e.getMessage());
    }
  }

  /**
   * Where the conversation of a request is stored; empty when it is not.
   *
   * @throws LedgerException when the ledger cannot be read
   */
  public Optional<ConversationStorage> storage(String requestId) {
    return ledger.query(connection -> ConversationTable.storage(connection, requestId));
  }

  /**
   * The stored conversation of a request; empty when there is none.
   *
   * @throws LedgerException when the ledger cannot be read
   */
  public Optional<Conversation> find(String requestId) {
    return ledger.query(connection -> ConversationTable.find(connection, requestId)).stream()
        .findFirst();
  }

  /** Deletes expired conversations in small batches. */
  public void expire() {
    Instant before = keptSince();
    try {
      int deleted = 0;
      int some;
      do {
        some =
            ledger.write(
                connection -> ConversationTable.expire(connection, before, EXPIRED_AT_ONCE));
        deleted += some;
      } while (some == EXPIRED_AT_ONCE);
      if (deleted > 0) {
        LOG.info("{} conversations from before {} are deleted", deleted, before);
      }
    } catch (LedgerException e) {
      LOG.warn(
          "Old conversations could not be deleted; next try within the hour: {}", e.getMessage());
    }
  }

  /** Older conversations are deleted; {@link Instant#EPOCH} when all stay. */
  Instant keptSince() {
    return age.map(clock.instant()::minus).orElse(Instant.EPOCH);
  }

  /**
   * Serialises JSON with a question mark for each unpaired surrogate, which PostgreSQL does not
   * accept.
   */
  private static String text(ObjectNode json) {
    return new String(Json.text(json).getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
  }
}
