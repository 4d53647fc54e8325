package dev.llmproxy.cache;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.benmanes.caffeine.cache.Ticker;
import dev.llmproxy.base.CacheSettings;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.TextRequest;
import java.util.concurrent.atomic.LongAdder;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers a chat that the same caller has asked before from memory. Off by default. A chat uses the
 * cache when its temperature is 0, or when the client says so in the request header {@value
 * #HEADER}. Complete answers are stored, unless a tool of the server has run. Thread-safe.
 */
public final class ResponseCache {
  /**
   * The request header with the client's wish, and the response header {@code hit} or {@code miss}.
   */
  public static final String HEADER = "x-llmproxy-cache";

  private static final Logger LOG = LoggerFactory.getLogger(ResponseCache.class);
  private static final String PROPERTY = "cached";
  private static final int PART_OF_HEAP = 4;

  /** Estimated bytes of memory of an answer's chunks, for each byte of the stored answer. */
  private static final long MEMORY_OF_CHUNKS = 6;

  private final StoredAnswers answers;
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();

  /** A cache with the memory of the settings, but at most a quarter of the heap. */
  public ResponseCache(CacheSettings settings) {
    this(settings, Runtime.getRuntime().maxMemory() / PART_OF_HEAP, Ticker.systemTicker());
  }

  ResponseCache(CacheSettings settings, long most, Ticker ticker) {
    if (settings.bytes() > most) {
      LOG.warn(
          "RESPONSE_CACHE_MB is {}, more than a quarter of Java's heap: the cache uses {} MB. A larger heap: JAVA_OPTS=-Xmx…",
          settings.bytes() >> 20,
          most >> 20);
    }
    answers =
        settings.bytes() == 0
            ? null
            : new StoredAnswers(Math.min(settings.bytes(), most), settings.life(), ticker);
  }

  /**
   * Looks up a request, and says the result in the response header {@value #HEADER}. On a miss the
   * whole answer is collected, also that of a stream, and stored when it is complete.
   *
   * @return the stored answer, a completion as JSON; null without one, or when the cache does not
   *     apply to the request
   * @throws dev.llmproxy.error.ApiException 400 for an unknown wish of the client
   */
  public byte[] find(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    if (answers == null || !(context.call() instanceof ChatCall chat)) {
      return null;
    }
    CacheWish wish = CacheWish.of(context.reply().requestHeader(HEADER));
    if (wish == CacheWish.OFF || (wish == CacheWish.DEFAULT && !isRepeatable(chat))) {
      return null;
    }
    // A model may answer a text otherwise than a chat with the same text.
    ObjectNode asked =
        context.hasFormat(TextRequest.class)
            ? context.formatAs(TextRequest.class).textBody()
            : chat.turns().body();
    CacheKey key = CacheKey.of(chat.caller(), asked);
    byte[] answer =
        wish == CacheWish.REFRESH ? null : answers.find(key.of(chat.target().servedModel()));
    context.reply().header(HEADER, answer == null ? "miss" : "hit");
    (answer == null ? misses : hits).increment();
    if (answer == null) {
      chat.accumulator().keepAll();
      // Not after the answer: the client may ask again at once.
      chat.accumulator().whenComplete(() -> keep(key, chat));
    }
    return answer;
  }

  /** Whether the cache has the answer. */
  public boolean hit(@ExchangeProperty(PROPERTY) byte[] answer) {
    return answer != null;
  }

  /** Makes the stored answer the events of the chat. */
  public void replay(
      @ExchangeProperty(PROPERTY) byte[] answer,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context)
      throws JsonProcessingException {
    ChatCall chat = context.callAs(ChatCall.class);
    chat.memory().keep(answer.length * MEMORY_OF_CHUNKS);
    ObjectNode completion = (ObjectNode) Json.parse(answer);
    chat.answerFromCache(CompletionEvents.of(completion, chat.head()));
  }

  /** The number of chats that the cache has answered. */
  public long hits() {
    return hits.sum();
  }

  /** The number of chats that the cache applies to and has not answered. */
  public long misses() {
    return misses.sum();
  }

  /** The bytes that the stored answers take; 0 when the cache is off. */
  public long bytes() {
    return answers == null ? 0 : answers.bytes();
  }

  private void keep(CacheKey key, ChatCall chat) {
    // Results of tools may be others next time.
    if (chat.toolCallCount() > 0) {
      return;
    }
    ObjectNode completion = chat.accumulator().completion();
    if (completion.path("choices").valueStream().allMatch(ResponseCache::isFinished)) {
      // The model that has answered, because an alias may have several.
      answers.store(key.of(chat.target().servedModel()), Json.bytes(completion));
    }
  }

  private static boolean isFinished(JsonNode choice) {
    return choice.path("finish_reason").isTextual();
  }

  private static boolean isRepeatable(ChatCall chat) {
    JsonNode temperature = chat.request().body().path("temperature");
    return temperature.isNumber() && temperature.decimalValue().signum() == 0;
  }
}
