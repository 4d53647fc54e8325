package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Puts remembered items in place of references: the turns before a request, and the items that it
 * names by their ids. A request never goes on without what it refers to. One per request.
 */
final class RememberedItems {
  private static final String INVALID_REQUEST = "invalid_request_error";
  private static final String PREVIOUS = "previous_response_id";
  private static final int BYTES_PER_MEGABYTE = 1 << 20;

  /** A request may read this many times the bytes of {@link #mostBytes} to find its items. */
  private static final int MOST_READ_AGAIN = 16;

  /** The beginnings of ids of items that an answer can do without. */
  private static final Set<String> DISPENSABLE = Set.of("rs_", "ws_", "mcp_");

  private final ResponseMemory memory;
  private final Caller caller;
  private final long mostBytes;
  private final Consumer<String> dropped;
  private ResponseMemory.Turn lastNamed;
  private String lastNamedId = "";
  private long namedBytes;
  private long readBytes;

  /**
   * @param mostBytes limit of the turns before the request, and of the items that it names
   * @param dropped is told of items that are gone and that the answer can do without
   */
  RememberedItems(ResponseMemory memory, Caller caller, long mostBytes, Consumer<String> dropped) {
    this.memory = memory;
    this.caller = caller;
    this.mostBytes = mostBytes;
    this.dropped = dropped;
  }

  /**
   * The items of all turns, in order.
   *
   * @param previous the id of the response before, or null
   * @throws ApiException 400 when a turn before is not remembered, 404 for an item that is not, 413
   *     when they are too large
   */
  List<Item> resolved(String previous, ArrayNode input) {
    List<Item> items = new ArrayList<>();
    if (previous != null) {
      for (ResponseMemory.Turn turn : turns(previous)) {
        addAll(turn.input(), PREVIOUS + ".input", items);
        for (JsonNode item : turn.output()) {
          items.add(remembered(item, PREVIOUS + ".output"));
        }
      }
    }
    addAll(input, "input", items);
    return items;
  }

  private List<ResponseMemory.Turn> turns(String previous) {
    try {
      List<ResponseMemory.Turn> turns = memory.chain(caller, previous, mostBytes);
      if (turns.isEmpty()) {
        throw new ApiError(
                400,
                INVALID_REQUEST,
                "previous_response_not_found",
                PREVIOUS,
                "Previous response with id '%s' not found.".formatted(previous))
            .asException();
      }
      return turns;
    } catch (ResponseMemory.TooLargeException e) {
      throw tooLarge().asException();
    }
  }

  private void addAll(JsonNode input, String path, List<Item> items) {
    for (int i = 0; i < input.size(); i++) {
      Item item = new Item(input.get(i), path + "[" + i + "]");
      if (!item.json().isObject()) {
        throw OpenAiErrors.invalidType(item.path(), "an object").asException();
      }
      if (item.isReference()) {
        referenced(item).ifPresent(items::add);
      } else {
        items.add(item);
      }
    }
  }

  private Optional<Item> referenced(Item reference) {
    String id = reference.json().path("id").asText("");
    if (id.isEmpty()) {
      throw OpenAiErrors.missing(reference.path() + ".id").asException();
    }
    Optional<JsonNode> item = item(id);
    if (item.isPresent()) {
      // One item can be named many times.
      namedBytes += Json.bytes(item.get()).length;
      if (namedBytes > mostBytes) {
        throw tooLarge().asException();
      }
      return Optional.of(remembered(item.get(), reference.path()));
    }
    if (DISPENSABLE.stream().anyMatch(id::startsWith)) {
      dropped.accept("input.item_reference");
      return Optional.empty();
    }
    throw itemNotFound(id).asException();
  }

  /** The items of one answer are usually named one after the other. */
  private Optional<JsonNode> item(String id) {
    String response = ResponseIds.responseOf(id);
    if (!response.equals(lastNamedId)) {
      lastNamedId = response;
      lastNamed = memory.find(caller, response).orElse(null);
      readBytes += lastNamed == null ? 0 : lastNamed.bytes();
      if (readBytes > MOST_READ_AGAIN * mostBytes) {
        throw tooLarge().asException();
      }
    }
    return Optional.ofNullable(lastNamed).flatMap(turn -> turn.item(id));
  }

  private ApiError tooLarge() {
    return OpenAiErrors.requestTooLarge(mostBytes / BYTES_PER_MEGABYTE);
  }

  private static Item remembered(JsonNode item, String path) {
    return new Item(item, path, item.path(ResponseMemory.THOUGHT).textValue());
  }

  private static ApiError itemNotFound(String id) {
    return new ApiError(
        404,
        INVALID_REQUEST,
        null,
        "input",
        ("Item with id '%s' not found. Items are not persisted when `store` is set to false. This server remembers them for a"
                + " while (RESPONSES_KEEP_MINUTES). Send the item itself; with the AI SDK set providerOptions.openai.store=false.")
            .formatted(id));
  }
}
