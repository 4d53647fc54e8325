package dev.llmproxy.migration;

import dev.llmproxy.migration.Aliases.Deployment;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Translates the entries of {@code model_list}. */
final class LiteLlmModels {

  private static final Set<String> KNOWN =
      Set.of(
          "model",
          "api_base",
          "base_url",
          "api_key",
          "api_version",
          "rpm",
          "tpm",
          "weight",
          "order",
          "litellm_credential_name",
          "custom_llm_provider",
          "input_cost_per_token",
          "output_cost_per_token",
          "cache_read_input_token_cost",
          "aws_region_name",
          "vertex_project",
          "vertex_location",
          "vertex_credentials",
          "drop_params");
  private static final Set<String> KNOWN_INFO =
      Set.of(
          "id",
          "order",
          "mode",
          "base_model",
          "max_tokens",
          "max_input_tokens",
          "max_output_tokens",
          "input_cost_per_token",
          "output_cost_per_token",
          "cache_read_input_token_cost",
          "supports_vision",
          "supports_function_calling",
          "supports_response_schema",
          "supports_reasoning",
          "description",
          "version",
          "db_model");
  private static final Set<String> FIELDS = Set.of("model_name", "litellm_params", "model_info");
  private static final BigDecimal MILLION = BigDecimal.valueOf(1_000_000);

  private final ImportPlan plan;
  private final Connections connections;
  private final LiteLlmProviders providers;
  private final Aliases aliases;
  private final Map<String, Map<String, YamlValue>> credentials;

  /** Which of weight, rpm and tpm is the weight of a name's deployments. */
  private final Map<String, String> measures = new HashMap<>();

  LiteLlmModels(
      ImportPlan plan,
      Connections connections,
      Aliases aliases,
      Map<String, Map<String, YamlValue>> credentials) {
    this.plan = plan;
    this.connections = connections;
    providers = new LiteLlmProviders(plan, connections);
    this.aliases = aliases;
    this.credentials = credentials;
  }

  /**
   * Adds a deployment.
   *
   * @throws ImportException when the entry has no name or model
   */
  void add(YamlValue entry) {
    String name = entry.text("model_name");
    YamlValue given = entry.get("litellm_params");
    if (name == null || given == null || given.text("model") == null) {
      throw new ImportException(
          entry.place() + ": an entry of model_list needs model_name and litellm_params.model");
    }
    Map<String, YamlValue> params = withCredentials(given, name);
    YamlValue info = entry.get("model_info");
    notes(entry, name, params, info);
    String model = given.text("model");
    String custom = given.text("custom_llm_provider");
    int slash = model.indexOf('/');
    String provider = custom != null ? custom : slash > 0 ? model.substring(0, slash) : null;
    String upstream =
        slash > 0 && (custom == null || model.startsWith(custom + "/"))
            ? model.substring(slash + 1)
            : model;
    if (provider == null) {
      provider = LiteLlmProviders.inferred(model);
    }
    if (model.equals("*")) {
      plan.note(
          entry,
          "model_name " + name + " for all models",
          "a client's name is found by itself when one provider that is on has it; else clients use provider/model");
      return;
    }
    Connection connection =
        provider == null ? null : providers.connection(entry, name, provider, params);
    if (connection == null) {
      if (provider == null) {
        plan.note(entry, "model " + model, "it names no provider");
      }
      return;
    }
    String id = LiteLlmProviders.modelId(provider, upstream);
    connections.add(connection, described(id, params, info));
    aliases
        .group(name, entry.place())
        .add(new Deployment(connection, id, order(params, info), weight(name, params)));
  }

  private Map<String, YamlValue> withCredentials(YamlValue given, String name) {
    Map<String, YamlValue> params = new LinkedHashMap<>(given.entries());
    String credential = given.text("litellm_credential_name");
    if (credential != null) {
      if (credentials.containsKey(credential)) {
        credentials.get(credential).forEach(params::putIfAbsent);
      } else {
        plan.note(
            given,
            "litellm_credential_name " + credential + " of " + name,
            "credential_list does not have it; set the provider's key yourself");
      }
    }
    return params;
  }

  private void notes(YamlValue entry, String name, Map<String, YamlValue> params, YamlValue info) {
    params.forEach((param, value) -> {
      if (!KNOWN.contains(param)) {
        plan.note(
            value,
            "litellm_params.%s of %s".formatted(param, name),
            switch (param) {
              case "max_budget", "budget_duration" ->
                  "budgets are by tier and by key (docs/operation.md)";
              case "timeout", "stream_timeout", "num_retries", "max_retries" ->
                  "time limits and repeats are for all models (docs/routing.md)";
              case "max_parallel_requests" ->
                  "the column Concurrent of the sheet Tiers limits requests at once";
              case "extra_headers", "headers", "organization" ->
                  "the field headers of a provider file has headers";
              case "mock_response" -> "it has no equivalent";
              case "azure_ad_token", "tenant_id", "client_id", "client_secret" ->
                  "llmproxy uses an API key of the resource";
              case "aws_access_key_id",
                  "aws_secret_access_key",
                  "aws_session_token",
                  "aws_profile_name",
                  "aws_role_name",
                  "aws_session_name" ->
                  "llmproxy uses an API key of Bedrock";
              default -> "the field request.default of a provider file adds fields to requests";
            });
      }
    });
    if (params.containsKey("rpm") || params.containsKey("tpm")) {
      plan.note(
          entry,
          "rpm and tpm of " + name + " as limits",
          "limits are by tier and by key; here they are only the weights of the targets, and a provider's 429 leads to the next target");
    }
    if (info != null) {
      info.entries()
          .forEach((field, value) -> {
            if (!KNOWN_INFO.contains(field)) {
              plan.note(
                  value,
                  "model_info.%s of %s".formatted(field, name),
                  field.equals("access_groups")
                      ? "the columns Models of the sheet Tiers and Allowed Models of a key say who may use a model"
                      : "it has no equivalent");
            }
          });
    }
    entry
        .entries()
        .forEach((field, value) -> {
          if (!FIELDS.contains(field)) {
            plan.note(value, "%s of %s".formatted(field, name), "it has no equivalent");
          }
        });
  }

  private static OwnModel described(String id, Map<String, YamlValue> params, YamlValue info) {
    Map<String, YamlValue> all = new LinkedHashMap<>(params);
    // A max_tokens beside the model is a field of requests.
    all.remove("max_tokens");
    if (info != null) {
      all.putAll(info.entries());
    }
    List<String> abilities = new ArrayList<>();
    if ("embedding".equals(text(all, "mode"))) {
      abilities.add("embeddings");
    } else if (isTrue(all, "supports_function_calling")
        || isTrue(all, "supports_vision")
        || isTrue(all, "supports_response_schema")
        || isTrue(all, "supports_reasoning")) {
      abilities.add("chat");
      addIf(abilities, "tools", isTrue(all, "supports_function_calling"));
      addIf(abilities, "vision", isTrue(all, "supports_vision"));
      addIf(abilities, "json-schema", isTrue(all, "supports_response_schema"));
      addIf(abilities, "reasoning", isTrue(all, "supports_reasoning"));
    }
    String baseModel = text(all, "base_model");
    return new OwnModel(
        id,
        (int) number(all, "max_input_tokens", 0),
        (int) number(all, "max_output_tokens", number(all, "max_tokens", 0)),
        List.copyOf(abilities),
        baseModel == null ? null : baseModel.substring(baseModel.lastIndexOf('/') + 1),
        price(all, "input_cost_per_token"),
        price(all, "cache_read_input_token_cost"),
        price(all, "output_cost_per_token"));
  }

  private static void addIf(List<String> list, String word, boolean wanted) {
    if (wanted) {
      list.add(word);
    }
  }

  /** US dollars for a million tokens. */
  private static BigDecimal price(Map<String, YamlValue> values, String name) {
    String text = text(values, name);
    try {
      return text == null ? null : plain(new BigDecimal(text).multiply(MILLION));
    } catch (NumberFormatException e) {
      throw values.get(name).wrong("of %s is `%s`; it must be a number".formatted(name, text));
    }
  }

  private static BigDecimal plain(BigDecimal amount) {
    BigDecimal stripped = amount.stripTrailingZeros();
    return stripped.scale() < 0 ? stripped.setScale(0) : stripped;
  }

  /** Without an order, a deployment is asked after those that have one. */
  private static long order(Map<String, YamlValue> params, YamlValue info) {
    boolean inInfo = !params.containsKey("order") && info != null;
    return number(inInfo ? info.entries() : params, "order", Long.MAX_VALUE);
  }

  /** The weight of a deployment by the first of weight, rpm and tpm that its name uses. */
  private Long weight(String name, Map<String, YamlValue> params) {
    String measure =
        measures.computeIfAbsent(
            name,
            each ->
                List.of("weight", "rpm", "tpm").stream()
                    .filter(params::containsKey)
                    .findFirst()
                    .orElse(""));
    return measure.isEmpty() || !params.containsKey(measure) ? null : number(params, measure, 0);
  }

  private static long number(Map<String, YamlValue> values, String name, long missing) {
    String text = text(values, name);
    try {
      return text == null ? missing : new BigDecimal(text.replace("_", "")).longValue();
    } catch (NumberFormatException e) {
      throw values.get(name).wrong("of %s is `%s`; it must be a number".formatted(name, text));
    }
  }

  private static boolean isTrue(Map<String, YamlValue> values, String name) {
    return values.containsKey(name) && values.get(name).isTrue();
  }

  /** The text with the first of these names that is there; null for none. */
  static String text(Map<String, YamlValue> values, String... names) {
    for (String name : names) {
      if (values.containsKey(name)) {
        return values.get(name).text();
      }
    }
    return null;
  }
}
