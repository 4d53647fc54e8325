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
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Remembers responses in memory, for {@code previous_response_id}, for references to items, and for
 * {@code GET}. An entry has the items of its own request and answer, and the id of the response
 * before it, so that a long conversation is stored once. Only the key that asked gets an entry.
 * Entries are forgotten some time after their last use, and the least used ones when there are too
 * many bytes. Thread-safe.
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

  private final Cache<String, Kept> responses;

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
    this(
        life,
        Math.min(MOST_BYTES, Runtime.getRuntime().maxMemory() / PART_OF_HEAP),
        Ticker.systemTicker());
  }

  ResponseMemory(Duration life, long mostBytes, Ticker ticker) {
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
      responses.put(
          response.path("id").asText(),
          new Kept(caller.account(), previous, Json.bytes(input), Json.bytes(response)));
    }
  }

  /** The caller's response of this id. */
  Optional<Turn> find(Caller caller, String id) {
    return kept(caller, id)
        .map(kept ->
            new Turn(
                kept.previous,
                (ArrayNode) parsed(kept.input),
                (ObjectNode) parsed(kept.response),
                kept.size()));
  }

  /** Forgets the caller's response of this id. Returns whether there was one. */
  boolean forget(Caller caller, String id) {
    boolean known = kept(caller, id).isPresent();
    if (known) {
      responses.invalidate(id);
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
    Deque<String> ids = new ArrayDeque<>();
    long bytes = 0;
    String next = id;
    while (next != null) {
      Optional<Kept> kept = kept(caller, next);
      if (kept.isEmpty() || ids.size() == LONGEST_CHAIN) {
        return List.of();
      }
      bytes += kept.get().size();
      if (bytes > mostBytes) {
        throw new TooLargeException();
      }
      ids.addFirst(next);
      next = kept.get().previous;
    }
    List<Turn> turns = new ArrayList<>();
    for (String each : ids) {
      Optional<Turn> turn = find(caller, each);
      if (turn.isEmpty()) {
        return List.of();
      }
      turns.add(turn.get());
    }
    return turns;
  }

  /** The item of an answer with this id, as it is remembered. */
  Optional<JsonNode> item(Caller caller, String id) {
    return find(caller, ResponseIds.responseOf(id)).flatMap(turn -> turn.item(id));
  }

  private Optional<Kept> kept(Caller caller, String id) {
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
