package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.RoutingSettings;
import dev.llmproxy.catalogue.Model;
import dev.llmproxy.catalogue.ModelAlias;
import dev.llmproxy.catalogue.Price;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.catalogue.Rates;
import dev.llmproxy.provider.LiveModels;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.Instant;
import java.util.List;

/**
 * The providers for administrators: how each is configured, the health of its models, its models
 * and their prices, and the aliases that lead to them. Contains no secret.
 */
public final class ProviderReport {
  private final ProviderCatalogue catalogue;
  private final ModelHealth health;
  private final LiveModels lists;
  private final RoutingSettings routing;
  private final Clock clock;

  public ProviderReport(
      ProviderCatalogue catalogue,
      ModelHealth health,
      LiveModels lists,
      RoutingSettings routing,
      Clock clock) {
    this.catalogue = catalogue;
    this.health = health;
    this.lists = lists;
    this.routing = routing;
    this.clock = clock;
  }

  /** The report; prices are those of now. */
  public ObjectNode report() {
    Instant now = clock.instant();
    ObjectNode report = Json.object().put("at", now.toString());
    report.put("test_seconds", routing.firstToken().toSeconds());
    routing
        .breaker()
        .ifPresent(rule ->
            report
                .putObject("breaker")
                .put("failure_percent", rule.failurePercent())
                .put("calls", rule.calls())
                .put("seconds", rule.pause().toSeconds()));
    ArrayNode aliases = report.putArray("aliases");
    catalogue.aliases().forEach(alias -> aliases.add(json(alias)));
    List<ModelHealth.View> views = health.views();
    ArrayNode providers = report.putArray("providers");
    for (Provider provider : catalogue.providers()) {
      ObjectNode json = json(provider);
      ArrayNode asked = json.putArray("health");
      String prefix = provider.name() + "/";
      views.stream()
          .filter(view -> view.model().startsWith(prefix))
          .forEach(view ->
              asked.add(view.toJson().put("model", view.model().substring(prefix.length()))));
      ArrayNode models = json.putArray("models");
      provider.models().forEach(model -> models.add(json(provider, model, now)));
      providers.add(json);
    }
    return report;
  }

  private ObjectNode json(Provider provider) {
    ObjectNode json =
        Json.object()
            .put("name", provider.name())
            .put("label", provider.label())
            .put("format", provider.format())
            .put("base_url", provider.masked(provider.baseUrl()))
            .put("on", provider.on())
            .put("credentials", provider.hasCredentials())
            .put("keys", provider.apiKey() == null ? 0 : provider.spares().size() + 1)
            .put("key_setting", provider.keySetting())
            .put("found", provider.on() && catalogue.mayBeFound(provider.name()));
    if (!provider.on()) {
      json.put("off", provider.off());
    }
    ObjectNode list =
        json.putObject("list")
            .put("listed", provider.listed())
            .put("read", lists.isOn() && provider.on() && !provider.listed().equals("file"));
    lists
        .reading(provider.name())
        .ifPresent(reading -> {
          list.put("models", reading.models());
          put(list, "read_at", reading.readAt());
          put(list, "failed_at", reading.failedAt());
          if (reading.problem() != null) {
            list.put("problem", reading.problem());
          }
        });
    return json;
  }

  private static void put(ObjectNode json, String name, Instant time) {
    if (time != null) {
      json.put(name, time.toString());
    }
  }

  private ObjectNode json(Provider provider, Model model, Instant now) {
    ObjectNode json = Json.object().put("id", model.id()).put("label", model.label());
    if (model.released() != null) {
      json.put("released", model.released().toString());
    }
    if (model.contextLength() > 0) {
      json.put("context_length", model.contextLength());
    }
    if (model.maxOutput() > 0) {
      json.put("max_output", model.maxOutput());
    }
    model.abilities().forEach(json.putArray("abilities")::add);
    Price price = model.price(now);
    if (price != null) {
      json.set("price", json(price));
    }
    ArrayNode names = json.putArray("aliases");
    catalogue.aliases().stream()
        .filter(alias -> alias.reaches(provider.name() + "/" + model.id()))
        .forEach(alias -> names.add(alias.name()));
    return json;
  }

  private static ObjectNode json(Price price) {
    ObjectNode json = json(price.rates());
    if (price.from() != null) {
      json.put("from", price.from().toString());
    }
    if (price.dailyFrom() != null) {
      json.put("daily", price.dailyFrom() + "–" + price.dailyTo() + " UTC");
    }
    if (price.source() != null) {
      json.put("source", price.source());
    }
    ArrayNode tiers = json.putArray("long_prompts");
    price.tiers().forEach(tier -> tiers.add(json(tier.rates()).put("above", tier.above())));
    return json;
  }

  private static ObjectNode json(Rates rates) {
    ObjectNode json = Json.object();
    put(json, "input", rates.input());
    put(json, "cached", rates.cached());
    put(json, "cache_write", rates.cacheWrite());
    put(json, "cache_write_1h", rates.cacheWrite1h());
    put(json, "audio_input", rates.audioInput());
    put(json, "output", rates.output());
    put(json, "audio_output", rates.audioOutput());
    return json;
  }

  private static void put(ObjectNode json, String name, BigDecimal dollars) {
    if (dollars != null) {
      json.put(name, UsageRows.plain(dollars));
    }
  }

  private static ObjectNode json(ModelAlias alias) {
    ModelAlias.Targets targets = alias.targets();
    ObjectNode json = Json.object().put("name", alias.name());
    targets.models().forEach(json.putArray("models")::add);
    targets.weights().forEach(json.putArray("weights")::add);
    targets.longContext().forEach(json.putArray("long_context")::add);
    targets.otherPolicy().forEach(json.putArray("content_policy")::add);
    return json;
  }
}
