package dev.llmproxy.call;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * A client's request for a model, as routes see it. The route {@code hook-request} may replace it
 * (docs/change-a-route.md). Immutable: methods that begin with {@code with} return a changed copy.
 */
public interface ModelRequest {
  /** Compiled patterns of routes. Not part of the interface for routes. */
  Map<String, Pattern> PATTERNS = new ConcurrentHashMap<>();

  /**
   * Size of {@link #PATTERNS}. More patterns come from clients' texts and are not stored. Not part
   * of the interface for routes.
   */
  int MOST_PATTERNS = 1000;

  /** The request in OpenAI's format. Do not change it. */
  ObjectNode body();

  /** A request of the same type with another body. */
  ModelRequest of(ObjectNode changed);

  /** {@code chat} or {@code embedding}. */
  String type();

  /** The requested model id. */
  String model();

  /** All texts of the client, separated by line ends; empty when there are none. */
  String promptText();

  /**
   * Returns a copy with all texts of the client rewritten.
   *
   * @param regex regular expression in the syntax of {@link Pattern}
   * @param replacement the new text; {@code $1} is the first group
   */
  default ModelRequest withReplaced(String regex, String replacement) {
    Pattern pattern = pattern(regex);
    return withTexts((role, text) ->
        role.equals(TextChange.TOOL_CALL) ? text : pattern.matcher(text).replaceAll(replacement));
  }

  /**
   * Visits all texts of the client in their order, each part of a structured content on its own,
   * and returns a copy with the changed ones; this request when none has changed.
   */
  ModelRequest withTexts(TextChange change);

  /**
   * Returns a copy whose answer has at most this many tokens. A smaller limit of the client stays.
   */
  ModelRequest withMostTokens(int most);

  /** Returns a copy for another model. */
  default ModelRequest withModel(String model) {
    return with("model", model);
  }

  /**
   * Returns a copy with another value of a field.
   *
   * @param value a string, number, boolean, map or list
   */
  default ModelRequest with(String field, Object value) {
    ObjectNode changed = copy();
    changed.set(field, Json.tree(value));
    return of(changed);
  }

  /** Returns a copy without a field. */
  default ModelRequest without(String field) {
    ObjectNode changed = copy();
    changed.remove(field);
    return of(changed);
  }

  /** A shallow copy of the body: its fields may be replaced, but their values must not change. */
  default ObjectNode copy() {
    ObjectNode copy = Json.object();
    copy.setAll(body());
    return copy;
  }

  /** A compiled pattern, shared by all requests. */
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
