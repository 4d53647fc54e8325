package dev.llmproxy.migration;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/** The field {@code models} of a provider file. */
final class ModelEntries {
  private static final String MODELS = "models";

  private ModelEntries() {}

  /** Adds what is known of the models, in place of the entries with their ids. */
  static void add(ObjectNode file, Map<String, OwnModel> models) {
    ArrayNode list =
        file.has(MODELS) ? file.withArray(MODELS).deepCopy() : Connections.YAML.createArrayNode();
    file.remove(MODELS);
    for (OwnModel model : models.values()) {
      if (model.id().contains("*") || !model.described()) {
        continue;
      }
      ObjectNode entry = Connections.YAML.createObjectNode();
      for (int i = list.size() - 1; i >= 0; i--) {
        if (list.get(i).path("id").asText().equals(model.id())) {
          entry = (ObjectNode) list.remove(i);
        }
      }
      list.add(described(entry, model));
    }
    if (!list.isEmpty()) {
      file.set(MODELS, list);
    }
  }

  private static ObjectNode described(ObjectNode entry, OwnModel model) {
    entry.put("id", model.id());
    if (model.contextLength() > 0) {
      entry.put("contextLength", model.contextLength());
    }
    if (model.maxOutput() > 0) {
      entry.put("maxOutput", model.maxOutput());
    }
    if (!model.abilities().isEmpty()) {
      ArrayNode abilities = entry.putArray("abilities");
      model.abilities().forEach(abilities::add);
    }
    if (model.priceAs() != null) {
      entry.put("priceAs", model.priceAs());
    }
    if (model.priced()) {
      ObjectNode price = entry.putObject("price");
      price.put("input", model.input());
      if (model.cached() != null) {
        price.put("cached", model.cached());
      }
      price.put("output", model.output());
    }
    return entry;
  }
}
