package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.OriginalRequest;
import dev.llmproxy.call.RequestBody;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.chat.ReasoningSeal;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.prompt.Prompts;
import dev.llmproxy.tool.ToolCatalogue;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;

/**
 * The request of {@code POST /v1/responses} (OpenAI's CreateResponse). What is merely unknown is
 * left out, and named in the header {@code x-llmproxy-dropped}. A field without which the answer
 * would be wrong is a 400.
 */
public final class ResponsesForm {
  private final ProviderCatalogue providers;
  private final ToolCatalogue catalogue;
  private final ResponseMemory memory;
  private final ReasoningSeal seal;
  private final long mostBytes;

  /**
   * @param mostBytes limit of a remembered conversation that a request goes on with
   */
  public ResponsesForm(
      ProviderCatalogue providers,
      ToolCatalogue catalogue,
      ResponseMemory memory,
      ReasoningSeal seal,
      long mostBytes) {
    this.providers = providers;
    this.catalogue = catalogue;
    this.memory = memory;
    this.seal = seal;
    this.mostBytes = mostBytes;
  }

  /**
   * Parses a request, and notes in the request context what its answer needs.
   *
   * @param json UTF-8 JSON, or null
   * @return the request in OpenAI's chat format
   * @throws dev.llmproxy.error.ApiException 400 with the name of the wrong field; 403 for a model
   *     that the caller may not use; 404 for an unknown one, and for an item that is not remembered
   */
  public ChatRequest request(
      @Body byte[] json, @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    RequestBody fields = RequestBody.parse(json);
    ObjectNode prompt = prompt(fields.json());
    String model = fields.model();
    Caller caller = context.caller();
    Consumer<String> dropped = context::drop;
    ChatOptions options = new ChatOptions(fields, dropped);
    options.check();
    ObjectNode body = fields.json();
    ArrayNode input = prompt != null && !body.hasNonNull("input") ? Json.array() : input(fields);
    List<Item> items =
        new RememberedItems(memory, caller, mostBytes, dropped)
            .resolved(body.path("previous_response_id").textValue(), input);
    boolean passed =
        caller.allowed(model, providers.chatChain(model)).targets().stream()
                .allMatch(target -> target.provider().speaks(Provider.RESPONSES))
            && prompt == null;
    OfferedTools tools = tools(body, items, caller, passed, dropped);
    ItemTranslator messages =
        new ItemTranslator(tools, sealed -> opened(caller, model, sealed), dropped);
    String instructions = body.path("instructions").asText("");
    if (!instructions.isEmpty()) {
      messages.instructions(instructions);
    }
    items.forEach(messages::add);

    ObjectNode chat = Json.object().put("model", model);
    chat.set("messages", messages.messages());
    if (chat.get("messages").isEmpty() && prompt == null) {
      throw OpenAiErrors.invalidValue("input", "expected at least one message.").asException();
    }
    options.set(chat);
    if (prompt != null) {
      chat.set(Prompts.FIELD, prompt);
    }
    if (!passed) {
      ToolChoice.set(chat, body, tools, dropped);
    }
    AskedResponse asked =
        new AskedResponse(
            ResponseIds.response(context.requestId()),
            body,
            input,
            tools,
            memory.isOn() && body.path("store").asBoolean(true));
    if (asked.wantsLogprobs()) {
      chat.put("logprobs", true);
    }
    context.setFormat(asked);
    ChatRequest translated = new ChatRequest(chat);
    context.setOriginal(
        new OriginalRequest(
            Provider.RESPONSES, NativeRequest.of(body, items, asked.keeps()), translated));
    return translated;
  }

  /**
   * Removes the reference to a prompt from a request, and names its alias as the model.
   *
   * @return null when there is none, or none for an alias with a prompt
   */
  private ObjectNode prompt(ObjectNode body) {
    String id = body.path(Prompts.FIELD).path("id").asText("");
    boolean known =
        (!body.hasNonNull("model") || body.path("model").asText().equals(id))
            && providers.promptOf(id) != null;
    return known ? (ObjectNode) body.put("model", id).remove(Prompts.FIELD) : null;
  }

  private Optional<String> opened(Caller caller, String model, String sealed) {
    return sealed.isEmpty() ? Optional.empty() : seal.open(caller, model, sealed);
  }

  /** The items of a request; a string is the user's message. */
  private static ArrayNode input(RequestBody fields) {
    JsonNode input = fields.json().path("input");
    if (input.isTextual()) {
      ArrayNode items = Json.array();
      ObjectNode message = items.addObject().put("type", "message").put("role", "user");
      message.putArray("content").addObject().put("type", "input_text").set("text", input);
      return items;
    }
    if (input instanceof ArrayNode items) {
      return items;
    }
    if (input.isMissingNode() || input.isNull()) {
      if (fields.json().hasNonNull("previous_response_id")) {
        return Json.array();
      }
      throw OpenAiErrors.missing("input").asException();
    }
    throw OpenAiErrors.invalidType("input", "a string or an array of items").asException();
  }

  private OfferedTools tools(
      ObjectNode body, List<Item> items, Caller caller, boolean passed, Consumer<String> dropped) {
    boolean search =
        caller.mayUseTool(OfferedTools.WEB_SEARCH)
            && catalogue.find(OfferedTools.WEB_SEARCH).isPresent();
    OfferedTools tools = new OfferedTools(search, passed, dropped);
    tools.addAll(body.path("tools"), "tools");
    for (Item item : items) {
      if (Item.addsTools(item.type())) {
        tools.addAll(item.json().path("tools"), item.path() + ".tools");
      }
    }
    return tools;
  }
}
