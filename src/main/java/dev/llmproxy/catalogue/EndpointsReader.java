package dev.llmproxy.catalogue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Settings.SettingException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.regex.Pattern;

/**
 * Reads the fields {@code completions}, {@code responses} and {@code endpoints} of a provider's
 * file.
 */
final class EndpointsReader {
  /** The only format whose requests for these endpoints are the clients' own. */
  private static final String FORMAT = "openai";

  private static final String NATIVE = "native";
  private static final String COMPLETIONS = "/completions";
  private static final Pattern PATH = Pattern.compile("(/[A-Za-z0-9._~:@-]+)+");
  private static final Set<String> FIELDS = new TreeSet<>(Set.of("path", "models", "only"));

  private final String format;
  private final BiFunction<String, String, SettingException> wrong;

  /**
   * @param format the provider's wire format
   * @param wrong creates the error of a place in the file, given its JSON pointer and a sentence
   */
  EndpointsReader(String format, BiFunction<String, String, SettingException> wrong) {
    this.format = format;
    this.wrong = wrong;
  }

  /**
   * @param completions the value of the field; null when it is missing
   * @throws SettingException when a value is wrong
   */
  Endpoints read(JsonNode completions, JsonNode responses, Map<String, JsonNode> endpoints) {
    Endpoints.Completions own = completions(completions);
    boolean speaksResponses = responses(responses);
    Map<MediaEndpoint, String> paths = new EnumMap<>(MediaEndpoint.class);
    endpoints.forEach((name, value) -> {
      String place = "/endpoints/" + name.replace("~", "~0").replace("/", "~1");
      if (!MediaEndpoint.paths().contains(name)) {
        throw wrong.apply(
            place,
            "there is no endpoint `%s`; the endpoints are %s"
                .formatted(name, String.join(", ", MediaEndpoint.paths())));
      }
      String path = path(place, "endpoints." + name, value, "/" + name);
      if (path != null) {
        paths.put(MediaEndpoint.of(name), path);
      }
    });
    if (own == null && !speaksResponses && paths.isEmpty()) {
      return Endpoints.NONE;
    }
    if (!FORMAT.equals(format)) {
      throw wrong.apply(
          own != null ? COMPLETIONS : speaksResponses ? "/responses" : "/endpoints",
          "only a provider of the format %s can have completions, responses and endpoints, not %s"
              .formatted(FORMAT, format));
    }
    return new Endpoints(own, speaksResponses, paths);
  }

  private boolean responses(JsonNode value) {
    if (value == null || value.isNull()) {
      return false;
    }
    if (!value.asText("").equals(NATIVE)) {
      throw wrong.apply(
          "/responses",
          "responses is `%s`; it must be %s, or left out"
              .formatted(value.isTextual() ? value.textValue() : value, NATIVE));
    }
    return true;
  }

  private Endpoints.Completions completions(JsonNode value) {
    if (value == null || !value.isObject()) {
      String path = path(COMPLETIONS, "completions", value, COMPLETIONS);
      return path == null ? null : new Endpoints.Completions(path, List.of(), Set.of());
    }
    value
        .fieldNames()
        .forEachRemaining(field -> {
          if (!FIELDS.contains(field)) {
            throw wrong.apply(
                COMPLETIONS + "/" + field,
                "there is no field `completions.%s` here; the fields are %s"
                    .formatted(field, String.join(", ", FIELDS)));
          }
        });
    String path = path("/completions/path", "completions.path", value.get("path"), COMPLETIONS);
    return new Endpoints.Completions(
        path == null ? COMPLETIONS : path,
        texts(value, "models", "names of models, with * for any text"),
        Set.copyOf(texts(value, "only", "the fields that the endpoint takes")));
  }

  private List<String> texts(JsonNode completions, String field, String what) {
    JsonNode list = completions.get(field);
    if (list == null || list.isNull()) {
      return List.of();
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode each : list.isTextual() ? List.of(list) : list) {
      texts.add(each.isTextual() ? each.textValue().strip() : "");
    }
    if (texts.isEmpty() || texts.contains("")) {
      throw wrong.apply(
          COMPLETIONS + "/" + field, "completions.%s must be a list of %s".formatted(field, what));
    }
    return texts;
  }

  /** The path; null when the provider does not have the endpoint. */
  private String path(String place, String field, JsonNode value, String usual) {
    if (value == null || value.isNull() || (value.isBoolean() && !value.booleanValue())) {
      return null;
    }
    if (value.isBoolean()) {
      return usual;
    }
    if (!value.isTextual() || !PATH.matcher(value.textValue()).matches()) {
      throw wrong.apply(
          place,
          "%s is `%s`; it must be true, or a path below the base URL that begins with /"
              .formatted(field, value.isTextual() ? value.textValue() : value));
    }
    return value.textValue();
  }
}
