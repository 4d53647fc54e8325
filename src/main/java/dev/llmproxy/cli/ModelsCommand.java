package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.catalogue.Model;
import dev.llmproxy.catalogue.ModelAlias;
import dev.llmproxy.catalogue.Price;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.catalogue.Rates;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists the models of the catalogue with their prices. */
@Command(
    name = "models",
    mixinStandardHelpOptions = true,
    description = {
      "Lists the models of the providers that are on, with context length and prices, and all aliases.",
      "Prices are those of now, in US dollars for a million tokens. A provider that is on also answers to models that are"
          + " not listed."
    },
    subcommands = ModelsRefreshCommand.class)
final class ModelsCommand implements Runnable {
  private final Settings settings;

  @Option(names = "--all", description = "Lists the models of providers that are off, too.")
  private boolean all;

  @Option(names = "--json", description = "Prints a JSON list. Prices are null when unknown.")
  private boolean json;

  @Spec private CommandSpec spec;

  ModelsCommand(Settings settings) {
    this.settings = settings;
  }

  @Override
  public void run() {
    Instant now = Instant.now();
    ProviderCatalogue catalogue = new ProviderCatalogue(settings, all);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ArrayNode list = Json.array();
      for (Provider provider : catalogue.providers()) {
        if (all || provider.on()) {
          provider.models().forEach(model -> list.add(entry(provider, model, now)));
        }
      }
      catalogue.aliases().forEach(alias -> list.add(entry(alias, catalogue)));
      out.println(Json.pretty(list));
      return;
    }
    List<String> sources = new ArrayList<>();
    List<String> off = new ArrayList<>();
    Table table =
        new Table(
            settings, "Model", "Name", "Context", "Input", "Cached", "Output", "Source", "Off");
    for (Provider provider : catalogue.providers()) {
      if (!provider.on()) {
        off.add("%s (%s)".formatted(provider.name(), provider.off()));
      }
      if (all || provider.on()) {
        provider.models().forEach(model -> row(table, provider, model, now, sources));
      }
    }
    out.println(table);
    out.println();
    for (int i = 0; i < sources.size(); i++) {
      out.printf("[%d] %s%n", i + 1, sources.get(i));
    }
    if (catalogue.providers().stream()
        .filter(provider -> all || provider.on())
        .flatMap(provider -> provider.models().stream())
        .anyMatch(model -> model.price(now) != null && !model.price(now).tiers().isEmpty())) {
      out.println("1/2: the second price is that of long prompts; --json says from which length.");
    }
    if (!all && !off.isEmpty()) {
      out.printf("Off: %s%n", String.join(", ", off));
    }
    if (!catalogue.aliases().isEmpty()) {
      Table aliases = new Table(settings, "Alias", "Stands for", "Off");
      for (ModelAlias alias : catalogue.aliases()) {
        aliases.add(
            alias.name(), targets(alias, catalogue), isOn(alias, catalogue) ? "" : "all are off");
      }
      out.println();
      out.println(aliases);
    }
  }

  private static boolean isOn(ModelAlias alias, ProviderCatalogue catalogue) {
    return alias.targets().models().stream().anyMatch(catalogue::isOn);
  }

  /** The targets in their order, with their weights and those whose provider is off. */
  private static String targets(ModelAlias alias, ProviderCatalogue catalogue) {
    ModelAlias.Targets targets = alias.targets();
    List<String> shown = new ArrayList<>();
    for (int i = 0; i < targets.models().size(); i++) {
      String weight =
          targets.weights().isEmpty() ? "" : " (weight " + targets.weights().get(i) + ")";
      shown.add(target(targets.models().get(i), catalogue) + weight);
    }
    targets.longContext().forEach(id -> shown.add("when too long " + target(id, catalogue)));
    targets.otherPolicy().forEach(id -> shown.add("when refused " + target(id, catalogue)));
    return String.join(", ", shown);
  }

  private static String target(String modelId, ProviderCatalogue catalogue) {
    return catalogue.isOn(modelId) ? modelId : modelId + " (off)";
  }

  private static ObjectNode entry(ModelAlias alias, ProviderCatalogue catalogue) {
    ModelAlias.Targets targets = alias.targets();
    ObjectNode entry = Json.object().put("id", alias.name()).put("on", isOn(alias, catalogue));
    ArrayNode models = entry.putArray("alias_of");
    for (int i = 0; i < targets.models().size(); i++) {
      ObjectNode target = add(models, targets.models().get(i), catalogue);
      if (!targets.weights().isEmpty()) {
        target.put("weight", targets.weights().get(i));
      }
    }
    targets.longContext().forEach(id -> add(entry.withArray("when_too_long"), id, catalogue));
    targets.otherPolicy().forEach(id -> add(entry.withArray("when_refused"), id, catalogue));
    return entry;
  }

  private static ObjectNode add(ArrayNode list, String modelId, ProviderCatalogue catalogue) {
    return list.addObject().put("model", modelId).put("on", catalogue.isOn(modelId));
  }

  private static void row(
      Table table, Provider provider, Model model, Instant now, List<String> sources) {
    Price price = model.price(now);
    if (price != null && !sources.contains(source(price))) {
      sources.add(source(price));
    }
    table.add(
        provider.name() + "/" + model.id(),
        model.label(),
        model.contextLength() == 0 ? "" : "%,d".formatted(model.contextLength()),
        shown(price, Rates::input),
        shown(price, Rates::cached),
        shown(price, Rates::output),
        price == null ? "" : "[%d]".formatted(sources.indexOf(source(price)) + 1),
        provider.on() ? "" : provider.off());
  }

  /** The price and, if they have another one, that of the longest prompts. */
  private static String shown(Price price, Function<Rates, BigDecimal> part) {
    if (price == null || part.apply(price.rates()) == null) {
      return "";
    }
    String usual = part.apply(price.rates()).toPlainString();
    if (price.tiers().isEmpty()) {
      return usual;
    }
    BigDecimal most = part.apply(price.tiers().getLast().rates());
    return most == null || most.toPlainString().equals(usual)
        ? usual
        : usual + "/" + most.toPlainString();
  }

  private static String source(Price price) {
    String source = price.source() == null ? "unknown source" : price.source();
    return price.from() == null ? source : source + ", from " + price.from();
  }

  private static ObjectNode entry(Provider provider, Model model, Instant now) {
    ObjectNode entry =
        Json.object()
            .put("id", provider.name() + "/" + model.id())
            .put("label", model.label())
            .put("on", provider.on());
    if (!provider.on()) {
      entry.put("off", provider.off());
    }
    if (model.contextLength() > 0) {
      entry.put("context_length", model.contextLength());
    }
    if (model.maxOutput() > 0) {
      entry.put("max_output", model.maxOutput());
    }
    model.abilities().forEach(entry.putArray("abilities")::add);
    Price price = model.price(now);
    if (price == null) {
      return entry.putNull("price");
    }
    ObjectNode shown = entry.putObject("price");
    rates(shown, price.rates());
    for (Price.Tier tier : price.tiers()) {
      rates(shown.withArray("tiers").addObject().put("above", tier.above()), tier.rates());
    }
    if (price.from() != null) {
      shown.put("from", price.from().toString());
    }
    shown.put("source", price.source());
    return entry;
  }

  private static void rates(ObjectNode shown, Rates rates) {
    put(shown, "input", rates.input());
    put(shown, "cached", rates.cached());
    put(shown, "cache_write", rates.cacheWrite());
    put(shown, "cache_write_1h", rates.cacheWrite1h());
    put(shown, "audio_input", rates.audioInput());
    put(shown, "output", rates.output());
    put(shown, "audio_output", rates.audioOutput());
  }

  private static void put(ObjectNode shown, String name, BigDecimal dollars) {
    if (dollars != null) {
      shown.put(name, dollars);
    }
  }
}
