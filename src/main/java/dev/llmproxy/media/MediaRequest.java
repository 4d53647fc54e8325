package dev.llmproxy.media;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.ModelRequest;
import dev.llmproxy.call.TextChange;
import dev.llmproxy.catalogue.MediaEndpoint;
import dev.llmproxy.catalogue.Target;
import java.util.ArrayList;
import java.util.List;

/**
 * A request that is passed on to its model's provider as it is, apart from the name of the model.
 *
 * @param endpoint the endpoint
 * @param body the JSON of the request, or the texts of its form; never changed
 * @param form the form; null for JSON
 */
public record MediaRequest(MediaEndpoint endpoint, ObjectNode body, MultipartForm form)
    implements ModelRequest {
  /** The fields with the client's texts. */
  private static final List<String> TEXTS =
      List.of("input", "prompt", "query", "documents", "instructions");

  @Override
  public ModelRequest of(ObjectNode changed) {
    return new MediaRequest(endpoint, changed, form);
  }

  @Override
  public String type() {
    return endpoint.type();
  }

  @Override
  public String model() {
    return body.get("model").textValue();
  }

  /** Whether a target's provider has the endpoint. */
  public boolean has(Target target) {
    return target.provider().endpoints().path(endpoint).isPresent();
  }

  @Override
  public String promptText() {
    List<String> texts = new ArrayList<>();
    TEXTS.forEach(field -> collect(body.path(field), texts));
    return String.join("\n", texts);
  }

  private static void collect(JsonNode value, List<String> texts) {
    if (value.isTextual()) {
      texts.add(value.textValue());
    } else if (value.isArray()) {
      value.forEach(each -> collect(each, texts));
    } else if (value.path("text").isTextual()) {
      texts.add(value.path("text").textValue());
    }
  }

  @Override
  public ModelRequest withTexts(TextChange change) {
    ObjectNode changed = copy();
    for (String field : TEXTS) {
      if (changed.has(field)) {
        changed.set(field, changed(changed.get(field), change));
      }
    }
    return changed.equals(body) ? this : of(changed);
  }

  private static JsonNode changed(JsonNode value, TextChange change) {
    if (value.isTextual()) {
      return TextNode.valueOf(change.changed(TextChange.USER, value.textValue()));
    }
    if (value.isArray()) {
      ArrayNode list = Json.array();
      value.forEach(each -> list.add(changed(each, change)));
      return list;
    }
    if (value instanceof ObjectNode part && part.path("text").isTextual()) {
      ObjectNode copy = Json.object();
      copy.setAll(part);
      return copy.set("text", changed(part.get("text"), change));
    }
    return value;
  }

  /** Returns the same request, because no limit of tokens applies to all of these endpoints. */
  @Override
  public ModelRequest withMostTokens(int most) {
    return this;
  }

  /** Leaves out the client's data; the generated method would print the whole body. */
  @Override
  public String toString() {
    return "MediaRequest[" + endpoint.path() + "]";
  }
}
