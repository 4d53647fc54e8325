package dev.llmproxy.provider;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import dev.llmproxy.Settings;
import dev.llmproxy.api.ApiException;
import dev.llmproxy.api.OpenAiErrors;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.embedding.EmbeddingRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The providers and models of the folder {@code providers/}, switched on by settings. */
public final class ProviderCatalogue {
  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .addModule(new JavaTimeModule())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private final Map<String, Provider> providers = new TreeMap<>();

  /**
   * Reads each {@code *.yaml} file of {@code settings.home()/providers}.
   *
   * @throws Settings.SettingException when a file cannot be read or says something unknown
   */
  public ProviderCatalogue(Settings settings) {
    Path folder = settings.home().resolve("providers");
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".yaml")).sorted().toList()) {
        String name = file.getFileName().toString().replaceFirst("\\.yaml$", "");
        providers.put(name, YAML.readValue(file.toFile(), Entry.class).provider(name, settings));
      }
    } catch (IOException e) {
      throw new Settings.SettingException(
          "cannot read the providers in " + folder + ": " + e.getMessage());
    }
  }

  /** All providers by name, those that are off included. */
  public Collection<Provider> providers() {
    return Collections.unmodifiableCollection(providers.values());
  }

  /** Where this request's model is served; see {@link #target(String, String)}. */
  public Target select(ChatRequest request) {
    return target(request.model(), "chat");
  }

  /** Where this request's model is served; see {@link #target(String, String)}. */
  public Target select(EmbeddingRequest request) {
    return target(request.model(), "embeddings");
  }

  /**
   * Where a model is served, as {@link #target(String)}, when it has the ability that the request
   * needs. A model of unknown abilities is asked.
   *
   * @throws ApiException 400 when the model is known to be for something else, 404 when no provider
   *     of that name is on
   */
  Target target(String modelId, String ability) {
    Target target = target(modelId);
    Model model = target.model();
    if (model != null && !model.abilities().isEmpty() && !model.abilities().contains(ability)) {
      throw OpenAiErrors.invalidValue(
              "model",
              "`%s` is not for %s but for %s; GET /v1/models lists the abilities of each model."
                  .formatted(modelId, ability, String.join(", ", model.abilities())))
          .asException();
    }
    return target;
  }

  /**
   * Where a model is served. A model that is not in the catalogue is passed on as it is to a
   * provider that is on.
   *
   * @param modelId {@code provider/model}
   * @throws ApiException 400 when it can be no model id (too long, or with control characters), 404
   *     when no provider of that name is on
   */
  public Target target(String modelId) {
    ModelId.check(modelId);
    int slash = modelId.indexOf('/');
    Provider provider = slash < 1 ? null : providers.get(modelId.substring(0, slash));
    String upstreamModel = modelId.substring(slash + 1);
    if (provider == null || upstreamModel.isEmpty()) {
      throw OpenAiErrors.modelNotFound(
              modelId,
              slash < 1
                  ? "a model id has the form provider/model, and GET /v1/models lists them"
                  : null)
          .asException();
    }
    if (!provider.on()) {
      throw OpenAiErrors.modelNotFound(
              modelId,
              "the provider `%s` is not configured here (%s)"
                  .formatted(provider.name(), provider.off()))
          .asException();
    }
    Model model = provider.model(upstreamModel).orElse(null);
    if (model == null && provider.baseUrl().isEmpty()) {
      throw OpenAiErrors.modelNotFound(modelId).asException();
    }
    return new Target(modelId, provider, upstreamModel, model);
  }

  /** A provider's file. */
  private record Entry(
      String label,
      String format,
      String baseUrl,
      boolean local,
      RequestDialect request,
      List<Model> models) {

    Provider provider(String name, Settings settings) {
      String prefix = name.toUpperCase(Locale.ROOT).replace('-', '_');
      String ownBaseUrl = settings.find(prefix + "_BASE_URL").orElse(null);
      String apiKey = settings.find(prefix + "_API_KEY").orElse(null);
      String url = ownBaseUrl != null ? ownBaseUrl : baseUrl == null ? "" : baseUrl;
      String off;
      if (local) {
        off = settings.on("LOCAL_MODEL") ? null : "LOCAL_MODEL is off";
      } else if (apiKey == null && ownBaseUrl == null) {
        off = baseUrl == null ? prefix + "_BASE_URL is not set" : prefix + "_API_KEY is not set";
      } else if (url.isEmpty()) {
        off = prefix + "_BASE_URL is not set";
      } else {
        off = null;
      }
      return new Provider(
          name,
          label == null ? name : label,
          format,
          url.replaceFirst("/+$", ""),
          apiKey,
          off,
          models,
          request);
    }
  }
}
