package dev.llmproxy.migration;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Translates {@code router_settings}, {@code litellm_settings} and {@code general_settings}. */
final class LiteLlmSettings {
  /** The sections that this class reads, or that others have read. */
  static final Set<String> SECTIONS =
      Set.of(
          "router_settings",
          "litellm_settings",
          "general_settings",
          "environment_variables",
          "credential_list");

  private static final int MAX_RETRIES = 10;
  private static final int DAY_SECONDS = 86_400;
  private static final String DEFAULT_CACHE_MB = "64";

  /** Settings that change nothing here, because llmproxy always does what they ask for. */
  private static final Set<String> ALREADY =
      Set.of(
          "drop_params",
          "enable_pre_call_checks",
          "set_verbose",
          "store_model_in_db",
          "modify_params",
          "enable_json_schema_validation",
          "turn_off_message_logging",
          "redact_user_api_key_info",
          "disable_master_key_return");

  /** Nearest equivalents by name. */
  private static final Map<String, String> NEAREST =
      Map.ofEntries(
          Map.entry(
              "master_key",
              "there is no key that may do everything: administrators sign in (docs/management.md), and clients get keys from ./llmproxy create-api-key or --keys"),
          Map.entry(
              "database_url",
              "llmproxy keeps its own ledger; DATABASE_URL must name a database of its own, not LiteLLM's"),
          Map.entry(
              "alerting",
              "Prometheus has alert rules (docs/monitoring.md), and an optional route sends mail (docs/callbacks.md)"),
          Map.entry(
              "success_callback",
              "the ledger and the workbook have every request (docs/workbook.md), and optional routes send it on: webhook, Slack, mail (docs/callbacks.md), Kafka (docs/replicas.md)"),
          Map.entry(
              "failure_callback",
              "the ledger has every failed request, and optional routes send it on (docs/callbacks.md)"),
          Map.entry(
              "callbacks",
              "the ledger and the workbook have every request (docs/workbook.md), and optional routes send it on: webhook, Slack, mail (docs/callbacks.md), Kafka (docs/replicas.md)"),
          Map.entry("service_callbacks", "the log has the failures of Redis and the database"),
          Map.entry(
              "max_parallel_requests",
              "the column Concurrent of the sheet Tiers limits requests at once"),
          Map.entry(
              "global_max_parallel_requests",
              "MAX_CONNECTIONS limits connections, and the column Concurrent of the sheet Tiers requests"),
          Map.entry("max_budget", "the column Budget USD/month of the sheet Tiers has budgets"),
          Map.entry("budget_duration", "budgets are for a calendar month, UTC (docs/operation.md)"),
          Map.entry("allowed_fails", "BREAKER_FAILURE_PERCENT and BREAKER_CALLS (docs/routing.md)"),
          Map.entry("allowed_fails_policy", "only outages count for the circuit breaker"),
          Map.entry("retry_policy", "docs/routing.md has what is repeated after which failure"),
          Map.entry("enable_jwt_auth", "GOOGLE_CLIENT_ID lets people sign in with Google"),
          Map.entry(
              "custom_auth", "the routes gate-* are the place for it (docs/change-a-route.md)"),
          Map.entry("default_team_settings", "tiers have limits and models (docs/operation.md)"),
          Map.entry("background_health_checks", "GET /health shows the health of the models"),
          Map.entry(
              "pass_through_endpoints",
              "a route of your own can add an endpoint (docs/change-a-route.md)"));

  private final ImportPlan plan;
  private final Aliases aliases;
  private final List<String> everyFallback = new ArrayList<>();

  LiteLlmSettings(ImportPlan plan, Aliases aliases) {
    this.plan = plan;
    this.aliases = aliases;
  }

  /** Reads the sections; the models must have been added. */
  void read(Map<String, List<YamlValue>> sections) {
    for (String section : List.of("litellm_settings", "router_settings", "general_settings")) {
      for (YamlValue each : sections.getOrDefault(section, List.of())) {
        each.entries().forEach((name, value) -> setting(section, name, value));
      }
    }
    for (String fallback : everyFallback) {
      List.copyOf(aliases.names()).stream()
          .filter(name -> !name.equals(fallback))
          .forEach(name -> aliases.group(name, "").fallbacks().add(fallback));
    }
  }

  private void setting(String section, String name, YamlValue value) {
    switch (name) {
      case "model_group_alias" -> value.entries().forEach(this::alias);
      case "fallbacks" -> fallbacks(value, "fallbacks");
      case "context_window_fallbacks" -> fallbacks(value, "context");
      case "content_policy_fallbacks" -> fallbacks(value, "policy");
      case "default_fallbacks" -> names(value).forEach(everyFallback::add);
      case "num_retries" -> plan.setting("PROVIDER_RETRIES", bounded(value, 0, MAX_RETRIES));
      case "request_timeout", "timeout" ->
          plan.setting("PROVIDER_TOTAL_SECONDS", bounded(value, 1, DAY_SECONDS));
      case "stream_timeout" ->
          plan.setting("PROVIDER_FIRST_TOKEN_SECONDS", bounded(value, 1, DAY_SECONDS));
      case "cooldown_time" -> plan.setting("BREAKER_SECONDS", bounded(value, 1, DAY_SECONDS));
      case "disable_cooldowns" -> {
        if (value.isTrue()) {
          plan.setting("BREAKER_FAILURE_PERCENT", "unlimited");
        }
      }
      case "cache" -> cache(value);
      case "cache_params" -> cacheParams(value);
      case "redis_url" -> redis(value.text());
      case "redis_host" ->
          plan.need(
              "REDIS_URL",
              "Redis for limits that several servers share: redis://:password@host:6379/0");
      case "redis_port", "redis_password" -> {}
      case "routing_strategy" -> strategy(value);
      default -> other(section, name, value);
    }
  }

  private void other(String section, String name, YamlValue value) {
    if (!ALREADY.contains(name)) {
      plan.note(value, section + "." + name, NEAREST.getOrDefault(name, "it has no equivalent"));
    }
  }

  private void strategy(YamlValue value) {
    if (!value.text().equals("simple-shuffle")) {
      plan.note(
          value,
          "routing_strategy " + value.text(),
          "targets are chosen by weight; the circuit breaker and Retry-After leave failing ones alone (docs/routing.md)");
    }
  }

  private void alias(String name, YamlValue value) {
    String target = value.isMap() ? value.text("model") : value.text();
    if (target != null && aliases.has(target)) {
      aliases.link(name, target);
    } else {
      plan.note(
          value,
          "model_group_alias " + name,
          "model_list has no model " + target + "; add it in providers/routing.yaml");
    }
  }

  /** A list of maps from a name to others, or one map. */
  private void fallbacks(YamlValue value, String kind) {
    for (YamlValue map : value.oneOrMore()) {
      map.entries()
          .forEach((name, others) -> {
            if (name.equals("*") && kind.equals("fallbacks")) {
              names(others).forEach(everyFallback::add);
            } else if (!aliases.has(name)) {
              plan.note(others, "fallback of " + name, "model_list has no model of that name");
            } else {
              Aliases.Group group = aliases.group(name, others.place());
              Set<String> targets =
                  switch (kind) {
                    case "context" -> group.longContext();
                    case "policy" -> group.otherPolicy();
                    default -> group.fallbacks();
                  };
              targets.addAll(names(others));
            }
          });
    }
  }

  /** Names of models; fallbacks that also change the request are noted. */
  private List<String> names(YamlValue value) {
    List<String> names = new ArrayList<>();
    for (YamlValue each : value.oneOrMore()) {
      if (each.isMap()) {
        plan.note(each, "a fallback with a request of its own", "a target is a model alone");
      } else {
        names.add(each.text());
      }
    }
    return names;
  }

  private void cache(YamlValue value) {
    if (value.isTrue()) {
      plan.setting("RESPONSE_CACHE_MB", DEFAULT_CACHE_MB);
      plan.note(
          value,
          "the cache for all requests",
          "llmproxy answers from its memory only the same key's chats with temperature 0 or the header x-llmproxy-cache: use (docs/response-cache.md)");
    }
  }

  private void cacheParams(YamlValue params) {
    params
        .entries()
        .forEach((name, value) -> {
          switch (name) {
            case "ttl" -> plan.setting("RESPONSE_CACHE_SECONDS", bounded(value, 1, DAY_SECONDS));
            case "type" -> {
              if (!value.text().equals("local")) {
                plan.note(
                    value,
                    "cache_params.type " + value.text(),
                    "answers are cached in the server's own memory");
              }
            }
            case "host", "port", "password", "url" -> {}
            default ->
                plan.note(value, "cache_params." + name, "the response cache has no such option");
          }
        });
  }

  private void redis(String text) {
    Text url = Text.of(text);
    if (url != null && url.literal() != null) {
      plan.secret("REDIS_URL", url.literal());
    } else if (url != null) {
      plan.need("REDIS_URL", "the value of " + url.variable());
    }
  }

  /** A number of seconds or repeats within the bounds of llmproxy's setting. */
  private String bounded(YamlValue value, int min, int max) {
    try {
      long number = new BigDecimal(value.text()).longValue();
      if (number < min || number > max) {
        plan.note(
            value,
            "the value " + value.text(),
            "it must be from %d to %d here".formatted(min, max));
      }
      return Long.toString(Math.clamp(number, min, max));
    } catch (NumberFormatException e) {
      throw value.wrong("is `%s`; it must be a number".formatted(value.text()));
    }
  }
}
