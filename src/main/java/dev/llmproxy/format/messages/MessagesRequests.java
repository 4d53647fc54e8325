package dev.llmproxy.format.messages;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.OriginalRequest;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.chat.PromptCount;
import dev.llmproxy.chat.ReasoningSeal;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.prompt.Prompts;
import dev.llmproxy.tool.ToolCatalogue;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;

/**
 * Reads requests in the format of <a
 * href="https://platform.claude.com/docs/en/api/messages">Anthropic's Messages API</a>.
 */
public final class MessagesRequests {
  /** The mark at the end of a model's name with which Claude Code asks for a long context. */
  private static final String LONG_CONTEXT = "[1m]";

  private final ProviderCatalogue providers;
  private final ToolCatalogue tools;
  private final ReasoningSeal seal;
  private final PromptCount count;

  public MessagesRequests(
      ProviderCatalogue providers, ToolCatalogue tools, ReasoningSeal seal, PromptCount count) {
    this.providers = providers;
    this.tools = tools;
    this.seal = seal;
    this.count = count;
  }

  /**
   * Translates a request into a chat request, and keeps it in the context for its answer, and for
   * providers that speak its format. What others do not get is named in the header {@code
   * x-llmproxy-dropped}.
   *
   * @param body the request in UTF-8, or null
   * @throws ApiException 400 that names the invalid field, 403 for a model that the caller may not
   *     use, 404 for an unknown one
   */
  public ChatRequest request(
      @Body byte[] body, @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ObjectNode asked = MessagesBody.parse(body, true);
    context.setFormat(new MessagesFormat(asked));
    ChatRequest chat = chat(asked, context, false);
    context.setOriginal(new OriginalRequest(Asked.WIRE_FORMAT, NativeMessages.of(asked), chat));
    return chat;
  }

  /**
   * Counts the tokens of a request's prompt. No provider is asked.
   *
   * @param body the request in UTF-8, or null; {@code max_tokens} is not needed
   * @return {@code {"input_tokens":n}} with n at least 1
   * @throws ApiException as {@link #request}
   */
  public byte[] count(
      @Body byte[] body, @ExchangeProperty(RequestContext.PROPERTY) RequestContext context) {
    ObjectNode asked = MessagesBody.parse(body, false);
    long tokens = count.count(chat(asked, context, true));
    return Json.bytes(Json.object().put("input_tokens", tokens));
  }

  private ChatRequest chat(ObjectNode body, RequestContext context, boolean counted) {
    String model = withoutMark(body.get("model").textValue());
    Caller caller = context.caller();
    Target target = caller.allowed(model, providers.chatChain(model)).first();
    // Its variables; see docs/prompts.md.
    JsonNode prompt = providers.promptOf(model) == null ? null : body.remove(Prompts.FIELD);
    Asked asked = new Asked(body, model, caller, target, seal, context::drop, counted);
    ObjectNode chat = new MessagesTranslation(asked, tools).chat();
    if (prompt != null) {
      chat.set(Prompts.FIELD, prompt);
    }
    return new ChatRequest(chat);
  }

  private static String withoutMark(String model) {
    return model.endsWith(LONG_CONTEXT) && model.length() > LONG_CONTEXT.length()
        ? model.substring(0, model.length() - LONG_CONTEXT.length())
        : model;
  }
}
