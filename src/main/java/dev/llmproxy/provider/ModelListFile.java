package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.PrivateFile;
import dev.llmproxy.catalogue.ModelListing.Listed;
import dev.llmproxy.catalogue.Provider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file {@code models.json} of the data folder: the providers' own lists of models as they were
 * read last. A server that starts while a provider is down lists its models all the same.
 */
final class ModelListFile {
  private static final Logger LOG = LoggerFactory.getLogger(ModelListFile.class);
  private static final int VERSION = 1;

  private final Path file;

  ModelListFile(Path folder) {
    file = folder.resolve("models.json");
  }

  /**
   * The lists of these providers, by name. A list from another address than a provider's is left
   * out. Empty when the file is missing or damaged; the latter is logged.
   */
  Map<String, List<Listed>> read(List<Provider> providers) {
    Map<String, List<Listed>> lists = new TreeMap<>();
    try {
      JsonNode content = Json.parse(Files.readString(file));
      if (content.path("version").asInt() != VERSION) {
        throw new IOException("it is of another version of llmproxy");
      }
      for (Provider provider : providers) {
        JsonNode entry = content.path("providers").path(provider.name());
        if (provider.baseUrl().equals(entry.path("url").asText())) {
          lists.put(provider.name(), models(entry.path("models")));
        }
      }
    } catch (NoSuchFileException e) {
      return Map.of();
    } catch (IOException e) {
      LOG.warn("The model lists in {} are not used: {}", file, e.getMessage());
      return Map.of();
    }
    return lists;
  }

  private static List<Listed> models(JsonNode list) {
    List<Listed> models = new ArrayList<>();
    for (JsonNode model : list) {
      List<String> abilities = new ArrayList<>();
      model.path("abilities").forEach(each -> abilities.add(each.asText()));
      models.add(
          new Listed(
              model.path("id").asText(),
              model.path("label").textValue(),
              model.path("contextLength").asInt(),
              model.path("maxOutput").asInt(),
              abilities));
    }
    return models;
  }

  /** Replaces the file. A failure is logged, and the earlier file stays. */
  void write(List<Provider> providers, Map<String, List<Listed>> lists) {
    ObjectNode content = Json.object().put("version", VERSION);
    ObjectNode entries = content.putObject("providers");
    for (Provider provider : providers) {
      if (lists.containsKey(provider.name())) {
        ObjectNode entry = entries.putObject(provider.name()).put("url", provider.baseUrl());
        var models = entry.putArray("models");
        for (Listed each : lists.get(provider.name())) {
          ObjectNode model =
              models
                  .addObject()
                  .put("id", each.id())
                  .put("label", each.label())
                  .put("contextLength", each.contextLength())
                  .put("maxOutput", each.maxOutput());
          each.abilities().forEach(model.putArray("abilities")::add);
        }
      }
    }
    try {
      PrivateFile.write(file, Json.text(content) + "\n");
    } catch (IOException e) {
      LOG.warn("The model lists cannot be stored in {}: {}", file, e.toString());
    }
  }
}
