package dev.llmproxy.format.responses;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Ticker;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.chat.SealedMemory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Remembers responses in memory, for {@code previous_response_id}, for references to items, and for
 * {@code GET}. An entry has the items of its own request and answer, and the id of the response
 * before it, so that a long conversation is stored once. Only the key that asked gets an entry.
 * Entries are forgotten some time after their last use, and the least used ones when there are too
 * many bytes. With Redis they are also there, for all servers; then this server's own memory is
 * used while Redis does not answer. Thread-safe.
 */
public final class ResponseMemory {
  private static final int PART_OF_HEAP = 16;
  private static final long MOST_BYTES = 256L << 20;
  private static final int BYTES_OF_AN_ENTRY = 500;
  private static final int LONGEST_CHAIN = 10_000;

  /** A field of a remembered reasoning item with its text, which no client gets. */
  static final String THOUGHT = "llmproxy_thought";

  /** A field of a remembered item that the client did not get. */
  static final String HIDDEN = "llmproxy_hidden";

  private static final int PARTS = 3;

  private final Cache<String, Kept> responses;
  private final SealedMemory shared;

  /** A response and its request, as JSON. */
  private static final class Kept {
    private final String account;
    private final String previous;
    private final byte[] input;
    private final byte[] response;

    /**
     * @param account the caller
     * @param previous the id of the response before, or null
     */
    Kept(String account, String previous, byte[] input, byte[] response) {
      this.account = account;
      this.previous = previous;
      this.input = input;
      this.response = response;
    }

    /** The parts, a line each: JSON of this kind has no line breaks. */
    String text() {
      return (previous == null ? "" : previous)
          + "\n"
          + new String(input, StandardCharsets.UTF_8)
          + "\n"
          + new String(response, StandardCharsets.UTF_8);
    }

    static Kept of(String account, String text) {
      String[] parts = text.split("\n", PARTS);
      return new Kept(
          account,
          parts[0].isEmpty() ? null : parts[0],
          parts[1].getBytes(StandardCharsets.UTF_8),
          parts[2].getBytes(StandardCharsets.UTF_8));
    }

    Turn turn() {
      return new Turn(previous, (ArrayNode) parsed(input), (ObjectNode) parsed(response), size());
    }

    int size() {
      return input.length + response.length + BYTES_OF_AN_ENTRY;
    }
  }

  /**
   * A remembered response.
   *
   * @param previous the id of the response before, or null
   * @param input the request's items; for {@code GET} these may be references
   * @param response the response with {@link #THOUGHT} and {@link #HIDDEN}
   * @param bytes of both as JSON
   */
  record Turn(String previous, ArrayNode input, ObjectNode response, int bytes) {
    /** The items of the answer, with those that the client did not get. */
    JsonNode output() {
      return response.path("output");
    }

    /** The item of the answer with this id. */
    Optional<JsonNode> item(String id) {
      return output().valueStream().filter(item -> item.path("id").asText().equals(id)).findFirst();
    }
  }

  /**
   * @param life time for which a response is remembered after its last use; zero for not at all
   */
  public ResponseMemory(Duration life) {
    this(life, null);
  }

  /**
   * @param life time for which a response is remembered after its last use; zero for not at all
   * @param shared the memory of all servers; null for none
   */
  public ResponseMemory(Duration life, SealedMemory shared) {
    this(
        life,
        Math.min(MOST_BYTES, Runtime.getRuntime().maxMemory() / PART_OF_HEAP),
        Ticker.systemTicker(),
        shared);
  }

  ResponseMemory(Duration life, long mostBytes, Ticker ticker) {
    this(life, mostBytes, ticker, null);
  }

  private ResponseMemory(Duration life, long mostBytes, Ticker ticker, SealedMemory shared) {
    this.shared = shared;
    responses =
        life.isZero()
            ? null
            : Caffeine.newBuilder()
                .ticker(ticker)
                .expireAfterAccess(life)
                .maximumWeight(mostBytes)
                .weigher((String id, Kept kept) -> kept.size())
                .build();
  }

  /** Whether anything is remembered. */
  public boolean isOn() {
    return responses != null;
  }

  /**
   * Remembers a response.
   *
   * @param response the response, with all its items
   */
  void keep(Caller caller, String previous, ArrayNode input, ObjectNode response) {
    if (isOn()) {
      String id = response.path("id").asText();
      Kept kept = new Kept(caller.account(), previous, Json.bytes(input), Json.bytes(response));
      responses.put(id, kept);
      if (shared != null) {
        shared.keep(caller, id, kept.text());
      }
    }
  }

  /** The caller's response of this id. */
  Optional<Turn> find(Caller caller, String id) {
    return kept(caller, id).map(Kept::turn);
  }

  /** Forgets the caller's response of this id. Returns whether there was one. */
  boolean forget(Caller caller, String id) {
    boolean known = kept(caller, id).isPresent();
    if (known) {
      responses.invalidate(id);
      if (shared != null) {
        shared.forget(id);
      }
    }
    return known;
  }

  /**
   * The turns that led to a response, the oldest first and the response itself last; empty when one
   * of them is no longer remembered.
   *
   * @param mostBytes limit of their JSON
   * @throws TooLargeException when they have more bytes
   */
  List<Turn> chain(Caller caller, String id, long mostBytes) {
    Deque<Kept> found = new ArrayDeque<>();
    long bytes = 0;
    String next = id;
    while (next != null) {
      Optional<Kept> kept = kept(caller, next);
      if (kept.isEmpty() || found.size() == LONGEST_CHAIN) {
        return List.of();
      }
      bytes += kept.get().size();
      if (bytes > mostBytes) {
        throw new TooLargeException();
      }
      found.addFirst(kept.get());
      next = kept.get().previous;
    }
    return found.stream().map(Kept::turn).toList();
  }

  /** The item of an answer with this id, as it is remembered. */
  Optional<JsonNode> item(Caller caller, String id) {
    return find(caller, ResponseIds.responseOf(id)).flatMap(turn -> turn.item(id));
  }

  private Optional<Kept> kept(Caller caller, String id) {
    if (isOn() && shared != null) {
      String text = shared.find(caller, id);
      if (text != null) {
        return text.isEmpty() ? Optional.empty() : Optional.of(Kept.of(caller.account(), text));
      }
    }
    return Optional.ofNullable(isOn() ? responses.getIfPresent(id) : null)
        .filter(kept -> kept.account.equals(caller.account()));
  }

  private static JsonNode parsed(byte[] json) {
    try {
      return Json.parse(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("What was written as JSON is no JSON.", e);
    }
  }

  /** The conversation of a response has too many bytes. */
  static final class TooLargeException extends RuntimeException {
    TooLargeException() {
      super("The conversation has too many bytes.", null, false, false);
    }
  }
}
