package dev.llmproxy.format.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestBody;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.chat.ToolOffer;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.tool.Tool;
import dev.llmproxy.tool.ToolCatalogue;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.camel.Body;

/**
 * The request form of the endpoint for web front ends (docs/chat.md): {@code model}, {@code
 * messages}, the names of the {@code tools} that the server may run, and {@code options}, which are
 * OpenAI's other fields.
 */
public final class ChatForm {
  private static final Set<String> FIELDS = Set.of("model", "messages", "tools", "options");

  /**
   * OpenAI's fields that are not allowed as options: fields that the form sets itself, functions of
   * the client, and several answers at once, which the events cannot express.
   */
  private static final Set<String> NO_OPTIONS =
      Set.of(
          "model",
          "messages",
          "tools",
          "functions",
          "function_call",
          "stream",
          "stream_options",
          "web_search_options",
          "n");

  private final ToolCatalogue catalogue;
  private final ProviderCatalogue providers;

  public ChatForm(ToolCatalogue catalogue, ProviderCatalogue providers) {
    this.catalogue = catalogue;
    this.providers = providers;
  }

  /**
   * Parses a form and returns the request in OpenAI's format. A tool of the server becomes an entry
   * {@code {"type":"<name>"}} of {@code tools}.
   *
   * @param json the form in UTF-8, or null
   * @throws dev.llmproxy.error.ApiException 400 with the name of the wrong field, 404 for an
   *     unknown model
   */
  public ChatRequest request(@Body byte[] json) {
    RequestBody form = RequestBody.parse(json);
    for (String field : names(form.json())) {
      if (!FIELDS.contains(field)) {
        throw OpenAiErrors.unknownParameter(
                field, "There are model, messages, tools, and options, which holds all others.")
            .asException();
      }
    }
    ObjectNode request = Json.object().put("model", form.model());
    ChatRequest.checkMessages(form);
    request.set("messages", form.json().get("messages"));
    ArrayNode tools = Json.array();
    tools(form.json().path("tools"), request).forEach(name -> tools.addObject().put("type", name));
    if (!tools.isEmpty()) {
      request.set("tools", tools);
    }
    return new ChatRequest(request.setAll(options(form)));
  }

  private static ObjectNode options(RequestBody form) {
    RequestBody options = form.object("options");
    for (String option : names(options.json())) {
      if (NO_OPTIONS.contains(option)) {
        throw OpenAiErrors.unknownParameter(
                options.path() + option, "It is no option of this endpoint.")
            .asException();
      }
    }
    ChatRequest.checkOptions(options);
    return options.json();
  }

  private Set<String> tools(JsonNode asked, ObjectNode request) {
    if (asked.isMissingNode() || asked.isNull() || (asked.isBoolean() && !asked.booleanValue())) {
      return Set.of();
    }
    List<String> known = catalogue.tools().stream().map(Tool::name).toList();
    if (asked.isBoolean()) {
      boolean all = providers.chatChain(new ChatRequest(request).model()).first().callsTools();
      return known.stream()
          .filter(name -> all || name.equals(ToolOffer.WEB_SEARCH))
          .collect(Collectors.toCollection(LinkedHashSet::new));
    }
    if (!asked.isArray()) {
      throw OpenAiErrors.invalidType("tools", "true, false or an array of names").asException();
    }
    Set<String> names = new LinkedHashSet<>();
    for (int i = 0; i < asked.size(); i++) {
      String path = "tools[" + i + "]";
      JsonNode name = asked.get(i);
      if (!name.isTextual()) {
        throw OpenAiErrors.invalidType(path, "the name of a tool that this server runs")
            .asException();
      }
      if (!known.contains(name.textValue())) {
        throw OpenAiErrors.invalidValue(
                path,
                "this server has no tool `%s`. It has %s."
                    .formatted(
                        name.textValue(), known.isEmpty() ? "none" : String.join(", ", known)))
            .asException();
      }
      names.add(name.textValue());
    }
    return names;
  }

  /** The field names, sorted, so that errors do not depend on the client's order. */
  private static Set<String> names(ObjectNode object) {
    Set<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
