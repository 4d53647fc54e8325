package dev.llmproxy.cache;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.benmanes.caffeine.cache.Ticker;
import dev.llmproxy.base.CacheSettings;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.Status;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.TextRequest;
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

  /** What the cache knows about a request. */
  public static final class Found {
    private final CacheKey key;
    private final byte[] answer;

    /**
     * @param key its place in the cache
     * @param answer the stored answer in UTF-8; null when there is none
     */
    private Found(CacheKey key, byte[] answer) {
      this.key = key;
      this.answer = answer;
    }
  }

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
   * whole answer is collected, also that of a stream.
   *
   * @return null when the cache does not apply to the request
   * @throws dev.llmproxy.error.ApiException 400 for an unknown wish of the client
   */
  public Found find(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
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
    if (answer == null) {
      chat.accumulator().keepAll();
    }
    return new Found(key, answer);
  }

  /** Whether the cache has the answer. */
  public boolean hit(@ExchangeProperty(PROPERTY) Found found) {
    return found != null && found.answer != null;
  }

  /** Makes the stored answer the events of the chat. */
  public void replay(
      @ExchangeProperty(PROPERTY) Found found,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context)
      throws JsonProcessingException {
    ChatCall chat = context.callAs(ChatCall.class);
    chat.memory().keep(found.answer.length * MEMORY_OF_CHUNKS);
    ObjectNode completion = (ObjectNode) Json.parse(found.answer);
    chat.answerFromCache(CompletionEvents.of(completion, chat.head()));
  }

  /** Stores the answer of the provider, if the cache applies and the answer is complete. */
  public void keep(
      @ExchangeProperty(PROPERTY) Found found,
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    if (found == null) {
      return;
    }
    ChatCall chat = context.callAs(ChatCall.class);
    // Results of tools may be others next time.
    if (chat.status() != Status.SUCCESS || chat.toolCallCount() > 0) {
      return;
    }
    ObjectNode completion = chat.accumulator().completion();
    if (completion.path("choices").valueStream().allMatch(ResponseCache::isFinished)) {
      // The model that has answered, because an alias may have several.
      answers.store(found.key.of(chat.target().servedModel()), Json.bytes(completion));
    }
  }

  /** The bytes that the stored answers take; 0 when the cache is off. */
  public long bytes() {
    return answers == null ? 0 : answers.bytes();
  }

  private static boolean isFinished(JsonNode choice) {
    return choice.path("finish_reason").isTextual();
  }

  private static boolean isRepeatable(ChatCall chat) {
    JsonNode temperature = chat.request().body().path("temperature");
    return temperature.isNumber() && temperature.decimalValue().signum() == 0;
  }
}
