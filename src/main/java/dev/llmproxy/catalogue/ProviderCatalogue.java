package dev.llmproxy.catalogue;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.llmproxy.base.Settings;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

  /** The most targets that are kept of names that the catalogue does not list. */
  private static final int MOST_UNLISTED = 1000;

  /** The providers as their files describe them. */
  private final Map<String, Provider> described = new TreeMap<>();

  private final List<ModelAlias> aliases;

  /** What is wrong in the files. */
  private final List<String> problems;

  /** The providers' own lists that were read last. */
  private final Map<String, List<ModelListing.Listed>> live = new HashMap<>();

  /** The providers that run on this machine without being configured. */
  private final Set<String> found = new HashSet<>();

  /** Replaced as a whole. A request uses one throughout. */
  private volatile Snapshot snapshot;

  /** What is listed at one time. */
  private static final class Snapshot {
    private final Map<String, Provider> providers = new TreeMap<>();
    private final Map<String, Target> listed = new HashMap<>();

    /** The model ids of the providers that are on, by the provider's name of the model. */
    private final Map<String, Set<String>> bareNames = new HashMap<>();

    /** Searching a price list takes some time, and clients use few models. */
    private final Cache<String, Chain> unlisted =
        Caffeine.newBuilder().maximumSize(MOST_UNLISTED).build();

    void add(Provider provider) {
      providers.put(provider.name(), provider);
      if (provider.on()) {
        for (Model model : provider.models()) {
          Target target = provider.target(model);
          listed.put(target.modelId(), target);
        }
      }
    }

    /**
     * Adds the names of models by providers.
     *
     * @param onlyNew whether names that another provider has already are left to it
     */
    void name(Collection<Provider> providers, boolean onlyNew) {
      Set<String> taken = onlyNew ? Set.copyOf(bareNames.keySet()) : Set.of();
      for (Provider provider : providers) {
        for (Model model : provider.on() ? provider.models() : List.<Model>of()) {
          if (!taken.contains(model.id())) {
            bareNames
                .computeIfAbsent(model.id(), name -> new TreeSet<>())
                .add(provider.name() + "/" + model.id());
          }
        }
      }
    }
  }

  /**
   * Reads each {@code *.yaml} file of {@code settings.home()/providers} and its settings.
   *
   * @throws Settings.SettingException when a file or setting is wrong; the message has its place
   *     and a remedy
   */
  public ProviderCatalogue(Settings settings) {
    this(settings, false);
  }

  /**
   * As {@link #ProviderCatalogue(Settings)}.
   *
   * @param all whether providers that are off get their prices, too
   */
  public ProviderCatalogue(Settings settings, boolean all) {
    this(settings, all, new ArrayList<>());
    if (!problems.isEmpty()) {
      throw new Settings.SettingException(problems);
    }
  }

  private ProviderCatalogue(Settings settings, boolean all, List<String> problems) {
    this.problems = problems;
    Path folder = settings.home().resolve("providers");
    Set<String> formats = formats(settings.home().resolve("routes"));
    Map<String, String> owners = new HashMap<>();
    List<ProviderFile> files = new ArrayList<>();
    Set<String> names = new TreeSet<>();
    for (Path path : files(folder)) {
      names.add(path.getFileName().toString().replaceFirst("\\.yaml$", ""));
      try {
        ProviderFile file = new ProviderFile(path, settings).read(formats);
        Provider provider = file.provider();
        String other = owners.putIfAbsent(provider.setting("API_KEY"), provider.name());
        if (other != null) {
          throw new Settings.SettingException(
              "providers/%s.yaml and providers/%s.yaml have the same settings (%s); rename one"
                  .formatted(other, provider.name(), provider.setting("API_KEY")));
        }
        files.add(file);
      } catch (Settings.SettingException e) {
        problems.addAll(e.problems());
      }
    }
    List<ProviderFile> priced = files.stream().filter(file -> all || file.provider().on()).toList();
    PriceList prices =
        PriceList.read(
            settings.home(), list -> priced.stream().anyMatch(file -> file.usesPriceList(list)));
    for (ProviderFile file : files) {
      try {
        described.put(file.provider().name(), file.priced(prices));
      } catch (Settings.SettingException e) {
        problems.addAll(e.problems());
      }
    }
    aliases = new RoutingFile(names, problems).aliases(settings);
    change();
  }

  /** The providers and aliases that are right, in place of an error about the others. */
  public static ProviderCatalogue ofValidFiles(Settings settings) {
    return new ProviderCatalogue(settings, false, new ArrayList<>());
  }

  /** A sentence for each problem of the files and of MODEL_ALIASES; empty when there is none. */
  public static List<String> problems(Settings settings) {
    return List.copyOf(new ProviderCatalogue(settings, false, new ArrayList<>()).problems);
  }

  /** Makes the snapshot of the present state. */
  private synchronized void change() {
    Snapshot next = new Snapshot();
    for (Provider provider : described.values()) {
      Provider now = found.contains(provider.name()) ? provider.found() : provider;
      next.add(now.merged(live.getOrDefault(now.name(), List.of())));
    }
    List<Provider> configured =
        next.providers.values().stream().filter(each -> !found.contains(each.name())).toList();
    next.name(configured, false);
    // A provider that nobody has configured must not change what a name stands for.
    next.name(found.stream().map(next.providers::get).toList(), true);
    snapshot = next;
  }

  /**
   * Replaces the models of a provider's own list.
   *
   * @return whether they are others than before
   */
  public synchronized boolean setLive(String provider, List<ModelListing.Listed> models) {
    if (models.equals(live.put(provider, List.copyOf(models)))) {
      return false;
    }
    change();
    return true;
  }

  /**
   * Switches a provider on that runs on this machine without being configured, or off again.
   *
   * @return whether that is new
   */
  public synchronized boolean setFound(String provider, boolean runs) {
    boolean changed = runs ? found.add(provider) : found.remove(provider);
    if (changed) {
      if (!runs) {
        live.remove(provider);
      }
      change();
    }
    return changed;
  }

  /**
   * Takes over the lists that another catalogue has got from providers that have the same address
   * here.
   */
  public synchronized void takeLists(ProviderCatalogue other) {
    synchronized (other) {
      for (Provider before : other.described.values()) {
        String name = before.name();
        Provider now = described.get(name);
        if (now != null && now.on() == before.on() && now.baseUrl().equals(before.baseUrl())) {
          if (other.live.containsKey(name)) {
            live.put(name, other.live.get(name));
          }
          if (other.found.contains(name)) {
            found.add(name);
          }
        }
      }
    }
    change();
  }

  /** The providers whose own lists are read: those that are on, or may be found. */
  public List<Provider> withLists() {
    return described.values().stream()
        .filter(provider -> provider.source().isLive())
        .map(provider -> provider.on() || provider.found() == null ? provider : provider.found())
        .filter(provider -> provider.on() && !provider.baseUrl().isEmpty())
        .toList();
  }

  /** Whether nobody has configured the provider, but it may be found on this machine. */
  public boolean mayBeFound(String provider) {
    return !described.get(provider).on();
  }

  private List<Path> files(Path folder) {
    try (Stream<Path> all = Files.list(folder)) {
      List<Path> files = all.sorted().toList();
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (name.endsWith(".yml") && !name.startsWith(".")) {
          problems.add(
              "providers/%s is not read; rename it %s"
                  .formatted(name, name.replaceFirst("yml$", "yaml")));
        }
      }
      return files.stream()
          .filter(file -> file.getFileName().toString().endsWith(".yaml"))
          .filter(file -> !file.getFileName().toString().startsWith("."))
          .filter(file -> !file.getFileName().toString().equals(RoutingFile.NAME))
          .toList();
    } catch (IOException e) {
      throw new Settings.SettingException(
          "the folder %s of the providers cannot be read".formatted(folder));
    }
  }

  /** The wire formats; each has a route {@code provider-<format>}. */
  private static Set<String> formats(Path routes) {
    Set<String> formats = new TreeSet<>(Set.of("local", "openai"));
    try (Stream<Path> files = Files.list(routes)) {
      files
          .map(file -> FORMAT_ROUTE.matcher(file.getFileName().toString()))
          .filter(Matcher::matches)
          .forEach(route -> formats.add(route.group(1)));
    } catch (IOException e) {
      // With camel run, the routes may be in another folder.
      return formats;
    }
    return formats;
  }

  /** All providers by name, including those that are off. */
  public Collection<Provider> providers() {
    return Collections.unmodifiableCollection(snapshot.providers.values());
  }

  /** All aliases, in the order in which a name is looked up. */
  public List<ModelAlias> aliases() {
    return aliases;
  }

  /** Whether the provider of an alias's target is on. */
  public boolean isOn(String modelId) {
    return provider(modelId).on();
  }

  /**
   * The targets of a chat model.
   *
   * @throws ApiException as {@link #chain(String, String)}
   */
  public Chain chatChain(String name) {
    return chain(name, "chat");
  }

  /**
   * The targets of an embedding model.
   *
   * @throws ApiException as {@link #chain(String, String)}
   */
  public Chain embeddingChain(String name) {
    return chain(name, "embeddings");
  }

  /**
   * The targets of a name, as {@link #chain(String)}, if the first one's model has the ability. A
   * model without known abilities is accepted.
   *
   * @throws ApiException 400 when the model does not have the ability, 404 when no provider of that
   *     name is on
   */
  private Chain chain(String name, String ability) {
    Chain chain = chain(name);
    if (!chain.first().can(ability)) {
      throw OpenAiErrors.invalidValue(
              "model",
              "`%s` is not for %s but for %s; GET /v1/models lists the abilities of each model."
                  .formatted(name, ability, String.join(", ", chain.first().model().abilities())))
          .asException();
    }
    return chain;
  }

  /**
   * The aliases without {@code *} whose targets include a provider that is on, with their targets.
   */
  public Map<String, Target> listedAliases() {
    Map<String, Target> names = new LinkedHashMap<>();
    for (ModelAlias alias : aliases) {
      if (alias.isExact() && alias.targets().models().stream().anyMatch(this::isOn)) {
        names.putIfAbsent(alias.name(), target(alias.name()));
      }
    }
    return names;
  }

  /**
   * The first target of a name; see {@link #chain(String)}.
   *
   * @throws ApiException as {@link #chain(String)}
   */
  public Target target(String name) {
    return chain(name).first();
  }

  /**
   * The targets of a client's name of a model: {@code provider/model}, else an alias, else the name
   * that exactly one provider that is on has for a listed model. A provider that is on also gets
   * models that are not in the catalogue. The targets of an alias whose provider is off are left
   * out.
   *
   * @throws ApiException 400 when it is not a valid name (too long, or with control characters),
   *     404 when there is no such model, or when several providers have it
   */
  public Chain chain(String name) {
    Snapshot now = snapshot;
    Target known = now.listed.get(name);
    if (known != null) {
      return Chain.of(known);
    }
    Chain chain = now.unlisted.getIfPresent(name);
    if (chain == null) {
      ModelId.check(name);
      ModelAlias.Targets alias = alias(name);
      chain = alias == null ? Chain.of(target(name, bareName(name))) : chain(name, alias);
      now.unlisted.put(name, chain);
    }
    return chain;
  }

  /** The prompt of the alias that a client's name of a model is; null when it has none. */
  public String promptOf(String name) {
    ModelAlias.Targets alias = alias(name);
    return alias == null ? null : alias.prompt();
  }

  /** The targets of the first alias that the name fits; null for none and for a model id. */
  private ModelAlias.Targets alias(String name) {
    return provider(name) != null
        ? null
        : aliases.stream()
            .map(alias -> alias.targetsOf(name))
            .filter(Objects::nonNull)
            .findFirst()
            .orElse(null);
  }

  private Chain chain(String name, ModelAlias.Targets alias) {
    List<Target> targets = new ArrayList<>();
    List<Integer> weights = new ArrayList<>();
    for (int i = 0; i < alias.models().size(); i++) {
      if (isOn(alias.models().get(i))) {
        targets.add(target(name, alias.models().get(i)));
        weights.add(alias.weights().isEmpty() ? 1 : alias.weights().get(i));
      }
    }
    if (targets.isEmpty()) {
      // The error of the first one says why it is off.
      return Chain.of(target(name, alias.models().getFirst()));
    }
    return new Chain(
        targets,
        alias.weights().isEmpty() ? List.of() : weights,
        thoseOn(name, alias.longContext()),
        thoseOn(name, alias.otherPolicy()));
  }

  private List<Target> thoseOn(String name, List<String> modelIds) {
    return modelIds.stream().filter(this::isOn).map(id -> target(name, id)).toList();
  }

  private Target target(String name, String modelId) {
    Target target = snapshot.listed.get(modelId);
    return (target == null ? unlisted(name, modelId) : target).as(name);
  }

  /** The model id for a provider's own name of a model; the name itself when it is none. */
  private String bareName(String name) {
    Set<String> candidates =
        provider(name) == null ? snapshot.bareNames.getOrDefault(name, Set.of()) : Set.of();
    if (candidates.size() > 1) {
      throw OpenAiErrors.modelNotFound(
              name, "several providers have it: " + String.join(", ", candidates))
          .asException();
    }
    return candidates.isEmpty() ? name : candidates.iterator().next();
  }

  /** The provider of a model id; null when there is none of that name. */
  private Provider provider(String modelId) {
    int slash = modelId.indexOf('/');
    return slash < 1 ? null : snapshot.providers.get(modelId.substring(0, slash));
  }

  /**
   * @param name the client's name of the model, for errors
   */
  private Target unlisted(String name, String modelId) {
    Provider provider = provider(modelId);
    String upstreamModel = modelId.substring(modelId.indexOf('/') + 1);
    if (provider == null || upstreamModel.isEmpty()) {
      throw OpenAiErrors.modelNotFound(
              name,
              modelId.indexOf('/') < 1
                  ? "a model id has the form provider/model, and GET /v1/models lists them"
                  : null)
          .asException();
    }
    if (!provider.on()) {
      String reason =
          "the provider `%s` is not configured here (%s)"
              .formatted(provider.name(), provider.off());
      throw OpenAiErrors.modelNotFound(
              name,
              name.equals(modelId) ? reason : "it stands for `" + modelId + "`, and " + reason)
          .asException();
    }
    if (provider.baseUrl().isEmpty()) {
      throw OpenAiErrors.modelNotFound(name).asException();
    }
    return provider.target(upstreamModel);
  }
}
