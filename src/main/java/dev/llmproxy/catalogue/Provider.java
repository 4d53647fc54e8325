package dev.llmproxy.catalogue;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A service that runs models, as its file in {@code providers/} describes it and the settings
 * switch it on.
 *
 * @param name the part of a model id before the first slash, and the file's name
 * @param label what people call it
 * @param format the wire format, which names the route: {@code direct:provider-<format>}
 * @param baseUrl where it answers, without a slash at the end; empty for a model in this process
 * @param apiKey this server's key there, or null
 * @param off why it cannot be used, for people; null when it is on
 * @param models what it is known to have
 * @param dialect how its requests differ from OpenAI's
 * @param headers what its requests have besides, its key included
 * @param query what stands behind the path of its requests, as it is sent and without the question
 *     mark; empty when nothing does
 * @param secrets of what is sent to it, which are shown to nobody
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
    List<String> secrets) {
  public Provider {
    models = models == null ? List.of() : List.copyOf(models);
    headers = Map.copyOf(headers);
    secrets = List.copyOf(secrets);
    dialect = dialect == null ? RequestDialect.AS_IT_IS : dialect;
  }

  /** A provider whose requests are OpenAI's. */
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
        apiKey == null ? List.of() : List.of(apiKey));
  }

  /** Whether the provider is configured and may be called. */
  public boolean on() {
    return off == null;
  }

  /** The prefix of the provider's settings, e.g. {@code OPENAI} of {@code OPENAI_BASE_URL}. */
  public String settingPrefix() {
    return name.toUpperCase(Locale.ROOT).replace('-', '_');
  }

  /** The model in the catalogue that the provider calls this, or empty. */
  public Optional<Model> model(String upstreamModel) {
    return models.stream().filter(model -> model.id().equals(upstreamModel)).findFirst();
  }

  /** The name of its setting of this kind, e.g. {@code GROQ_API_KEY} for {@code API_KEY}. */
  public String setting(String kind) {
    return settingPrefix(name) + "_" + kind;
  }

  static String settingPrefix(String name) {
    return name.toUpperCase(Locale.ROOT).replace('-', '_');
  }

  /**
   * Where it answers.
   *
   * @param path below its base URL, with a slash at the beginning
   */
  public String url(String path) {
    return query.isEmpty() ? baseUrl + path : baseUrl + path + "?" + query;
  }

  /** The text without this server's key there, and its other secrets; null for null. */
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
