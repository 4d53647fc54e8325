package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.call.Caller;
import dev.llmproxy.catalogue.Target;
import dev.llmproxy.chat.ServerTools.Search;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.tool.TierTools;
import dev.llmproxy.tool.Tool;
import dev.llmproxy.tool.ToolCatalogue;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Selects the server's tools that a chat is offered: the tools that the request names, and the
 * tools of the caller's tier. A request names a tool with {@code {"type": "web_search"}} in {@code
 * tools}, with a function of that name without parameters, or with {@code web_search_options}. The
 * first form may limit its calls: {@code {"type": "web_search", "max_uses": 3}}, as in Anthropic's
 * API.
 */
public final class ToolOffer {
  private static final Logger LOG = LoggerFactory.getLogger(ToolOffer.class);
  public static final String WEB_SEARCH = "web_search";
  private static final String OPTIONS = "web_search_options";
  public static final String MAX_USES = "max_uses";
  private static final String TOOLS = "tools";
  private static final String CHOICE = "tool_choice";
  private static final int LONGEST_QUESTION = 400;

  /**
   * A model with at most this context length, in tokens, is small. It gets one search result,
   * because its answers are worse with more.
   */
  private static final int SMALL_CONTEXT = 4096;

  private static final int MOST_RESULTS = 5;

  /** Other names of OpenAI's web search, here and in other endpoints. */
  public static final Set<String> ALSO_WEB_SEARCH = Set.of("web_search_preview");

  private final ToolCatalogue catalogue;
  private final TierTools tiers;
  private final Set<String> unknown = ConcurrentHashMap.newKeySet();

  public ToolOffer(ToolCatalogue catalogue, TierTools tiers) {
    this.catalogue = catalogue;
    this.tiers = tiers;
  }

  /**
   * Selects the tools that the request names and the tools of the caller's tier.
   *
   * @throws ApiException 400 when the request names a tool twice, names a tool that the model
   *     cannot use, or asks for several choices with tools; 403 when the caller's tier may not use
   *     a tool that the request names
   */
  ServerTools of(ChatRequest request, Caller caller, Target target) {
    List<String> ofTier =
        tiers.of(caller.tier()).stream()
            .filter(name -> caller.mayUseTool(canonical(name)))
            .toList();
    return of(request, ofTier, caller, target);
  }

  /** Selects only the tools that the request names; otherwise as {@link #of}. */
  ServerTools named(ChatRequest request, Caller caller, Target target) {
    return of(request, List.of(), caller, target);
  }

  private ServerTools of(ChatRequest request, List<String> ofTier, Caller caller, Target target) {
    ObjectNode body = request.body();
    if (!body.hasNonNull(TOOLS) && !body.hasNonNull(OPTIONS) && ofTier.isEmpty()) {
      return ServerTools.none(request);
    }
    ArrayNode own = Json.array();
    Map<String, Tool> named = named(body, own);
    for (String name : named.keySet()) {
      if (!caller.mayUseTool(name)) {
        throw OpenAiErrors.toolNotAllowed(name).asException();
      }
    }
    if (choosesNone(body)) {
      return named.isEmpty() ? ServerTools.none(request) : without(body, own);
    }
    Set<String> ownNames = names(own);
    boolean able = target.callsTools();
    Map<String, Tool> offered = new LinkedHashMap<>(named);
    if (mayAdd(body)) {
      ofTier.stream()
          .filter(name -> !ownNames.contains(name) && (able || name.equals(WEB_SEARCH)))
          .forEach(name -> find(name).ifPresent(tool -> offered.put(tool.name(), tool)));
    }
    if (offered.isEmpty()) {
      return ServerTools.none(request);
    }
    refuse(body, named, ownNames, able, target);
    ObjectNode asked = body.deepCopy();
    asked.remove(List.of(TOOLS, OPTIONS));
    if (!able) {
      asked.remove(CHOICE);
      if (!own.isEmpty()) {
        asked.set(TOOLS, own);
      }
      return new ServerTools(asked, Map.of(), search(body, target), Map.of());
    }
    offered.values().forEach(tool -> own.add(tool.asOpenAi()));
    asked.set(TOOLS, own);
    choose(asked, offered);
    return new ServerTools(asked, offered, null, most(body));
  }

  /** The server's tools that a request names. Adds the client's own tools to {@code own}. */
  private Map<String, Tool> named(ObjectNode body, ArrayNode own) {
    Map<String, Tool> named = new LinkedHashMap<>();
    JsonNode tools = body.path(TOOLS);
    for (int i = 0; i < tools.size(); i++) {
      Optional<Tool> tool = serverTool(tools.get(i));
      if (tool.isEmpty()) {
        own.add(tools.get(i));
      } else if (named.put(tool.get().name(), tool.get()) != null) {
        throw twice(i, tool.get().name());
      }
    }
    if (body.hasNonNull(OPTIONS)) {
      catalogue.find(WEB_SEARCH).ifPresent(tool -> named.put(WEB_SEARCH, tool));
    }
    return named;
  }

  private Optional<Tool> serverTool(JsonNode tool) {
    String type = tool.path("type").asText("");
    if (type.equals("function")) {
      JsonNode function = tool.path("function");
      return function.hasNonNull("parameters")
          ? Optional.empty()
          : catalogue.find(function.path("name").asText(""));
    }
    return type.isEmpty() ? Optional.empty() : find(type);
  }

  /** The most calls of a tool that the request allows, by the tool's name. */
  private Map<String, Integer> most(ObjectNode body) {
    Map<String, Integer> most = new HashMap<>();
    JsonNode tools = body.path(TOOLS);
    for (int i = 0; i < tools.size(); i++) {
      Optional<Tool> tool = serverTool(tools.get(i));
      JsonNode limit = tools.get(i).path(MAX_USES);
      if (tool.isEmpty() || limit.isMissingNode() || limit.isNull()) {
        continue;
      }
      if (!limit.isIntegralNumber() || !limit.canConvertToInt() || limit.intValue() < 1) {
        throw OpenAiErrors.invalidValue(
                TOOLS + "[" + i + "]." + MAX_USES, "it must be a whole number from 1.")
            .asException();
      }
      most.put(tool.get().name(), limit.intValue());
    }
    return most;
  }

  private Optional<Tool> find(String name) {
    Optional<Tool> tool = catalogue.find(canonical(name));
    if (tool.isEmpty() && Tool.isName(name) && unknown.size() < 100 && unknown.add(name)) {
      LOG.info("A chat asks for the unknown tool {}", name);
    }
    return tool;
  }

  private static String canonical(String name) {
    return ALSO_WEB_SEARCH.contains(name) ? WEB_SEARCH : name;
  }

  /**
   * Whether the tools of a tier may be added: not with several choices or with the old {@code
   * functions}.
   */
  private static boolean mayAdd(ObjectNode body) {
    return body.path("n").asInt(1) == 1 && !body.hasNonNull("functions");
  }

  /** Whether {@code tool_choice} is "none", as a string or as an object. */
  private static boolean choosesNone(ObjectNode body) {
    JsonNode choice = body.path(CHOICE);
    return (choice.isObject() ? choice.path("type") : choice).asText("").equals("none");
  }

  /**
   * The request without the server's tools, so that the model cannot call one although the choice
   * is "none".
   */
  private static ServerTools without(ObjectNode body, ArrayNode own) {
    ObjectNode asked = body.deepCopy();
    asked.remove(List.of(TOOLS, OPTIONS));
    if (own.isEmpty()) {
      // Providers refuse tool_choice without tools.
      asked.remove(CHOICE);
    } else {
      asked.set(TOOLS, own);
    }
    return ServerTools.without(asked);
  }

  private static void refuse(
      ObjectNode body, Map<String, Tool> named, Set<String> ownNames, boolean able, Target target) {
    if (named.isEmpty()) {
      return;
    }
    for (String name : named.keySet()) {
      if (ownNames.contains(name)) {
        throw OpenAiErrors.invalidValue(
                TOOLS, "`%s` is named as the server's tool and as your own.".formatted(name))
            .asException();
      }
      if (!able && !name.equals(WEB_SEARCH)) {
        throw OpenAiErrors.invalidValue(
                TOOLS,
                "the model `%s` cannot call tools, so it cannot have `%s`; it can have web_search, as one search before it answers."
                    .formatted(target.modelId(), name))
            .asException();
      }
    }
    if (body.path("n").asInt(1) > 1) {
      throw OpenAiErrors.invalidValue("n", "it must be 1 in a chat with the server's tools.")
          .asException();
    }
  }

  private static ApiException twice(int index, String name) {
    return OpenAiErrors.invalidValue(
            TOOLS + "[" + index + "]", "`%s` is named twice.".formatted(name))
        .asException();
  }

  private static Set<String> names(ArrayNode tools) {
    Set<String> names = new HashSet<>();
    for (JsonNode tool : tools) {
      names.add(tool.path(tool.path("type").asText("")).path("name").asText(""));
    }
    return names;
  }

  /** Turns a {@code tool_choice} that names a tool of the server into a choice of its function. */
  private static void choose(ObjectNode asked, Map<String, Tool> offered) {
    String type = asked.path(CHOICE).path("type").asText("");
    String name = ALSO_WEB_SEARCH.contains(type) ? WEB_SEARCH : type;
    if (offered.containsKey(name)) {
      asked.putObject(CHOICE).put("type", "function").putObject("function").put("name", name);
    }
  }

  /**
   * A search for the last user message, cut to the longest query; null when the message has no
   * text.
   */
  private static Search search(ObjectNode body, Target target) {
    String question = new ChatRequest(body).lastUserText().strip();
    if (question.isEmpty()) {
      return null;
    }
    boolean small = target.model().contextLength() <= SMALL_CONTEXT;
    return new Search(ShownText.cut(question, LONGEST_QUESTION, ""), small ? 1 : MOST_RESULTS);
  }
}
