package dev.llmproxy.catalogue;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * How a provider's requests differ from OpenAI's. The field {@code request} of a provider's file,
 * and the entries of its field {@code models}, have this form.
 *
 * @param maxTokens the provider's name of the limit for an answer's tokens, {@code max_tokens} or
 *     {@code max_completion_tokens}; null when it accepts both
 * @param developerRole whether the provider supports the role {@code developer}; otherwise it gets
 *     {@code system}. Null means true
 * @param midSystem whether a system message may follow a message of the user or the assistant;
 *     otherwise it becomes the user's text {@code <system>…</system>}. Null means true
 * @param stream when the provider is asked for a stream: {@code always}, {@code asked} (when the
 *     client asks for one) or {@code never}; null means always
 * @param only the fields that a chat may have, for a provider that refuses unknown fields; empty
 *     for all
 * @param drop fields that the provider refuses
 * @param dropWithTools fields that the provider refuses in a chat with tools
 * @param dropInMessages fields of messages that the provider refuses
 * @param dropInTools fields of a tool's {@code function} that the provider refuses
 * @param rename the provider's names of fields, by OpenAI's
 * @param values the texts that a field may have; with another value it is dropped
 * @param defaults fields that a chat has unless the client sends them
 * @param reasoning the field of an assistant message in which the provider expects the reasoning of
 *     earlier turns: {@code reasoning_content} or {@code reasoning}; {@code thinking} for a part of
 *     the content; {@code none} when it refuses reasoning; null when it accepts any
 * @param toolIdLength the number of letters and digits of which the ids of tool calls consist; 0
 *     for any id
 * @param models the differences of single models; the later ones win
 */
public record RequestDialect(
    String maxTokens,
    Boolean developerRole,
    Boolean midSystem,
    String stream,
    Set<String> only,
    Set<String> drop,
    Set<String> dropWithTools,
    Set<String> dropInMessages,
    Set<String> dropInTools,
    Map<String, String> rename,
    Map<String, Set<String>> values,
    @JsonProperty("default") Map<String, JsonNode> defaults,
    String reasoning,
    int toolIdLength,
    List<OfModels> models) {
  private static final Set<String> LIMITS = Set.of("max_tokens", "max_completion_tokens");
  private static final Set<String> INSTRUCTING = Set.of("system", "developer");
  private static final String ALWAYS = "always";
  private static final String NEVER = "never";
  private static final int MOST_ID_CHARACTERS = 40;

  static final RequestDialect UNCHANGED = new RequestDialect(null, true, Set.of());

  /**
   * The differences of some models.
   *
   * @param match names of models, with {@code *} for any text
   * @param request the differences, in addition to those of all models
   */
  public record OfModels(List<String> match, RequestDialect request) {
    public OfModels {
      if (match == null || match.isEmpty() || request == null) {
        throw new IllegalArgumentException(
            "an entry of models needs match, a list of model names with *, and request");
      }
      if (!request.models().isEmpty()) {
        throw new IllegalArgumentException("the request of a model cannot have models of its own");
      }
      match = List.copyOf(match);
    }

    private boolean matches(String model) {
      return match.stream().anyMatch(name -> new NamePattern(name).matches(model));
    }
  }

  public RequestDialect {
    only = only == null ? Set.of() : Set.copyOf(only);
    drop = drop == null ? Set.of() : Set.copyOf(drop);
    dropWithTools = dropWithTools == null ? Set.of() : Set.copyOf(dropWithTools);
    dropInMessages = dropInMessages == null ? Set.of() : Set.copyOf(dropInMessages);
    dropInTools = dropInTools == null ? Set.of() : Set.copyOf(dropInTools);
    rename = rename == null ? Map.of() : Map.copyOf(rename);
    values = values == null ? Map.of() : Map.copyOf(values);
    defaults = defaults == null ? Map.of() : Map.copyOf(defaults);
    models = models == null ? List.of() : List.copyOf(models);
    oneOf("maxTokens", maxTokens, "max_tokens", "max_completion_tokens");
    oneOf("stream", stream, ALWAYS, "asked", NEVER);
    oneOf("reasoning", reasoning, "reasoning_content", "reasoning", "thinking", "none");
    if (toolIdLength < 0 || toolIdLength > MOST_ID_CHARACTERS) {
      throw new IllegalArgumentException(
          "toolIdLength must be a number from 1 to %d, not %d"
              .formatted(MOST_ID_CHARACTERS, toolIdLength));
    }
  }

  private static void oneOf(String field, String value, String... words) {
    if (value != null && !List.of(words).contains(value)) {
      int last = words.length - 1;
      throw new IllegalArgumentException(
          "%s must be %s or %s, not %s"
              .formatted(
                  field, String.join(", ", List.of(words).subList(0, last)), words[last], value));
    }
  }

  /** A dialect that differs only in these fields. */
  public RequestDialect(String maxTokens, Boolean developerRole, Set<String> drop) {
    this(
        maxTokens,
        developerRole,
        null,
        null,
        null,
        drop,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        0,
        null);
  }

  /** The dialect of one model, with the differences that apply to it. */
  public RequestDialect of(String model) {
    RequestDialect dialect = this;
    for (OfModels some : models) {
      if (some.matches(model)) {
        dialect = dialect.with(some.request());
      }
    }
    return dialect;
  }

  private RequestDialect with(RequestDialect other) {
    return new RequestDialect(
        or(other.maxTokens, maxTokens),
        or(other.developerRole, developerRole),
        or(other.midSystem, midSystem),
        or(other.stream, stream),
        other.only.isEmpty() ? only : other.only,
        union(drop, other.drop),
        union(dropWithTools, other.dropWithTools),
        union(dropInMessages, other.dropInMessages),
        union(dropInTools, other.dropInTools),
        union(rename, other.rename),
        union(values, other.values),
        union(defaults, other.defaults),
        or(other.reasoning, reasoning),
        other.toolIdLength == 0 ? toolIdLength : other.toolIdLength,
        null);
  }

  private static <T> T or(T value, T other) {
    return value == null ? other : value;
  }

  private static Set<String> union(Set<String> one, Set<String> other) {
    Set<String> all = new HashSet<>(one);
    all.addAll(other);
    return all;
  }

  private static <T> Map<String, T> union(Map<String, T> one, Map<String, T> other) {
    Map<String, T> all = new LinkedHashMap<>(one);
    all.putAll(other);
    return all;
  }

  /**
   * Whether the provider is asked for a stream.
   *
   * @param asked whether the client asks for one
   */
  public boolean streams(boolean asked) {
    return stream == null || stream.equals(ALWAYS) || (asked && !stream.equals(NEVER));
  }

  /** Whether the provider refuses this field of a chat. */
  public boolean drops(String field) {
    return drop.contains(field) || (!only.isEmpty() && !only.contains(field));
  }

  /**
   * Changes a chat request. The client's message objects are copied before they are changed.
   *
   * @return the fields of the request that the provider does not get, for people, in order; {@code
   *     stream_options} is none of them, because this server does what it asks
   */
  public Set<String> applyToChat(ObjectNode request) {
    Set<String> dropped = new TreeSet<>();
    omitNulls(request);
    // "No tools" is no field at all with several providers, OpenAI included.
    if (request.path("tools").isArray() && request.get("tools").isEmpty()) {
      request.remove("tools");
    }
    if (maxTokens != null) {
      renameLimit(request);
    }
    rename(request);
    if (restricts()) {
      drop(request, dropped);
    }
    defaults.forEach((field, value) -> {
      if (!request.has(field)) {
        request.set(field, value.deepCopy());
      }
    });
    if (changesMessages() && request.get("messages") instanceof ArrayNode messages) {
      request.set("messages", messages(messages, dropped));
    }
    if (!dropInTools.isEmpty() && request.get("tools") instanceof ArrayNode offered) {
      request.set("tools", tools(offered, dropped));
    }
    return dropped;
  }

  private boolean restricts() {
    return !(drop.isEmpty() && only.isEmpty() && dropWithTools.isEmpty() && values.isEmpty());
  }

  private void drop(ObjectNode request, Set<String> dropped) {
    boolean tools = request.has("tools");
    request
        .properties()
        .removeIf(field -> {
          boolean refused =
              drops(field.getKey())
                  || (tools && dropWithTools.contains(field.getKey()))
                  || !allows(field.getKey(), field.getValue());
          if (refused) {
            dropped.add(field.getKey());
          }
          return refused;
        });
    dropped.remove("stream_options");
  }

  private boolean allows(String field, JsonNode value) {
    Set<String> allowed = values.get(field);
    return allowed == null || (value.isTextual() && allowed.contains(value.textValue()));
  }

  /**
   * Changes a chat request that has been translated to another format: adds {@code defaults} and
   * removes {@code drop}, which name fields of that format.
   */
  public void applyToTranslated(ObjectNode request) {
    request.remove(drop);
    defaults.forEach((field, value) -> {
      if (!request.has(field)) {
        request.set(field, value.deepCopy());
      }
    });
  }

  /**
   * Changes a request for the continuation of a text. The fields of {@link #only} are those of a
   * chat, so they do not count here.
   *
   * @param taken the fields that the endpoint takes; empty for all
   * @return the fields of the request that the provider does not get, as {@link #applyToChat}
   */
  public Set<String> applyToText(ObjectNode request, Set<String> taken) {
    omitNulls(request);
    Set<String> dropped = new TreeSet<>();
    rename(request);
    request
        .properties()
        .removeIf(field -> {
          boolean refused =
              drop.contains(field.getKey())
                  || (!taken.isEmpty() && !taken.contains(field.getKey()));
          if (refused) {
            dropped.add(field.getKey());
          }
          return refused;
        });
    dropped.remove("stream_options");
    return dropped;
  }

  private void rename(ObjectNode request) {
    rename.forEach((name, theirs) -> {
      JsonNode value = request.remove(name);
      if (value != null) {
        request.set(theirs, value);
      }
    });
  }

  /** Changes an embedding request. */
  public void applyToEmbedding(ObjectNode request) {
    omitNulls(request);
    request.remove(drop);
  }

  /** Several clients send null for absent fields, and servers refuse it. */
  private static void omitNulls(ObjectNode request) {
    request.properties().removeIf(field -> field.getValue().isNull());
  }

  private void renameLimit(ObjectNode request) {
    for (String name : LIMITS) {
      if (!name.equals(maxTokens) && request.has(name)) {
        JsonNode limit = request.remove(name);
        if (!request.has(maxTokens)) {
          request.set(maxTokens, limit);
        }
      }
    }
  }

  private boolean changesMessages() {
    return Boolean.FALSE.equals(developerRole)
        || Boolean.FALSE.equals(midSystem)
        || !dropInMessages.isEmpty()
        || reasoning != null
        || toolIdLength > 0;
  }

  private ArrayNode messages(ArrayNode messages, Set<String> dropped) {
    ArrayNode changed = messages.arrayNode();
    boolean begun = false;
    for (JsonNode each : messages) {
      if (each instanceof ObjectNode object) {
        ObjectNode message = message(object, dropped);
        boolean instructs = INSTRUCTING.contains(message.path("role").asText());
        if (instructs && begun && Boolean.FALSE.equals(midSystem)) {
          message.put("role", "user").put("content", marked(message.path("content")));
        }
        begun |= !instructs;
        changed.add(message);
      } else {
        changed.add(each);
      }
    }
    return changed;
  }

  private static String marked(JsonNode content) {
    StringBuilder text = new StringBuilder(content.asText(""));
    content.forEach(part -> text.append(part.path("text").asText("")));
    return "<system>\n" + text + "\n</system>";
  }

  private ObjectNode message(ObjectNode client, Set<String> dropped) {
    ObjectNode message = client.objectNode();
    message.setAll(client);
    if (Boolean.FALSE.equals(developerRole) && message.path("role").asText().equals("developer")) {
      message.put("role", "system");
    }
    remove(message, dropInMessages, "messages[].", dropped);
    if (reasoning != null && message.path("role").asText().equals("assistant")) {
      Reasoning.move(message, reasoning);
    }
    if (toolIdLength > 0) {
      ToolCallIds.shorten(message, toolIdLength);
    }
    return message;
  }

  private static void remove(
      ObjectNode object, Set<String> fields, String path, Set<String> dropped) {
    for (String field : fields) {
      JsonNode value = object.remove(field);
      if (value != null && !value.isNull()) {
        dropped.add(path + field);
      }
    }
  }

  private ArrayNode tools(ArrayNode offered, Set<String> dropped) {
    ArrayNode changed = offered.arrayNode();
    for (JsonNode tool : offered) {
      JsonNode copy = tool.deepCopy();
      if (copy.get("function") instanceof ObjectNode function) {
        remove(function, dropInTools, "tools[].function.", dropped);
      }
      changed.add(copy);
    }
    return changed;
  }
}
