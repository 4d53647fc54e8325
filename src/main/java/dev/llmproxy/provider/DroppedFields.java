package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.RequestContext;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Tells the client which fields of its request the provider does not get. */
public final class DroppedFields {
  private DroppedFields() {}

  /**
   * Names fields in the header {@code x-llmproxy-dropped}, unless the answer has begun.
   *
   * @param fields the fields' paths; nothing is said when there are none
   */
  public static void name(RequestContext context, Collection<String> fields) {
    context.nameDropped(fields);
  }

  /**
   * The fields of a client's request that a translation does not read, and that ask for something.
   *
   * @param read the names of the fields that it reads
   * @param usual values, as JSON, of fields that ask for nothing special
   */
  public static Set<String> unread(
      ObjectNode asked, Set<String> read, Map<String, Set<String>> usual) {
    Set<String> unread = new TreeSet<>();
    for (Map.Entry<String, JsonNode> field : asked.properties()) {
      String name = field.getKey();
      JsonNode value = field.getValue();
      boolean asksNothing =
          value.isNull() || usual.getOrDefault(name, Set.of()).contains(Json.text(value));
      if (!read.contains(name) && !asksNothing) {
        unread.add(name);
      }
    }
    return unread;
  }
}
