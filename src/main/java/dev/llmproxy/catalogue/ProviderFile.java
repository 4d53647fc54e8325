package dev.llmproxy.catalogue;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.InvalidFormatException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import dev.llmproxy.base.ProviderSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Settings.SettingException;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.yaml.snakeyaml.error.MarkedYAMLException;

/**
 * Reads one file of {@code providers/} and its settings. An error is one sentence that begins with
 * the file and, if known, the line.
 */
final class ProviderFile {
  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .addModule(new JavaTimeModule())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(com.fasterxml.jackson.core.StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build();

  private static final Set<String> ABILITIES =
      new TreeSet<>(
          Set.of("chat", "tools", "vision", "json-schema", "reasoning", "embeddings", "audio"));

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]*");
  private static final Pattern REFERENCE = Pattern.compile("\\{\\{\\s*([A-Za-z_][\\w]*)\\s*}}");
  private static final Pattern HEADER_NAME = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");

  /** Headers that the connection, the body or Camel set. */
  private static final Pattern NOT_A_FILES_HEADER =
      Pattern.compile(
          "(?i)camel.*|content-.*|accept|accept-encoding|host|connection|cache-control|date|pragma|te|trailer"
              + "|transfer-encoding|upgrade|via|warning|expect|proxy-.*");

  private final Path file;
  private final String shown;
  private final String name;
  private final Settings settings;
  private final Map<String, Integer> lines = new HashMap<>();
  private final Set<String> used = new HashSet<>();
  private final List<String> secrets = new ArrayList<>();
  private String missing;

  /**
   * @param file a file in {@code providers/}, named after the provider
   */
  ProviderFile(Path file, Settings settings) {
    this.file = file;
    this.settings = settings;
    shown = "providers/" + file.getFileName();
    name = file.getFileName().toString().replaceFirst("\\.yaml$", "");
  }

  /**
   * The provider that the file describes.
   *
   * @param formats the wire formats that have a route
   * @throws SettingException when the file or one of its settings is wrong
   */
  Provider read(Set<String> formats) {
    if (!NAME.matcher(name).matches()) {
      throw new SettingException(
          "%s: the file's name is the provider's name in model ids and settings; rename it, using only letters, digits, - and _"
              .formatted(shown));
    }
    Entry entry = entry();
    if (entry.format == null || !formats.contains(entry.format)) {
      throw wrong(
          "/format",
          "format %s; the formats are %s"
              .formatted(
                  entry.format == null ? "is missing" : "is `" + entry.format + "`",
                  String.join(", ", formats)));
    }
    for (int i = 0; i < entry.models.size(); i++) {
      model(entry.models, i);
    }
    return provider(entry);
  }

  private void model(List<Model> models, int i) {
    String path = "/models/" + i;
    Model model = models.get(i);
    if (model == null || model.id() == null || model.id().isBlank()) {
      throw wrong(path, "a model has no id, the provider's name of the model");
    }
    if (models.subList(0, i).stream().anyMatch(other -> other.id().equals(model.id()))) {
      throw wrong(path + "/id", "the model `%s` is listed twice".formatted(model.id()));
    }
    for (int n = 0; n < model.abilities().size(); n++) {
      String ability = model.abilities().get(n);
      if (!ABILITIES.contains(ability)) {
        throw wrong(
            path + "/abilities/" + n,
            "there is no ability `%s`; the abilities are %s"
                .formatted(ability, String.join(", ", ABILITIES)));
      }
    }
    Model.Price price = model.price();
    if (price != null) {
      price(path + "/price", "input", price.input());
      price(path + "/price", "output", price.output());
      if (price.cached() != null) {
        price(path + "/price", "cached", price.cached());
      }
    }
  }

  private void price(String path, String which, BigDecimal dollars) {
    if (dollars == null || dollars.signum() < 0) {
      throw wrong(
          dollars == null ? path : path + "/" + which,
          "price needs `%s`, in US dollars for a million tokens".formatted(which));
    }
  }

  private Provider provider(Entry entry) {
    String setting = Provider.settingPrefix(name) + "_BASE_URL";
    String keySetting = Provider.settingPrefix(name) + "_API_KEY";
    String own = settings.find(setting).orElse(null);
    String apiKey = settings.find(keySetting).orElse(null);
    String off = null;
    if (entry.local) {
      off = ProviderSettings.localModel(settings) ? null : "LOCAL_MODEL is off";
    } else if (apiKey == null && own == null) {
      off = (entry.baseUrl == null ? setting : keySetting) + " is not set";
    } else if (own == null && entry.baseUrl == null) {
      off = setting + " is not set";
    }
    Map<String, String> headers = headers(entry.headers);
    String query = query(entry.query);
    BaseUrl url = own != null ? own(setting, own, entry.path) : baseUrl(entry);
    if (off == null && missing != null) {
      off = missing + " is not set";
    }
    if (apiKey != null) {
      secrets.add(apiKey);
      // A file that places the key itself replaces the default header.
      if (!used.contains(keySetting)
          && headers.keySet().stream().noneMatch("Authorization"::equalsIgnoreCase)) {
        headers.put("Authorization", "Bearer " + apiKey);
      }
    }
    return new Provider(
        name,
        entry.label == null ? name : entry.label,
        entry.format,
        url.address(),
        apiKey,
        off,
        entry.models,
        entry.request,
        headers,
        url.query().isEmpty() || query.isEmpty() ? url.query() + query : url.query() + "&" + query,
        secrets);
  }

  private static BaseUrl own(String setting, String text, String path) {
    try {
      return BaseUrl.of(text, path);
    } catch (IllegalArgumentException e) {
      throw new SettingException(setting + " " + e.getMessage());
    }
  }

  private BaseUrl baseUrl(Entry entry) {
    if (entry.baseUrl == null) {
      return new BaseUrl("", "");
    }
    String text = resolved(entry.baseUrl, false);
    try {
      return text == null ? new BaseUrl("", "") : BaseUrl.of(text, entry.path);
    } catch (IllegalArgumentException e) {
      throw wrong("/baseUrl", "baseUrl " + e.getMessage());
    }
  }

  private Map<String, String> headers(Map<String, String> given) {
    Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    given.forEach((header, text) -> {
      String path = "/headers/" + header.replace("~", "~0").replace("/", "~1");
      if (!HEADER_NAME.matcher(header).matches()) {
        throw wrong(path, "`%s` is not a valid name of a header".formatted(header));
      }
      if (NOT_A_FILES_HEADER.matcher(header).matches()) {
        throw wrong(path, "a file cannot set the header `%s`".formatted(header));
      }
      if (text == null) {
        throw wrong(path, "the header `%s` has no value".formatted(header));
      }
      String value = resolved(text, true);
      if (value != null) {
        if (value.chars().anyMatch(sign -> sign < ' ' || sign == 0x7f || sign > 0xff)) {
          throw wrong(
              path, "the header `%s` has characters that headers cannot have".formatted(header));
        }
        headers.put(header, value);
      }
    });
    return headers;
  }

  private String query(Map<String, String> given) {
    return new LinkedHashMap<>(given)
        .entrySet().stream()
            .map(each -> {
              if (each.getValue() == null) {
                throw wrong(
                    "/query/" + each.getKey(),
                    "the parameter `%s` has no value".formatted(each.getKey()));
              }
              String value = resolved(each.getValue(), true);
              return encoded(each.getKey()) + "=" + encoded(value == null ? "" : value);
            })
            .collect(Collectors.joining("&"));
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** The text with the value of the setting for each {@code {{NAME}}}; null when one is not set. */
  private String resolved(String text, boolean secret) {
    StringBuilder result = new StringBuilder();
    Matcher reference = REFERENCE.matcher(text);
    while (reference.find()) {
      String value = settings.find(reference.group(1)).orElse(null);
      used.add(reference.group(1));
      if (value == null) {
        missing = reference.group(1);
        return null;
      }
      if (secret) {
        secrets.add(value);
      }
      reference.appendReplacement(result, Matcher.quoteReplacement(value));
    }
    return reference.appendTail(result).toString();
  }

  private Entry entry() {
    try {
      String text = Files.readString(file);
      try (JsonParser parser = YAML.createParser(text)) {
        while (parser.nextToken() != null) {
          lines.putIfAbsent(
              parser.getParsingContext().pathAsPointer().toString(),
              parser.currentTokenLocation().getLineNr());
        }
      }
      Entry entry = lines.isEmpty() ? null : YAML.readValue(text, Entry.class);
      if (entry == null) {
        throw new SettingException(shown + ": the file is empty; docs/providers.md describes it");
      }
      return entry;
    } catch (JsonMappingException e) {
      throw wrong(pointer(e), why(e));
    } catch (JsonProcessingException e) {
      throw invalidYaml(e);
    } catch (IOException e) {
      throw new SettingException(shown + ": the file cannot be read as UTF-8 text");
    }
  }

  private SettingException invalidYaml(JsonProcessingException e) {
    if (e.getCause() instanceof MarkedYAMLException yaml) {
      int line = yaml.getProblemMark() == null ? 0 : yaml.getProblemMark().getLine() + 1;
      return new SettingException(at(line) + "invalid YAML: " + yaml.getProblem());
    }
    int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
    String what = e.getOriginalMessage().lines().findFirst().orElse("unknown error");
    return new SettingException(at(line) + "invalid YAML: " + what);
  }

  private static String why(JsonMappingException e) {
    if (e instanceof UnrecognizedPropertyException unknown) {
      return "there is no field `%s` here; the fields are %s"
          .formatted(
              path(unknown),
              unknown.getKnownPropertyIds().stream()
                  .map(Object::toString)
                  .sorted()
                  .collect(Collectors.joining(", ")));
    }
    if (e instanceof ValueInstantiationException refused && refused.getCause() != null) {
      return refused.getCause().getMessage();
    }
    if (e instanceof InvalidFormatException wrong && !e.getPath().isEmpty()) {
      return "%s is `%s`; it must be %s"
          .formatted(path(wrong), wrong.getValue(), kind(wrong.getTargetType()));
    }
    return (e.getPath().isEmpty() ? "the file" : path(e))
        + " does not have the form that docs/providers.md describes";
  }

  private static String pointer(JsonMappingException e) {
    return e.getPath().stream()
        .map(part -> "/" + (part.getFieldName() == null ? part.getIndex() : part.getFieldName()))
        .collect(Collectors.joining());
  }

  private static String path(JsonMappingException e) {
    StringBuilder path = new StringBuilder();
    for (JsonMappingException.Reference part : e.getPath()) {
      if (part.getFieldName() == null) {
        path.append('[').append(part.getIndex()).append(']');
      } else {
        path.append(path.isEmpty() ? "" : ".").append(part.getFieldName());
      }
    }
    return path.toString();
  }

  private static String kind(Class<?> type) {
    if (type == LocalDate.class) {
      return "a date such as 2026-11-28";
    }
    if (type == boolean.class || type == Boolean.class) {
      return "true or false";
    }
    return Number.class.isAssignableFrom(type) || type.isPrimitive()
        ? "a number"
        : "another kind of value";
  }

  private SettingException wrong(String path, String what) {
    String known = path;
    while (!lines.containsKey(known) && !known.isEmpty()) {
      known = known.substring(0, known.lastIndexOf('/'));
    }
    return new SettingException(at(known.isEmpty() ? 0 : lines.get(known)) + what);
  }

  private String at(int line) {
    return line > 0 ? "%s, line %d: ".formatted(shown, line) : shown + ": ";
  }

  /**
   * The content of the file.
   *
   * @param path the path of a base URL without one
   * @param headers additional headers of requests
   * @param query parameters of the query string of requests
   */
  record Entry(
      String label,
      String format,
      String baseUrl,
      String path,
      boolean local,
      Map<String, String> headers,
      Map<String, String> query,
      RequestDialect request,
      List<Model> models) {
    Entry {
      headers = headers == null ? Map.of() : headers;
      query = query == null ? Map.of() : query;
      models = models == null ? List.of() : models;
    }
  }
}
