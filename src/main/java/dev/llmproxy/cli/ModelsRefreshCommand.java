package dev.llmproxy.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.catalogue.Model;
import dev.llmproxy.catalogue.ModelListing;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.provider.ProviderClient;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Compares the models in the providers' files with the providers' own lists. */
@Command(
    name = "refresh",
    mixinStandardHelpOptions = true,
    description = {
      "Compares the models of the catalogue with the lists of the providers that are on, unless their files say listed: file.",
      "Shows models that are new with a provider, models that it no longer lists, and other context lengths. Changes"
          + " nothing: to accept a change, edit the provider's file. Ends with status 1 when a provider does not answer."
    })
final class ModelsRefreshCommand implements Callable<Integer> {
  private final Settings settings;

  @Option(names = "--json", description = "Prints a JSON list.")
  private boolean json;

  @Spec private CommandSpec spec;

  ModelsRefreshCommand(Settings settings) {
    this.settings = settings;
  }

  /**
   * A difference.
   *
   * @param change {@code new}, {@code gone}, {@code context}, or {@code failed} for a provider
   * @param details for people
   */
  private record Difference(String provider, String model, String change, String details) {}

  @Override
  public Integer call() throws InterruptedException {
    List<Difference> differences = new ArrayList<>();
    try (ProviderClient client = new ProviderClient(settings)) {
      ProviderCatalogue catalogue = new ProviderCatalogue(settings);
      for (Provider provider : catalogue.withLists()) {
        if (!catalogue.mayBeFound(provider.name())) {
          try {
            compare(provider, client.models(provider), differences);
          } catch (IOException e) {
            differences.add(new Difference(provider.name(), "", "failed", reason(e)));
          }
        }
      }
    }
    print(differences);
    return differences.stream().anyMatch(each -> each.change().equals("failed")) ? 1 : 0;
  }

  private static String reason(IOException failure) {
    return failure.getMessage() == null || !failure.getMessage().startsWith("it")
        ? "it cannot be reached"
        : failure.getMessage();
  }

  private static void compare(
      Provider provider, List<ModelListing.Listed> listed, List<Difference> differences) {
    Map<String, Integer> theirs = new TreeMap<>();
    listed.forEach(each -> theirs.put(each.id(), each.contextLength()));
    Map<String, Integer> atServices = new HashMap<>();
    for (ModelListing.Listed each : listed) {
      each.services()
          .forEach((service, context) -> atServices.put(each.id() + ":" + service, context));
    }
    for (Model model : provider.models()) {
      Integer context = theirs.remove(model.id());
      if (context == null && atServices.containsKey(model.id())) {
        context = atServices.get(model.id());
        theirs.remove(model.id().substring(0, model.id().lastIndexOf(':')));
      }
      if (context == null) {
        differences.add(
            new Difference(provider.name(), model.id(), "gone", "the provider does not list it"));
      } else if (context > 0 && context != model.contextLength()) {
        String ours =
            model.contextLength() == 0 ? "unknown" : "%,d".formatted(model.contextLength());
        differences.add(
            new Difference(
                provider.name(),
                model.id(),
                "context",
                "context length %,d, here %s".formatted(context, ours)));
      }
    }
    for (ModelListing.Listed each :
        listed.stream().sorted(Comparator.comparing(ModelListing.Listed::id)).toList()) {
      Integer context = theirs.remove(each.id());
      if (context != null && provider.shows(each)) {
        differences.add(
            new Difference(
                provider.name(),
                each.id(),
                "new",
                context == 0 ? "" : "context length %,d".formatted(context)));
      }
    }
  }

  private void print(List<Difference> differences) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      ArrayNode list = Json.array();
      for (Difference each : differences) {
        list.addObject()
            .put("provider", each.provider())
            .put("model", each.model())
            .put("change", each.change())
            .put("details", each.details());
      }
      out.println(Json.pretty(list));
      return;
    }
    Table table = new Table(settings, "Change", "Provider", "Model", "Details");
    differences.forEach(
        each -> table.add(each.change(), each.provider(), each.model(), each.details()));
    out.println(
        differences.isEmpty()
            ? "The catalogue has the models that the providers list."
            : table.toString());
  }
}
