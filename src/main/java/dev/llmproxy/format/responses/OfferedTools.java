package dev.llmproxy.format.responses;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Sha256;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.OpenAiErrors;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * The tools of one request: the functions that the model gets for them, and the tool that each
 * function stands for. Chats know functions only, so that a custom tool becomes a function with one
 * text, and a tool in a namespace becomes a function {@code namespace__tool}.
 */
final class OfferedTools {
  /** How the client gets a call of a tool. */
  enum Kind {
    FUNCTION,
    CUSTOM
  }

  /**
   * A tool of the client.
   *
   * @param namespace null for a tool outside of namespaces
   */
  record Named(Kind kind, String name, String namespace) {}

  /** The field of a custom tool's function that holds the whole input. */
  static final String INPUT = "input";

  static final String WEB_SEARCH = "web_search";

  private static final Set<String> WEB_SEARCHES =
      Set.of(
          WEB_SEARCH,
          "web_search_2025_08_26",
          "web_search_preview",
          "web_search_preview_2025_03_11");

  /**
   * Tools that a client adds only because its user wants them: without them the answer is wrong.
   */
  private static final Set<String> REFUSED = Set.of("mcp", "code_interpreter");

  /** Reads the files of the account at the provider, which all keys of this server share. */
  private static final String FILE_SEARCH = "file_search";

  private static final String COMPUTER = "computer";
  private static final int LONGEST_NAME = 64;
  private static final int HASH_CHARACTERS = 8;
  private static final Pattern INVALID_IN_NAMES = Pattern.compile("[^a-zA-Z0-9_-]");

  private final boolean searchOffered;
  private final Consumer<String> dropped;
  private final Map<Named, String> functionNames = new LinkedHashMap<>();
  private final Map<String, Named> named = new LinkedHashMap<>();
  private final Map<String, ObjectNode> functions = new LinkedHashMap<>();
  private final boolean passed;
  private boolean search;

  /**
   * @param searchOffered whether the server has a search that the caller may use
   * @param passed whether the provider gets the tools as the client has sent them, and runs its own
   * @param dropped is told what the model does not get
   */
  OfferedTools(boolean searchOffered, boolean passed, Consumer<String> dropped) {
    this.searchOffered = searchOffered;
    this.passed = passed;
    this.dropped = dropped;
  }

  /**
   * Adds tools. A tool that is there already is left out.
   *
   * @param tools an array
   * @param path of the array in the request, for errors
   * @throws dev.llmproxy.error.ApiException 400 for a tool that this server cannot run and the
   *     client does not run, and for one without a name
   */
  void addAll(JsonNode tools, String path) {
    for (int i = 0; i < tools.size(); i++) {
      add(tools.get(i), null, path + "[" + i + "]");
    }
  }

  private void add(JsonNode tool, String namespace, String path) {
    if (!tool.isObject()) {
      throw OpenAiErrors.invalidType(path, "an object").asException();
    }
    String type = tool.path("type").asText("function");
    if (type.equals("function")) {
      addFunction(tool, namespace, path);
    } else if (type.equals("custom")) {
      Named custom = new Named(Kind.CUSTOM, name(tool, path), namespace);
      put(custom, function(tool, customDescription(tool), inputSchema()));
    } else if (type.equals("namespace") && namespace == null) {
      addNamespace(tool, path);
    } else if (WEB_SEARCHES.contains(type)) {
      if (searchOffered && tool.path("external_web_access").asBoolean(true)) {
        search = true;
      } else {
        dropped.accept("tools." + type);
      }
    } else if (type.equals(FILE_SEARCH)
        || (!passed && (REFUSED.contains(type) || type.startsWith(COMPUTER)))) {
      throw new ApiError(
              400,
              "invalid_request_error",
              "unsupported_tool",
              path + ".type",
              "This server cannot run the tool `%s`. Leave it out; it has functions, custom tools and web_search."
                  .formatted(type))
          .asException();
    } else {
      dropped.accept("tools." + type);
    }
  }

  private void addFunction(JsonNode tool, String namespace, String path) {
    // Some clients send the form of the chat endpoint.
    JsonNode declared = tool.path("function").isObject() ? tool.get("function") : tool;
    JsonNode parameters = declared.path("parameters");
    JsonNode schema = parameters;
    if (!parameters.isObject()) {
      ObjectNode empty = Json.object().put("type", "object");
      empty.putObject("properties");
      schema = empty;
    }
    ObjectNode function = function(declared, declared.path("description").asText(""), schema);
    if (declared.path("strict").asBoolean(false)) {
      function.put("strict", true);
    }
    put(new Named(Kind.FUNCTION, name(declared, path), namespace), function);
  }

  private void addNamespace(JsonNode namespace, String path) {
    String name = name(namespace, path);
    JsonNode inner = namespace.path("tools");
    for (int i = 0; i < inner.size(); i++) {
      add(inner.get(i), name, path + ".tools[" + i + "]");
    }
  }

  private static String name(JsonNode tool, String path) {
    String name = tool.path("name").asText("");
    if (name.isEmpty()) {
      throw OpenAiErrors.missing(path + ".name").asException();
    }
    return name;
  }

  private static ObjectNode function(JsonNode tool, String description, JsonNode parameters) {
    ObjectNode function = Json.object().put("name", tool.path("name").asText());
    if (!description.isEmpty()) {
      function.put("description", description);
    }
    return function.set("parameters", parameters);
  }

  private static String customDescription(JsonNode tool) {
    StringBuilder text = new StringBuilder(tool.path("description").asText(""));
    if (!text.isEmpty()) {
      text.append("\n\n");
    }
    JsonNode format = tool.path("format");
    if (format.path("type").asText("").equals("grammar")) {
      text.append("The input follows this ")
          .append(format.path("syntax").asText("lark"))
          .append(" grammar:\n")
          .append(format.path("definition").asText(""))
          .append("\n\n");
    }
    return text.append("Give the whole input as one string in the field `input`.").toString();
  }

  private static ObjectNode inputSchema() {
    ObjectNode schema = Json.object().put("type", "object");
    schema
        .putObject("properties")
        .putObject(INPUT)
        .put("type", "string")
        .put("description", "The whole input of the tool.");
    schema.putArray("required").add(INPUT);
    return schema.put("additionalProperties", false);
  }

  private void put(Named tool, ObjectNode function) {
    if (functionNames.containsKey(tool)) {
      return;
    }
    String name = unused(plainName(tool));
    functionNames.put(tool, name);
    named.put(name, tool);
    functions.put(name, function.put("name", name));
  }

  /** The name of a tool's function, unless another tool has it. */
  private static String plainName(Named tool) {
    String whole = tool.namespace() == null ? tool.name() : tool.namespace() + "__" + tool.name();
    String valid = INVALID_IN_NAMES.matcher(whole).replaceAll("_");
    return valid.length() <= LONGEST_NAME
        ? valid
        : cut(valid, HASH_CHARACTERS + 1) + "_" + Sha256.hex(whole).substring(0, HASH_CHARACTERS);
  }

  private static String cut(String name, int room) {
    return name.substring(0, Math.min(name.length(), LONGEST_NAME - room));
  }

  private String unused(String name) {
    String free = name;
    for (int number = 2; named.containsKey(free); number++) {
      String ending = "_" + number;
      free = cut(name, ending.length()) + ending;
    }
    return free;
  }

  /** The name of the function for a tool that the client names; the tool may be unknown. */
  String functionName(Kind kind, String name, String namespace) {
    Named tool = new Named(kind, name, namespace);
    String known = functionNames.get(tool);
    return known == null ? plainName(tool) : known;
  }

  /** Whether the request has this tool. */
  boolean has(Kind kind, String name, String namespace) {
    return functionNames.containsKey(new Named(kind, name, namespace));
  }

  /** The tool that a function stands for; a function of the same name when there is none. */
  Named named(String function) {
    return named.getOrDefault(function, new Named(Kind.FUNCTION, function, null));
  }

  /** Whether the server searches the web for the model. */
  boolean search() {
    return search && !named.containsKey(WEB_SEARCH);
  }

  /** Keeps only these functions, and the server's search if {@code alsoSearch}. */
  void retain(Set<String> functionsToKeep, boolean alsoSearch) {
    functions.keySet().retainAll(functionsToKeep);
    search &= alsoSearch;
  }

  /** The tools in the chat's form; empty when there are none. */
  ArrayNode inChat() {
    ArrayNode tools = Json.array();
    functions
        .values()
        .forEach(function -> tools.addObject().put("type", "function").set("function", function));
    if (search()) {
      tools.addObject().put("type", WEB_SEARCH);
    } else if (search) {
      dropped.accept("tools." + WEB_SEARCH);
    }
    return tools;
  }
}
