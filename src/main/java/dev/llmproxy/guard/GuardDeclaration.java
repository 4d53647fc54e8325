package dev.llmproxy.guard;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.llmproxy.catalogue.AllowedModels;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SetPropertyDefinition;

/** Reads the declaration of a guard: the YAML that the first step of its route sets. */
final class GuardDeclaration {
  /** Begins the id of every guard's route. */
  static final String PREFIX = "guard-";

  private static final String PROPERTY = "guard";
  private static final int USUAL_ORDER = 100;
  private static final int USUAL_SECONDS = 5;
  private static final int MOST_SECONDS = 300;
  private static final int MOST_CHARACTERS = 1_000_000;
  private static final Set<String> FIELDS =
      Set.of("checks", "order", "onFailure", "seconds", "window", "tiers", "models", "ownKey");
  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final RouteDefinition route;
  private final JsonNode fields;

  private GuardDeclaration(RouteDefinition route, JsonNode fields) {
    this.route = route;
    this.fields = fields;
  }

  /**
   * Reads the guard of a route.
   *
   * @throws IllegalArgumentException when the declaration is invalid; names the route's file
   */
  static Guard read(RouteDefinition route, CamelContext context) {
    try {
      return new GuardDeclaration(route, yaml(route, context)).guard(context);
    } catch (IllegalArgumentException e) {
      String file = route.getResource() == null ? "?" : route.getResource().getLocation();
      throw new IllegalArgumentException(
          "The guard %s in %s cannot be used: %s."
              .formatted(route.getRouteId(), file, e.getMessage()),
          e);
    }
  }

  private static JsonNode yaml(RouteDefinition route, CamelContext context) {
    // Camel puts the route configurations' onException before the steps.
    ProcessorDefinition<?> first =
        route.getOutputs().stream().filter(step -> !step.isAbstract()).findFirst().orElse(null);
    if (!(first instanceof SetPropertyDefinition property)
        || !PROPERTY.equals(property.getName())) {
      throw new IllegalArgumentException(
          "its first step must set the property guard to what it checks");
    }
    try {
      return YAML.readTree(
          context.resolvePropertyPlaceholders(property.getExpression().getExpression()));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "its declaration is not YAML: " + e.getOriginalMessage(), e);
    }
  }

  private Guard guard(CamelContext context) {
    for (String field : (Iterable<String>) fields::fieldNames) {
      if (!FIELDS.contains(field)) {
        throw new IllegalArgumentException(
            "%s is not one of %s"
                .formatted(field, FIELDS.stream().sorted().collect(Collectors.joining(", "))));
      }
    }
    String failure = fields.path("onFailure").asText("closed");
    if (!List.of("open", "closed").contains(failure)) {
      throw new IllegalArgumentException("onFailure is neither open nor closed");
    }
    return new Guard(
        route.getRouteId().substring(PREFIX.length()),
        context.getEndpoint(route.getInput().getEndpointUri()),
        places(),
        number("order", Integer.MIN_VALUE, Integer.MAX_VALUE, USUAL_ORDER),
        failure.equals("open"),
        Duration.ofSeconds(number("seconds", 1, MOST_SECONDS, USUAL_SECONDS)),
        fields.has("window")
            ? OptionalInt.of(number("window", 1, MOST_CHARACTERS, 0))
            : OptionalInt.empty(),
        Set.copyOf(words("tiers")),
        models(),
        Guard.hash(fields.path("ownKey").asText("").strip()));
  }

  private Set<Guard.Place> places() {
    Set<Guard.Place> places = EnumSet.noneOf(Guard.Place.class);
    for (String word : words("checks")) {
      places.add(
          Arrays.stream(Guard.Place.values())
              .filter(place -> place.word().equals(word))
              .findFirst()
              .orElseThrow(() ->
                  new IllegalArgumentException("checks has neither prompt nor answer: " + word)));
    }
    if (places.isEmpty()) {
      throw new IllegalArgumentException("checks must be prompt, answer or both");
    }
    return places;
  }

  private AllowedModels models() {
    List<String> models = words("models");
    return models.isEmpty()
        ? null
        : AllowedModels.of(String.join(",", models))
            .orElseThrow(() -> new IllegalArgumentException("models has no names of models"));
  }

  /** A list, or words separated by commas. */
  private List<String> words(String field) {
    JsonNode value = fields.path(field);
    Set<String> words = new LinkedHashSet<>();
    if (value.isArray()) {
      value.forEach(each -> words.add(each.asText().strip()));
    } else {
      words.addAll(Arrays.stream(value.asText("").split(",")).map(String::strip).toList());
    }
    words.remove("");
    return List.copyOf(words);
  }

  private int number(String field, int min, int max, int usual) {
    JsonNode value = fields.path(field);
    if (value.isMissingNode()) {
      return usual;
    }
    if (!value.canConvertToInt()
        || !value.isIntegralNumber()
        || value.intValue() < min
        || value.intValue() > max) {
      throw new IllegalArgumentException(
          "%s must be a whole number from %d to %d".formatted(field, min, max));
    }
    return value.intValue();
  }
}
