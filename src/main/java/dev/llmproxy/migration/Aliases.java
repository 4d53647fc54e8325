package dev.llmproxy.migration;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The names of models for clients, which become {@code providers/routing.yaml}. */
final class Aliases {
  private static final String FILE = "providers/routing.yaml";
  private static final int MAX_WEIGHT = 999_999;

  private final Map<String, Group> groups = new LinkedHashMap<>();

  /**
   * A model of a provider.
   *
   * @param connection how it is reached
   * @param model the provider's name of the model, or a pattern
   * @param rank targets of the lowest rank are asked first
   * @param weight the share among those of the same rank; null for the same share as the others
   */
  record Deployment(Connection connection, String model, long rank, Long weight) {}

  /** What a name stands for. */
  static final class Group {
    private final String place;
    private final List<Deployment> deployments = new ArrayList<>();
    private final Set<String> fallbacks = new LinkedHashSet<>();
    private final Set<String> longContext = new LinkedHashSet<>();
    private final Set<String> otherPolicy = new LinkedHashSet<>();

    private Group(String place) {
      this.place = place;
    }

    void add(Deployment deployment) {
      deployments.add(deployment);
    }

    /** Names that are asked when all deployments have failed. */
    Set<String> fallbacks() {
      return fallbacks;
    }

    /** Names for requests that are too long. */
    Set<String> longContext() {
      return longContext;
    }

    /** Names for requests that are refused for their content. */
    Set<String> otherPolicy() {
      return otherPolicy;
    }
  }

  /** The group with this name, which is made when it is new. */
  Group group(String name, String place) {
    return groups.computeIfAbsent(name, each -> new Group(place));
  }

  boolean has(String name) {
    return groups.containsKey(name);
  }

  Set<String> names() {
    return groups.keySet();
  }

  /** Gives a name the targets of another one. */
  void link(String name, String other) {
    groups.put(name, groups.get(other));
  }

  /** Plans the file. Names that need no alias, or cannot have one, are left out. */
  void write(Connections connections, ImportPlan plan) {
    ObjectNode aliases = Connections.YAML.createObjectNode();
    // The first alias that fits counts: exact names, then the longest patterns.
    groups.keySet().stream()
        .sorted(
            Comparator.comparing((String name) -> name.contains("*"))
                .thenComparingInt(name -> name.contains("*") ? -name.length() : 0))
        .forEach(name -> {
          Group group = groups.get(name);
          List<Target> targets = targets(group, connections, plan, name);
          if (!targets.isEmpty() && isNeeded(name, group, targets, connections, plan)) {
            aliases.set(name, value(group, targets, connections, plan, name));
          }
        });
    if (!aliases.isEmpty()) {
      ObjectNode root = Connections.YAML.createObjectNode();
      root.set("aliases", aliases);
      plan.file(FILE, Connections.yaml(root));
    }
  }

  private record Target(String model, long weight) {}

  private boolean isNeeded(
      String name, Group group, List<Target> targets, Connections connections, ImportPlan plan) {
    boolean itself = targets.size() == 1 && targets.getFirst().model().equals(name);
    if (itself && group.longContext.isEmpty() && group.otherPolicy.isEmpty()) {
      return false;
    }
    int slash = name.indexOf('/');
    if (slash > 0 && connections.providers().contains(name.substring(0, slash))) {
      if (!itself) {
        plan.rename(name, targets.getFirst().model());
      }
      if (targets.size() > 1 || itself) {
        plan.note(
            group.place,
            "model_name " + name,
            "a name that begins with a provider always is that provider's model; give its other targets an alias with another name");
      }
      return false;
    }
    return true;
  }

  private List<Target> targets(Group group, Connections connections, ImportPlan plan, String name) {
    List<Target> targets = new ArrayList<>();
    long first = group.deployments.stream().mapToLong(Deployment::rank).min().orElse(0);
    boolean weighted =
        group.deployments.stream()
            .anyMatch(each -> each.rank() == first && each.weight() != null && each.weight() > 0);
    group.deployments.stream()
        .sorted(Comparator.comparingLong(Deployment::rank))
        .forEach(each ->
            put(targets, id(each, connections), each.rank() == first ? weight(each, weighted) : 0));
    for (String fallback : group.fallbacks) {
      for (String id : ids(fallback, connections, plan, group, name)) {
        put(targets, id, 0);
      }
    }
    return targets;
  }

  private static long weight(Deployment deployment, boolean weighted) {
    if (!weighted) {
      return 1;
    }
    return deployment.weight() == null ? 0 : deployment.weight();
  }

  private static void put(List<Target> targets, String id, long weight) {
    for (int i = 0; i < targets.size(); i++) {
      if (targets.get(i).model().equals(id)) {
        targets.set(i, new Target(id, targets.get(i).weight() + weight));
        return;
      }
    }
    targets.add(new Target(id, weight));
  }

  private static String id(Deployment deployment, Connections connections) {
    return connections.name(deployment.connection()) + "/" + deployment.model();
  }

  /** The model ids of another name. */
  private List<String> ids(
      String name, Connections connections, ImportPlan plan, Group of, String asked) {
    Group group = groups.get(name);
    if (group == null || name.contains("*")) {
      plan.note(
          of.place,
          "fallback of " + asked + " to " + name,
          "model_list has no model of that name; add it in " + FILE);
      return List.of();
    }
    return group.deployments.stream().map(each -> id(each, connections)).distinct().toList();
  }

  private JsonNode value(
      Group group, List<Target> targets, Connections connections, ImportPlan plan, String name) {
    ArrayNode models = Connections.YAML.createArrayNode();
    boolean inOrder =
        targets.size() == 1
            || (targets.getFirst().weight() > 0
                && targets.stream().skip(1).allMatch(each -> each.weight() == 0));
    long divisor = targets.stream().mapToLong(Target::weight).reduce(0, Aliases::commonDivisor);
    long largest = targets.stream().mapToLong(Target::weight).max().orElse(1);
    // A file's weights end at MAX_WEIGHT.
    long scale = Math.max(divisor, (largest + MAX_WEIGHT - 1) / MAX_WEIGHT);
    for (Target target : targets) {
      if (inOrder) {
        models.add(target.model());
      } else {
        long weight = target.weight() == 0 ? 0 : Math.max(1, target.weight() / Math.max(1, scale));
        models.addObject().put("model", target.model()).put("weight", weight);
      }
    }
    if (group.longContext.isEmpty() && group.otherPolicy.isEmpty()) {
      return models.size() == 1 && inOrder ? models.get(0) : models;
    }
    ObjectNode value = Connections.YAML.createObjectNode();
    value.set("models", models);
    others(value, "contextLength", group.longContext, group, connections, plan, name);
    others(value, "contentPolicy", group.otherPolicy, group, connections, plan, name);
    return value;
  }

  private static long commonDivisor(long one, long other) {
    return other == 0 ? one : commonDivisor(other, one % other);
  }

  private void others(
      ObjectNode value,
      String field,
      Set<String> names,
      Group group,
      Connections connections,
      ImportPlan plan,
      String asked) {
    Set<String> ids = new LinkedHashSet<>();
    names.forEach(name -> ids.addAll(ids(name, connections, plan, group, asked)));
    if (!ids.isEmpty()) {
      ids.forEach(value.withArray(field)::add);
    }
  }
}
