package dev.llmproxy.catalogue;

import java.net.URI;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * A service that runs models. Its file in {@code providers/} describes it, and settings switch it
 * on.
 *
 * @param name the part of a model id before the first slash, and the file's name
 * @param label the name for people
 * @param format the wire format, which names the route: {@code direct:provider-<format>}
 * @param baseUrl the address of its API, without a slash at the end; empty for a model in this
 *     process
 * @param apiKey this server's key for the provider, or null
 * @param off why the provider cannot be used, for people; null when it is on
 * @param models its models in the catalogue
 * @param dialect how its requests differ from OpenAI's
 * @param headers additional headers of its requests, including the key; see {@link #requestHeaders}
 * @param query the encoded query string of its requests, without the question mark; empty for none
 * @param secrets the secret values in its requests, which must not be shown
 * @param keySetting the setting with the key
 * @param google the Google account that replaces the key; null for none
 * @param source where its listed models come from
 * @param unlisted the prices of a model that is not in {@code models}, by the provider's name of it
 * @param rules what its models take; the first that matches counts
 * @param spares the provider with each further key, in order; empty when it has one key
 * @param found the provider at its usual address on this machine, if it runs there without being
 *     configured; null for none
 * @param endpoints what it has beside chats and embeddings
 */
public record Provider(
    String name,
    String label,
    String format,
    String baseUrl,
    String apiKey,
    String off,
    List<Model> models,
    RequestDialect dialect,
    Map<String, String> headers,
    String query,
    List<String> secrets,
    String keySetting,
    GoogleToken google,
    ModelSource source,
    Function<String, List<Price>> unlisted,
    List<ModelRule> rules,
    List<Provider> spares,
    Provider found,
    Endpoints endpoints) {
  /** OpenAI's Responses format, of clients and of some providers. */
  public static final String RESPONSES = "responses";

  public Provider {
    models = models == null ? List.of() : List.copyOf(models);
    headers = Map.copyOf(headers);
    secrets = List.copyOf(secrets);
    rules = rules == null ? List.of() : List.copyOf(rules);
    spares = List.copyOf(spares);
    dialect = dialect == null ? RequestDialect.UNCHANGED : dialect;
  }

  /** A provider whose requests do not differ from OpenAI's. */
  public Provider(
      String name,
      String label,
      String format,
      String baseUrl,
      String apiKey,
      String off,
      List<Model> models) {
    this(
        name,
        label,
        format,
        baseUrl,
        apiKey,
        off,
        models,
        null,
        apiKey == null ? Map.of() : Map.of("Authorization", "Bearer " + apiKey),
        "",
        apiKey == null ? List.of() : List.of(apiKey),
        settingPrefix(name) + "_API_KEY",
        null,
        ModelSource.USUAL,
        model -> List.of(),
        List.of(),
        List.of(),
        null,
        Endpoints.NONE);
  }

  /** The provider with other models and prices. */
  Provider with(List<Model> models, Function<String, List<Price>> unlisted) {
    return new Provider(
        name,
        label,
        format,
        baseUrl,
        apiKey,
        off,
        models,
        dialect,
        headers,
        query,
        secrets,
        keySetting,
        google,
        source,
        unlisted,
        rules,
        spares.stream().map(spare -> spare.with(models, unlisted)).toList(),
        found == null ? null : found.with(models, unlisted),
        endpoints);
  }

  /** The path of its own list of models below the base URL. */
  public String modelList() {
    return source.path();
  }

  /**
   * Whether a model of its own list is listed here: its file does not hide it, and it chats or
   * embeds.
   */
  public boolean shows(ModelListing.Listed model) {
    return !model.isOfAnotherKind() && !source.hides(model.id());
  }

  /** Which models are listed: {@code file}, {@code live} (its own list), or {@code both}. */
  public String listed() {
    return source.listed().name().toLowerCase(Locale.ROOT);
  }

  /** Whether its requests have a key or another secret, or a token of a Google account. */
  public boolean hasCredentials() {
    return google != null || !secrets.isEmpty();
  }

  /** The provider with the listed models that its file and its own list have. */
  Provider merged(List<ModelListing.Listed> live) {
    Map<String, Model> merged = new LinkedHashMap<>();
    if (source.listed() != ModelSource.Listed.LIVE) {
      models.forEach(model -> merged.put(model.id(), model));
    }
    for (ModelListing.Listed each : live) {
      if (!each.isOfAnotherKind()) {
        merged.put(
            each.id(),
            model(each.id())
                .map(model -> model.or(each))
                .orElseGet(() -> Model.of(each, unlisted.apply(each.id()))));
      }
    }
    merged.keySet().removeIf(source::hides);
    return with(List.copyOf(merged.values()), unlisted);
  }

  /** The target of a request for a model, whether or not it is in the catalogue. */
  Target target(String upstreamModel) {
    return model(upstreamModel)
        .map(this::target)
        .orElseGet(() -> target(upstreamModel, null, unlisted.apply(upstreamModel)));
  }

  /** The target of a request for one of the models. */
  Target target(Model model) {
    return target(model.id(), model, model.prices());
  }

  private Target target(String upstreamModel, Model model, List<Price> prices) {
    String id = name + "/" + upstreamModel;
    return new Target(id, this, upstreamModel, model, dialect.of(upstreamModel), prices, id);
  }

  /**
   * The additional headers of a request, with a valid token when a Google account replaces the key.
   *
   * @throws dev.llmproxy.error.ApiException 502 when Google gives no token
   */
  public Map<String, String> requestHeaders() {
    if (google == null) {
      return headers;
    }
    Map<String, String> all = new HashMap<>(headers);
    all.put("Authorization", "Bearer " + google.value(name));
    return all;
  }

  /**
   * Whether it takes requests of a client's format as they are.
   *
   * @param clientFormat {@code anthropic} for Messages, {@link #RESPONSES} for OpenAI's Responses
   */
  public boolean speaks(String clientFormat) {
    return format.equals(clientFormat) || (clientFormat.equals(RESPONSES) && endpoints.responses());
  }

  /** Whether the provider is configured and may be called. */
  public boolean on() {
    return off == null;
  }

  /** The prefix of the provider's settings, e.g. {@code OPENAI} of {@code OPENAI_BASE_URL}. */
  public String settingPrefix() {
    return name.toUpperCase(Locale.ROOT).replace('-', '_');
  }

  /** The model with this upstream name in the catalogue, or empty. */
  public Optional<Model> model(String upstreamModel) {
    return models.stream().filter(model -> model.id().equals(upstreamModel)).findFirst();
  }

  /** What a model takes. Without a rule for it, it takes everything but thinking. */
  public ModelRule rule(String upstreamModel) {
    return rules.stream()
        .filter(rule -> rule.matches(upstreamModel))
        .findFirst()
        .orElse(ModelRule.NONE);
  }

  /** The name of the provider's setting, e.g. {@code GROQ_API_KEY} for the kind {@code API_KEY}. */
  public String setting(String kind) {
    return settingPrefix(name) + "_" + kind;
  }

  static String settingPrefix(String name) {
    return name.toUpperCase(Locale.ROOT).replace('-', '_');
  }

  /**
   * The address of an endpoint.
   *
   * @param path the path below the base URL, with a slash at the beginning; {@code /..} goes one
   *     level up
   */
  public String url(String path) {
    String address =
        path.startsWith("/../")
            ? URI.create(baseUrl + path).normalize().toString()
            : baseUrl + path;
    return query.isEmpty() ? address : address + (path.contains("?") ? "&" : "?") + query;
  }

  /** The text with … for each of the provider's secrets; null for null. */
  public String masked(String text) {
    String masked = text;
    for (String secret : secrets) {
      masked = masked == null ? null : masked.replace(secret, "…");
    }
    return masked;
  }

  /** The name alone: a record would print all fields, the key included. */
  @Override
  public String toString() {
    return "Provider[" + name + "]";
  }
}
