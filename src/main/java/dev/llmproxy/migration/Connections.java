package dev.llmproxy.migration;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds a provider for each connection: one of the folder {@code providers/} where its file and a
 * setting are enough, else an own file, which is a copy of that file with another address and key.
 */
final class Connections {
  static final YAMLMapper YAML =
      YAMLMapper.builder()
          .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
          .disable(YAMLGenerator.Feature.SPLIT_LINES)
          .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
          .enable(YAMLGenerator.Feature.INDENT_ARRAYS_WITH_INDICATOR)
          .build();

  private static final String BASE_URL = "baseUrl";
  private static final String KEY = "key";

  /** The names that provider files accept for the setting of a key. */
  private static final Pattern SETTING = Pattern.compile("[A-Z][A-Z0-9_]*");

  private static final Pattern REFERENCE = Pattern.compile("\\{\\{(\\w+)}}");

  private final ImportPlan plan;

  /** The files of the folder that no import has written, by their name. */
  private final Map<String, ObjectNode> shipped = new TreeMap<>();

  private final Map<Connection, Map<String, OwnModel>> wanted = new LinkedHashMap<>();
  private final Map<Connection, String> names = new HashMap<>();
  private final Set<String> taken = new HashSet<>();

  /**
   * @param home the folder with {@code providers/}
   */
  Connections(Path home, ImportPlan plan) {
    this.plan = plan;
    try (Stream<Path> files = Files.list(home.resolve("providers"))) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        String text = name.endsWith(".yaml") ? Files.readString(file) : "";
        if (!text.isEmpty()
            && !name.equals("routing.yaml")
            && !ImportedFile.isImported(text)
            && YAML.readTree(text) instanceof ObjectNode content) {
          shipped.put(name.replaceFirst("\\.yaml$", ""), content);
        }
      }
    } catch (IOException e) {
      throw new ImportException(
          "the folder %s of the providers cannot be read: %s"
              .formatted(home.resolve("providers"), e.getMessage()));
    }
  }

  boolean has(String template) {
    return shipped.containsKey(template);
  }

  /** Adds a model that is reached by a connection. */
  void add(Connection connection, OwnModel model) {
    Map<String, OwnModel> models =
        wanted.computeIfAbsent(connection, each -> new LinkedHashMap<>());
    if (model.described() || !models.containsKey(model.id())) {
      models.put(model.id(), model);
    }
  }

  /** The names that are reserved for providers; complete after {@link #assign}. */
  Set<String> providers() {
    Set<String> all = new HashSet<>(shipped.keySet());
    all.addAll(names.values());
    return all;
  }

  /** The provider of a connection, after {@link #assign}. */
  String name(Connection connection) {
    return names.get(connection);
  }

  /** Names the providers, and plans their files and settings. */
  void assign() {
    taken.addAll(shipped.keySet());
    Set<String> claimed = new HashSet<>();
    // The connections whose keys are in the usual settings come first.
    for (boolean usual : List.of(true, false)) {
      wanted.keySet().stream()
          .filter(each -> hasUsualKey(each) == usual && fits(each))
          .filter(each -> claimed.add(each.template()))
          .forEach(this::useShipped);
    }
    wanted.keySet().stream().filter(each -> !names.containsKey(each)).forEach(this::writeOwn);
  }

  private boolean hasUsualKey(Connection connection) {
    return connection.keys().stream().allMatch(key -> isUsual(connection.template(), key));
  }

  private boolean isUsual(String template, Text key) {
    return key.variable() != null
        && (key.variable().equals(prefix(template) + "_API_KEY")
            || texts(shipped.get(template).path(KEY)).contains(key.variable()));
  }

  /** Whether the template's own file does, with settings. */
  private boolean fits(Connection connection) {
    JsonNode template = shipped.get(connection.template());
    String base = template.path(BASE_URL).asText(null);
    boolean address =
        connection.address() == null
            || (base == null
                ? !connection.address().contains("{{")
                : withoutSlash(base).equals(withoutSlash(connection.address())));
    boolean keys =
        hasUsualKey(connection)
            || connection.keys().stream().allMatch(key -> key.literal() != null);
    return address
        && keys
        && wanted.get(connection).values().stream().noneMatch(Connections::needsFile);
  }

  private static boolean needsFile(OwnModel model) {
    return model.priced() || model.contextLength() > 0;
  }

  private void useShipped(Connection connection) {
    String name = connection.template();
    JsonNode template = shipped.get(name);
    names.put(connection, name);
    if (connection.address() != null && template.path(BASE_URL).isMissingNode()) {
      address(prefix(name) + "_BASE_URL", connection.address());
    }
    if (connection.keys().isEmpty()) {
      if (connection.address() == null && !template.has("detect")) {
        plan.need(
            usualSetting(name),
            (template.has("googleAccount")
                    ? "the JSON key file of a service account for the provider "
                    : "the key of the provider ")
                + name);
      }
    } else if (hasUsualKey(connection)) {
      connection
          .keys()
          .forEach(key -> plan.need(key.variable(), "the key of the provider " + name));
    } else {
      plan.secret(prefix(name) + "_API_KEY", joined(connection.keys()));
    }
    connection
        .settings()
        .forEach((setting, value) -> {
          if (value.literal() != null) {
            plan.setting(setting, value.literal());
          } else {
            plan.need(
                setting,
                value.variable().equals(setting)
                    ? "used by the provider " + name
                    : "the value of " + value.variable());
          }
        });
  }

  /** The setting to name for a key that the other gateway takes from its usual variable. */
  private String usualSetting(String name) {
    JsonNode template = shipped.get(name);
    List<String> others = texts(template.path(KEY));
    return template.has("googleAccount")
        ? template.path("googleAccount").asText()
        : others.isEmpty() ? prefix(name) + "_API_KEY" : others.getFirst();
  }

  private void writeOwn(Connection connection) {
    JsonNode template = shipped.get(connection.template());
    String name = free(connection);
    names.put(connection, name);
    String base = address(connection, template);
    ObjectNode file = YAML.createObjectNode();
    file.put("label", label(connection, template));
    template
        .properties()
        .forEach(field -> {
          if (!file.has(field.getKey())) {
            file.set(field.getKey(), field.getValue());
          }
        });
    file.remove(List.of("detect", KEY, BASE_URL));
    if (connection.address() != null) {
      // Another server than the template's need not have these.
      file.remove(List.of("responses", "endpoints"));
    } else if (!file.has("prices")) {
      file.put("prices", connection.template());
    }
    // Without a key, a provider is on when its address is a setting. A query may have a secret.
    boolean bySetting =
        connection.address() != null && (connection.keys().isEmpty() || base.contains("?"));
    String setting = prefix(name) + "_BASE_URL";
    if (!bySetting) {
      file.put(BASE_URL, base);
    } else if (base.contains("{{")) {
      plan.need(setting, "the address " + base);
    } else {
      address(setting, base);
    }
    Matcher reference = REFERENCE.matcher(bySetting ? "" : base);
    while (reference.find()) {
      plan.need(
          reference.group(1), "a part of the address of the provider %s: %s".formatted(name, base));
    }
    keys(connection, name, file);
    ModelEntries.add(file, wanted.get(connection));
    plan.file("providers/" + name + ".yaml", yaml(file));
  }

  private void address(String setting, String address) {
    if (address.contains("?")) {
      plan.secret(setting, address);
    } else {
      plan.setting(setting, address);
    }
  }

  private void keys(Connection connection, String name, ObjectNode file) {
    List<String> variables =
        connection.keys().stream().map(Text::variable).filter(each -> each != null).toList();
    List<Text> literals = connection.keys().stream().filter(key -> key.literal() != null).toList();
    if (!literals.isEmpty()) {
      plan.secret(prefix(name) + "_API_KEY", joined(literals));
    } else if (variables.isEmpty() && connection.address() == null) {
      plan.need(prefix(name) + "_API_KEY", "the key of the provider " + name);
    } else if (!variables.isEmpty() && !SETTING.matcher(variables.getFirst()).matches()) {
      plan.need(prefix(name) + "_API_KEY", "the value of " + variables.getFirst());
    } else if (!variables.isEmpty()) {
      file.put(KEY, variables.getFirst());
      plan.need(variables.getFirst(), "the key of the provider " + name);
    }
  }

  /** The base URL, with the values that the template takes from settings. */
  private static String address(Connection connection, JsonNode template) {
    String base =
        connection.address() == null ? template.path(BASE_URL).asText("") : connection.address();
    for (Map.Entry<String, Text> setting : connection.settings().entrySet()) {
      base = base.replace("{{" + setting.getKey() + "}}", setting.getValue().reference());
    }
    return base;
  }

  private static String label(Connection connection, JsonNode template) {
    String label = template.path("label").asText(connection.template());
    return connection.address() == null ? label : label + " (" + host(connection.address()) + ")";
  }

  /** A name for the connection's file that no other provider has. */
  private String free(Connection connection) {
    String host = connection.address() == null ? "" : host(connection.address());
    String wish =
        host.isEmpty()
            ? connection.template()
            : host.replaceFirst("\\.openai\\.azure\\.com$", "")
                .replaceAll("[^A-Za-z0-9]+", "-")
                .toLowerCase(Locale.ROOT)
                .replaceAll("^-+|-+$", "");
    if (wish.isEmpty()) {
      wish = connection.template();
    } else if (connection.template().equals("azure")) {
      wish = "azure-" + wish;
    } else if (Character.isDigit(wish.charAt(0))) {
      // The names of variables cannot begin with a digit.
      wish = "server-" + wish;
    }
    String name = wish;
    for (int i = 2; !taken.add(name); i++) {
      name = wish + "-" + i;
    }
    return name;
  }

  /** The host and port, or the name of the setting that has them. */
  private static String host(String address) {
    if (address.startsWith("{{")) {
      return address.substring(2, Math.max(2, address.indexOf("}}")));
    }
    try {
      URI uri = URI.create(address);
      String host = uri.getHost() == null ? "" : uri.getHost();
      return uri.getPort() < 0 ? host : host + ":" + uri.getPort();
    } catch (IllegalArgumentException e) {
      return "";
    }
  }

  private static String joined(List<Text> keys) {
    return keys.stream().map(Text::literal).collect(Collectors.joining(", "));
  }

  private static List<String> texts(JsonNode node) {
    List<String> texts = new ArrayList<>();
    if (node.isArray()) {
      node.forEach(each -> texts.add(each.asText()));
    } else if (node.isTextual()) {
      texts.add(node.asText());
    }
    return texts;
  }

  private static String withoutSlash(String address) {
    return address.replaceFirst("/+$", "");
  }

  /** The beginning of a provider's settings, as docs/add-a-provider.md has it. */
  static String prefix(String name) {
    return name.toUpperCase(Locale.ROOT).replace('-', '_');
  }

  static String yaml(JsonNode content) {
    try {
      return YAML.writeValueAsString(content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
