package dev.llmproxy.catalogue;

import dev.llmproxy.base.Settings;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The providers and models of the folder {@code providers/}, switched on by settings. */
public final class ProviderCatalogue {
  private static final Pattern FORMAT_ROUTE =
      Pattern.compile("provider-([a-z0-9]+)\\.camel\\.yaml");

  private final Map<String, Provider> providers = new TreeMap<>();

  /**
   * Reads each {@code *.yaml} file of {@code settings.home()/providers}, and the settings of each.
   *
   * @throws Settings.SettingException when a file or a setting is wrong: which, where and what to
   *     do
   */
  public ProviderCatalogue(Settings settings) {
    Path folder = settings.home().resolve("providers");
    Set<String> formats = formats(settings.home().resolve("routes"));
    Map<String, String> owners = new HashMap<>();
    for (Path file : files(folder)) {
      Provider provider = new ProviderFile(file, settings).read(formats);
      String other = owners.put(provider.setting("API_KEY"), provider.name());
      if (other != null) {
        throw new Settings.SettingException(
            "providers/%s.yaml and providers/%s.yaml have the same settings (%s); rename one"
                .formatted(other, provider.name(), provider.setting("API_KEY")));
      }
      providers.put(provider.name(), provider);
    }
  }

  private static List<Path> files(Path folder) {
    try (Stream<Path> all = Files.list(folder)) {
      List<Path> files = all.sorted().toList();
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (name.endsWith(".yml") && !name.startsWith(".")) {
          throw new Settings.SettingException(
              "providers/%s is not read; rename it %s"
                  .formatted(name, name.replaceFirst("yml$", "yaml")));
        }
      }
      return files.stream()
          .filter(file -> file.getFileName().toString().endsWith(".yaml"))
          .filter(file -> !file.getFileName().toString().startsWith("."))
          .toList();
    } catch (IOException e) {
      throw new Settings.SettingException(
          "the folder of the providers, %s, cannot be read".formatted(folder));
    }
  }

  /** The wire formats: a route is named after each. */
  private static Set<String> formats(Path routes) {
    Set<String> formats = new TreeSet<>(Set.of("local", "openai"));
    try (Stream<Path> files = Files.list(routes)) {
      files
          .map(file -> FORMAT_ROUTE.matcher(file.getFileName().toString()))
          .filter(Matcher::matches)
          .forEach(route -> formats.add(route.group(1)));
    } catch (IOException e) {
      // Under camel run the routes may be elsewhere.
      return formats;
    }
    return formats;
  }

  /** All providers by name, those that are off included. */
  public Collection<Provider> providers() {
    return Collections.unmodifiableCollection(providers.values());
  }

  /**
   * The target of a chat model.
   *
   * @throws ApiException as {@link #target(String, String)}
   */
  public Target chatTarget(String modelId) {
    return target(modelId, "chat");
  }

  /**
   * The target of an embedding model.
   *
   * @throws ApiException as {@link #target(String, String)}
   */
  public Target embeddingTarget(String modelId) {
    return target(modelId, "embeddings");
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
}
