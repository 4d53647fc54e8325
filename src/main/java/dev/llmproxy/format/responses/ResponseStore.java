package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import org.apache.camel.ExchangeProperty;

/**
 * The remembered responses as OpenAI's API shows them: {@code /v1/responses/{id}} and below. All
 * methods throw an {@link ApiException} with status 404 for a response that is not remembered or
 * that another key asked for.
 */
public final class ResponseStore {
  private static final String PATH = "/v1/responses/";
  private static final String INVALID_REQUEST = "invalid_request_error";

  private final ResponseMemory memory;

  public ResponseStore(ResponseMemory memory) {
    this.memory = memory;
  }

  /** The response as the client got it. */
  public byte[] retrieve(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ObjectNode response = turn(context).response();
    response.set("output", ResponseOutput.shown(response.path("output")));
    return Json.bytes(response);
  }

  /** Forgets the response. */
  public byte[] delete(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    String id = id(context);
    if (!memory.forget(context.caller(), id)) {
      throw notFound(id).asException();
    }
    return Json.bytes(Json.object().put("id", id).put("object", "response").put("deleted", true));
  }

  /**
   * The items of the request, the last one first, as OpenAI's list in its default order. An item
   * without an id gets one.
   */
  public byte[] inputItems(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ArrayNode input = turn(context).input();
    ObjectNode list = Json.object().put("object", "list");
    ArrayNode data = list.putArray("data");
    for (int i = input.size() - 1; i >= 0; i--) {
      data.add(shown(context.caller(), input.get(i), ResponseIds.item("in", id(context), i)));
    }
    list.set("first_id", data.path(0).path("id"));
    list.set("last_id", data.path(data.size() - 1).path("id"));
    if (data.isEmpty()) {
      list.putNull("first_id").putNull("last_id");
    }
    return Json.bytes(list.put("has_more", false));
  }

  /** Refuses to cancel a response, because none runs in the background. */
  public void cancel(@ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    turn(context);
    throw new ApiError(
            400,
            INVALID_REQUEST,
            null,
            null,
            "Only a response that was asked for with `background` can be cancelled, and this server has none. To stop a"
                + " response, close its connection.")
        .asException();
  }

  private JsonNode shown(Caller caller, JsonNode sent, String id) {
    Item item = new Item(sent, "input");
    JsonNode whole =
        item.isReference()
            ? memory
                .item(caller, sent.path("id").asText())
                .map(found -> (JsonNode) Json.array().add(found))
                .map(found -> ResponseOutput.shown(found).path(0))
                .filter(JsonNode::isObject)
                .orElse(sent)
            : sent;
    ObjectNode shown = Json.object();
    shown.setAll((ObjectNode) whole);
    if (!shown.hasNonNull("id")) {
      shown.put("id", id);
    }
    return shown.put("type", new Item(whole, "input").type());
  }

  private ResponseMemory.Turn turn(RequestContext context) {
    String id = id(context);
    return memory.find(context.caller(), id).orElseThrow(() -> notFound(id).asException());
  }

  /** The part of the path after {@link #PATH}, up to the next slash. */
  private static String id(RequestContext context) {
    String rest = context.reply().path().substring(PATH.length());
    int end = rest.indexOf('/');
    return end < 0 ? rest : rest.substring(0, end);
  }

  private static ApiError notFound(String id) {
    return new ApiError(
        404, INVALID_REQUEST, null, null, "Response with id '%s' not found.".formatted(id));
  }
}
