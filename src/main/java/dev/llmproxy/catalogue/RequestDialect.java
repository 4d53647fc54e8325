package dev.llmproxy.catalogue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;

/**
 * How a provider's requests differ from OpenAI's.
 *
 * @param maxTokens the provider's name of the limit for an answer's tokens, {@code max_tokens} or
 *     {@code max_completion_tokens}; null when it accepts both
 * @param developerRole whether the provider supports the role {@code developer}; otherwise it gets
 *     {@code system}
 * @param drop fields that the provider refuses
 * @param stream when the provider is asked for a stream: {@code always}, {@code asked} (when the
 *     client asks for one) or {@code never}; null means always
 */
public record RequestDialect(
    String maxTokens, Boolean developerRole, Set<String> drop, String stream) {
  private static final Set<String> LIMITS = Set.of("max_tokens", "max_completion_tokens");
  private static final String ALWAYS = "always";
  private static final String NEVER = "never";
  private static final Set<String> STREAMS = Set.of(ALWAYS, "asked", NEVER);

  static final RequestDialect UNCHANGED = new RequestDialect(null, true, Set.of());

  public RequestDialect {
    developerRole = developerRole == null || developerRole;
    drop = drop == null ? Set.of() : Set.copyOf(drop);
    if (maxTokens != null && !LIMITS.contains(maxTokens)) {
      throw new IllegalArgumentException(
          "maxTokens must be max_tokens or max_completion_tokens, not " + maxTokens);
    }
    stream = stream == null ? ALWAYS : stream;
    if (!STREAMS.contains(stream)) {
      throw new IllegalArgumentException("stream must be always, asked or never, not " + stream);
    }
  }

  /** A dialect of a provider that is always asked for a stream. */
  public RequestDialect(String maxTokens, Boolean developerRole, Set<String> drop) {
    this(maxTokens, developerRole, drop, ALWAYS);
  }

  /**
   * Whether the provider is asked for a stream.
   *
   * @param asked whether the client asks for one
   */
  public boolean streams(boolean asked) {
    return stream.equals(ALWAYS) || (asked && !stream.equals(NEVER));
  }

  /** Changes a chat request. The client's message objects are copied before they are changed. */
  public void applyToChat(ObjectNode request) {
    omit(request);
    if (maxTokens != null) {
      renameLimit(request);
    }
    if (!developerRole) {
      request.set("messages", withoutDeveloper((ArrayNode) request.get("messages")));
    }
  }

  /** Whether the provider refuses this field. */
  public boolean drops(String field) {
    return drop.contains(field);
  }

  /** Changes an embedding request. */
  public void applyToEmbedding(ObjectNode request) {
    omit(request);
  }

  private void omit(ObjectNode request) {
    // Several clients send null for absent fields, and servers refuse it.
    request.properties().removeIf(field -> field.getValue().isNull());
    request.remove(drop);
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

  private static ArrayNode withoutDeveloper(ArrayNode messages) {
    ArrayNode changed = messages.arrayNode();
    for (JsonNode message : messages) {
      changed.add(
          message.path("role").asText().equals("developer")
              ? ((ObjectNode) message.deepCopy()).put("role", "system")
              : message);
    }
    return changed;
  }
}
