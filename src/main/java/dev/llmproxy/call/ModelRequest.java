package dev.llmproxy.call;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * A client's request for a model, as routes may read it and, in {@code hook-request}, put another
 * in its place (docs/change-a-route.md). Never changes itself: what begins with {@code with} gives
 * a changed copy.
 */
public interface ModelRequest {
  /** Not part of the contract: patterns that routes have named, compiled once. */
  Map<String, Pattern> PATTERNS = new ConcurrentHashMap<>();

  /** Not part of the contract: more come from texts of clients, and are not worth keeping. */
  int MOST_PATTERNS = 1000;

  /** The request in OpenAI's form; not to be changed. */
  ObjectNode body();

  /** The same kind of request with another body. */
  ModelRequest of(ObjectNode changed);

  /** {@code chat} or {@code embedding}. */
  String type();

  /** The model id that is asked for. */
  String model();

  /** All texts that the client sent, each on lines of its own; empty when there are none. */
  String promptText();

  /**
   * With every text that the client sent rewritten.
   *
   * @param regex as {@link Pattern} has it
   * @param replacement in which {@code $1} is the first group
   */
  ModelRequest withReplaced(String regex, String replacement);

  /** With so many tokens of answer at most; a smaller limit of the client's stays. */
  ModelRequest withMostTokens(int most);

  /** For another model. */
  default ModelRequest withModel(String model) {
    return with("model", model);
  }

  /**
   * With another value of a field.
   *
   * @param value what JSON has: a text, number, truth value, map or list
   */
  default ModelRequest with(String field, Object value) {
    ObjectNode changed = copy();
    changed.set(field, Json.tree(value));
    return of(changed);
  }

  /** Without a field. */
  default ModelRequest without(String field) {
    ObjectNode changed = copy();
    changed.remove(field);
    return of(changed);
  }

  /** A copy of the body whose fields may be exchanged, but not changed within. */
  default ObjectNode copy() {
    ObjectNode copy = Json.object();
    copy.setAll(body());
    return copy;
  }

  /** A pattern, compiled once for all requests. */
  static Pattern pattern(String regex) {
    Pattern known = PATTERNS.get(regex);
    if (known != null) {
      return known;
    }
    Pattern pattern = Pattern.compile(regex);
    if (PATTERNS.size() < MOST_PATTERNS) {
      PATTERNS.put(regex, pattern);
    }
    return pattern;
  }
}
