package dev.llmproxy.catalogue;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.InvalidFormatException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import dev.llmproxy.base.ProviderSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Settings.SettingException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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

  /** The reference to the provider's key, in whichever setting it is. */
  private static final String KEY = "KEY";

  private static final List<String> LISTED = List.of("live", "file", "both");

  private static final Pattern SETTING = Pattern.compile("[A-Z][A-Z0-9_]*");
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
  private final Set<String> used = new HashSet<>();
  private final List<String> secrets = new ArrayList<>();
  private String text;
  private Map<String, Integer> lines;
  private String missing;
  private String keySetting;

  /** The key of the provider that is being created, or null. */
  private String key;

  private Entry entry;
  private Endpoints endpoints;
  private Provider provider;

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
   * Reads and checks the file.
   *
   * @param formats the wire formats that have a route
   * @throws SettingException when the file or one of its settings is wrong
   */
  ProviderFile read(Set<String> formats) {
    if (!NAME.matcher(name).matches()) {
      throw new SettingException(
          "%s: the file's name is the provider's name in model ids and settings; rename it, using only letters, digits, - and _"
              .formatted(shown));
    }
    entry = entry();
    if (entry.format == null || !formats.contains(entry.format)) {
      throw wrong(
          "/format",
          "format %s; the formats are %s"
              .formatted(
                  entry.format == null ? "is missing" : "is `" + entry.format + "`",
                  String.join(", ", formats)));
    }
    for (int i = 0; i < entry.models.size(); i++) {
      check(entry.models, i);
    }
    check("/price", entry.price);
    if (entry.modelList != null && !entry.modelList.startsWith("/")) {
      throw wrong(
          "/modelList",
          "modelList is `%s`; it must be a path that begins with /".formatted(entry.modelList));
    }
    if (entry.listed != null && !LISTED.contains(entry.listed)) {
      throw wrong(
          "/listed",
          "listed is `%s`; it must be one of %s"
              .formatted(entry.listed, String.join(", ", LISTED)));
    }
    if (entry.hide.stream().anyMatch(name -> name == null || name.isBlank())) {
      throw wrong("/hide", "hide has an empty name; it must be a list of names or patterns with *");
    }
    if (entry.detect != null && entry.baseUrl != null) {
      throw wrong("/detect", "detect is for a provider without a baseUrl");
    }
    endpoints =
        new EndpointsReader(entry.format, this::wrong)
            .read(entry.completions, entry.responses, entry.endpoints);
    provider = unpriced();
    return this;
  }

  /** The provider that the file describes, without prices. */
  Provider provider() {
    return provider;
  }

  /**
   * The provider with the prices and context lengths of its models. The file's own win.
   *
   * @param list the price list; {@link PriceList#NONE} when prices are not needed
   * @throws SettingException when the file names a list that does not exist
   */
  Provider priced(PriceList list) {
    if (!list.ids().isEmpty()
        && entry.prices != null
        && list.ids().stream().noneMatch(this::usesPriceList)) {
      throw wrong(
          "/prices",
          "there is no price list `%s` in %s; the lists are %s"
              .formatted(entry.prices, PriceList.FILE, String.join(", ", list.ids())));
    }
    return provider.with(
        entry.models.stream().map(model -> model(model, list)).toList(),
        model -> prices(listed(list, model), List.of()));
  }

  /** Whether the provider's prices are in this list of {@link PriceList}. */
  boolean usesPriceList(String list) {
    return manyPriceLists()
        ? list.startsWith(priceList().substring(0, priceList().length() - 1))
        : list.equals(priceList());
  }

  private String priceList() {
    return entry.prices == null ? name : entry.prices;
  }

  /** Whether the provider passes requests on to others, with a price list for each. */
  private boolean manyPriceLists() {
    return priceList().endsWith("*");
  }

  /** The model in the price list; with many lists, the model's name ends in {@code :<list>}. */
  private PriceList.Entry listed(PriceList list, String model) {
    if (!manyPriceLists()) {
      return list.find(priceList(), model);
    }
    int colon = model.lastIndexOf(':');
    return colon < 0
        ? PriceList.Entry.UNKNOWN
        : list.find(
            priceList().replace("*", model.substring(colon + 1)), model.substring(0, colon));
  }

  private Model model(ModelEntry model, PriceList list) {
    PriceList.Entry listed = listed(list, model.priceAs == null ? model.id : model.priceAs);
    return new Model(
        model.id,
        model.label == null ? model.id : model.label,
        model.released,
        model.contextLength > 0 ? model.contextLength : listed.contextLength(),
        model.maxOutput,
        model.abilities,
        prices(listed, model.price));
  }

  private List<Price> prices(PriceList.Entry listed, List<PriceEntry> own) {
    List<Price> prices = new ArrayList<>(listed.prices());
    entry.price.forEach(each -> prices.add(each.price(shown)));
    own.forEach(each -> prices.add(each.price(shown)));
    return List.copyOf(prices);
  }

  private void check(List<ModelEntry> models, int i) {
    String path = "/models/" + i;
    ModelEntry model = models.get(i);
    if (model == null || model.id == null || model.id.isBlank()) {
      throw wrong(path, "a model has no id, the provider's name of the model");
    }
    if (models.subList(0, i).stream().anyMatch(other -> other.id.equals(model.id))) {
      throw wrong(path + "/id", "the model `%s` is listed twice".formatted(model.id));
    }
    checkTokens(path, "contextLength", model.contextLength);
    checkTokens(path, "maxOutput", model.maxOutput);
    for (int n = 0; n < model.abilities.size(); n++) {
      String ability = model.abilities.get(n);
      if (ability == null || !ABILITIES.contains(ability)) {
        throw wrong(
            path + "/abilities/" + n,
            "there is no ability `%s`; the abilities are %s"
                .formatted(ability, String.join(", ", ABILITIES)));
      }
    }
    check(path + "/price", model.price);
  }

  private void checkTokens(String path, String field, int tokens) {
    if (tokens < 0) {
      throw wrong(
          path + "/" + field,
          "%s is %d; it must be a number of tokens, or left out when unknown"
              .formatted(field, tokens));
    }
  }

  private void check(String path, List<PriceEntry> prices) {
    for (int i = 0; i < prices.size(); i++) {
      PriceEntry price = prices.get(i);
      String place = path + "/" + i;
      if (price == null || price.input == null || price.output == null) {
        throw wrong(
            place,
            "price needs `%s`, in US dollars for a million tokens"
                .formatted(price == null || price.input == null ? "input" : "output"));
      }
      check(place, price);
      price.above.forEach((tokens, tier) -> {
        if (tokens < 0 || tier == null) {
          throw wrong(
              place + "/above",
              "above has `%d: %s`; it must be a number of prompt tokens and a price"
                  .formatted(tokens, tier));
        }
        check(place + "/above/" + tokens, tier);
      });
    }
  }

  private void check(String path, PriceEntry price) {
    price
        .amounts()
        .forEach((field, dollars) -> {
          if (dollars != null && dollars.signum() < 0) {
            throw wrong(
                path + "/" + field,
                "price has %s: %s; it must be US dollars for a million tokens, 0 or more"
                    .formatted(field, dollars.toPlainString()));
          }
        });
  }

  private Provider unpriced() {
    String setting = Provider.settingPrefix(name) + "_BASE_URL";
    String own = settings.find(setting).orElse(null);
    keySetting = keySetting();
    List<String> keys = keys();
    Provider found = own == null && entry.detect != null ? found() : null;
    List<Provider> spares = new ArrayList<>();
    for (int i = 1; i < keys.size(); i++) {
      spares.add(unpriced(setting, own, keys.get(i), List.of(), null));
    }
    return unpriced(setting, own, keys.isEmpty() ? null : keys.getFirst(), spares, found);
  }

  /** The provider at the address at which it usually runs on this machine. */
  private Provider found() {
    try {
      BaseUrl.of(entry.detect, entry.path);
    } catch (IllegalArgumentException e) {
      throw wrong("/detect", "detect " + e.getMessage());
    }
    return unpriced("detect", entry.detect, null, List.of(), null);
  }

  /** The keys in the key's setting, which are separated by commas. */
  private List<String> keys() {
    List<String> keys =
        Arrays.stream(settings.find(keySetting).orElse("").split(",", -1))
            .map(String::strip)
            .filter(key -> !key.isEmpty())
            .distinct()
            .toList();
    secrets.addAll(keys);
    return keys;
  }

  private Provider unpriced(
      String setting, String own, String apiKey, List<Provider> spares, Provider found) {
    key = apiKey;
    GoogleToken google = google();
    String off = null;
    if (entry.local) {
      off = ProviderSettings.localModel(settings) ? null : "LOCAL_MODEL is off";
    } else if (apiKey == null && own == null && google == null) {
      off = (entry.baseUrl == null ? setting : keyOrAccount()) + " is not set";
    } else if (own == null && entry.baseUrl == null) {
      off = setting + " is not set";
    }
    Map<String, String> headers = headers(entry.headers);
    String query = query(entry.query);
    BaseUrl url = own != null ? own(setting, own, entry.path) : baseUrl();
    if (off == null && missing != null) {
      off = missing + " is not set";
    }
    if (apiKey != null) {
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
        List.of(),
        entry.request,
        headers,
        url.query().isEmpty() || query.isEmpty() ? url.query() + query : url.query() + "&" + query,
        secrets,
        keySetting,
        google,
        source(),
        model -> List.of(),
        entry.rules,
        spares,
        found,
        // Another server than the file's may speak chats alone.
        own != null && entry.baseUrl != null ? endpoints.withoutResponses() : endpoints);
  }

  private ModelSource source() {
    return new ModelSource(
        entry.modelList == null ? ModelSource.USUAL.path() : entry.modelList,
        entry.listed == null
            ? ModelSource.Listed.BOTH
            : ModelSource.Listed.valueOf(entry.listed.toUpperCase(Locale.ROOT)),
        entry.hide.stream().map(NamePattern::new).toList());
  }

  /** The setting to name when the provider has no key. */
  private String keyOrAccount() {
    return entry.googleAccount == null ? keySetting : entry.googleAccount;
  }

  private GoogleToken google() {
    if (entry.googleAccount == null) {
      return null;
    }
    if (!SETTING.matcher(entry.googleAccount).matches()) {
      throw wrong(
          "/googleAccount",
          "googleAccount is `%s`; it must be the name of a setting, as VERTEX_CREDENTIALS"
              .formatted(entry.googleAccount));
    }
    String path = settings.find(entry.googleAccount).orElse(null);
    if (path == null) {
      return null;
    }
    try {
      return GoogleToken.of(settings.home().resolve(path));
    } catch (IOException | RuntimeException e) {
      // The exception's message may quote the file.
      throw new SettingException(
          "%s is %s, which is not the JSON key file of a Google service account, or cannot be read"
              .formatted(entry.googleAccount, path));
    }
  }

  /** The setting with the key: the first of the file's that is set, else {@code <NAME>_API_KEY}. */
  private String keySetting() {
    String usual = Provider.settingPrefix(name) + "_API_KEY";
    for (int i = 0; i < entry.key.size(); i++) {
      String setting = entry.key.get(i);
      if (setting == null || !SETTING.matcher(setting).matches()) {
        throw wrong(
            "/key",
            "key has `%s`; it must be the name of a setting, as HF_TOKEN".formatted(setting));
      }
    }
    return Stream.concat(Stream.of(usual), entry.key.stream())
        .filter(setting -> settings.find(setting).isPresent())
        .findFirst()
        .orElse(entry.key.isEmpty() ? usual : entry.key.getFirst());
  }

  private static BaseUrl own(String setting, String text, String path) {
    try {
      return BaseUrl.of(text, path);
    } catch (IllegalArgumentException e) {
      throw new SettingException(setting + " " + e.getMessage());
    }
  }

  private BaseUrl baseUrl() {
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
      String setting = reference.group(1).equals(KEY) ? keySetting : reference.group(1);
      String value = setting.equals(keySetting) ? key : settings.find(setting).orElse(null);
      used.add(setting);
      if (value == null) {
        missing = setting;
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
      text = Files.readString(file);
      Entry content = YAML.readValue(text, Entry.class);
      if (content == null) {
        throw empty();
      }
      return content;
    } catch (JsonProcessingException e) {
      throw refused(e);
    } catch (IOException e) {
      throw new SettingException(shown + ": the file cannot be read as UTF-8 text");
    }
  }

  private SettingException refused(JsonProcessingException e) {
    try {
      lines = readLines();
    } catch (JsonProcessingException syntax) {
      return invalidYaml(syntax);
    } catch (IOException unexpected) {
      throw new UncheckedIOException(unexpected);
    }
    if (lines.isEmpty()) {
      return empty();
    }
    return e instanceof JsonMappingException mismatch
        ? wrong(pointer(mismatch), why(mismatch))
        : invalidYaml(e);
  }

  private SettingException empty() {
    return new SettingException(shown + ": the file is empty; docs/add-a-provider.md describes it");
  }

  /** The lines of the file's values by their JSON pointers. Only errors need them. */
  private Map<String, Integer> lines() {
    try {
      lines = lines == null ? readLines() : lines;
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Map<String, Integer> readLines() throws IOException {
    Map<String, Integer> read = new HashMap<>();
    try (JsonParser parser = YAML.createParser(text)) {
      while (parser.nextToken() != null) {
        read.putIfAbsent(
            parser.getParsingContext().pathAsPointer().toString(),
            parser.currentTokenLocation().getLineNr());
      }
    }
    return read;
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

  private String why(JsonMappingException e) {
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
    String what = e.getPath().isEmpty() ? "the file" : path(e);
    if (e instanceof InvalidFormatException wrong && !e.getPath().isEmpty()) {
      return "%s is `%s`; it must be %s"
          .formatted(what, wrong.getValue(), kind(wrong.getTargetType()));
    }
    if (e instanceof MismatchedInputException wrong && wrong.getTargetType() != null) {
      return "%s is %s; it must be %s"
          .formatted(what, found(pointer(e)), kind(wrong.getTargetType()));
    }
    return what + " does not have the form that docs/add-a-provider.md describes";
  }

  private String pointer(JsonMappingException e) {
    String pointer = "";
    for (JsonMappingException.Reference part : e.getPath()) {
      String step = "/" + (part.getFieldName() == null ? part.getIndex() : part.getFieldName());
      if (part.getFieldName() != null || lines().containsKey(pointer + step)) {
        pointer += step;
      }
    }
    return pointer;
  }

  private String path(JsonMappingException e) {
    StringBuilder path = new StringBuilder();
    String pointer = "";
    for (JsonMappingException.Reference part : e.getPath()) {
      if (part.getFieldName() != null) {
        path.append(path.isEmpty() ? "" : ".").append(part.getFieldName());
        pointer += "/" + part.getFieldName();
      } else if (lines().containsKey(pointer + "/" + part.getIndex())) {
        path.append('[').append(part.getIndex()).append(']');
        pointer += "/" + part.getIndex();
      }
      // Otherwise a single value stands for a list.
    }
    return path.toString();
  }

  /** What the file has at a place, for people. */
  private String found(String pointer) {
    JsonNode value;
    try {
      value = YAML.readTree(file.toFile()).at(pointer);
    } catch (IOException e) {
      return "something else";
    }
    return switch (value.getNodeType()) {
      case OBJECT -> "a map";
      case ARRAY -> "a list";
      case NULL, MISSING -> "empty";
      default -> value.asText().isEmpty() ? "empty" : "`" + value.asText() + "`";
    };
  }

  private static String kind(Class<?> type) {
    if (type == LocalDate.class) {
      return "a date such as 2026-11-28";
    }
    if (type == boolean.class || type == Boolean.class) {
      return "true or false";
    }
    if (Number.class.isAssignableFrom(type) || type.isPrimitive()) {
      return "a number";
    }
    if (Collection.class.isAssignableFrom(type)) {
      return "a list";
    }
    return type == String.class ? "a text" : "a map of fields";
  }

  private SettingException wrong(String path, String what) {
    String known = path;
    while (!lines().containsKey(known) && !known.isEmpty()) {
      int last = known.lastIndexOf('/');
      // A single value may stand for a list.
      String single = known.substring(0, last).replaceFirst("/0$", "") + known.substring(last);
      known = lines().containsKey(single) ? single : known.substring(0, last);
    }
    return new SettingException(at(known.isEmpty() ? 0 : lines().get(known)) + what);
  }

  private String at(int line) {
    return line > 0 ? "%s, line %d: ".formatted(shown, line) : shown + ": ";
  }

  /**
   * The content of the file.
   *
   * @param key other names of the setting with the provider's key
   * @param googleAccount the setting with the path of a Google service account's key file
   * @param path the path of a base URL without one
   * @param headers additional headers of requests
   * @param query parameters of the query string of requests
   * @param modelList the path of the provider's own list of models; null for {@code /models}
   * @param listed which models are listed: {@code live}, {@code file} or {@code both}; null for
   *     both
   * @param hide names of models that are not listed, with {@code *} for any text
   * @param detect the address at which the provider usually runs on this machine; null for none
   * @param prices the name of the provider's list in the price list; null for the provider's name.
   *     A name with {@code *} at its end stands for a list for each text after the colon in a
   *     model's name
   * @param price the price of the models without another one
   * @param rules what its models take
   * @param completions its endpoint for completions; null for none
   * @param responses {@code native} when it speaks OpenAI's Responses format; null otherwise
   * @param endpoints its other endpoints, by name
   */
  record Entry(
      String label,
      String format,
      String baseUrl,
      String path,
      @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY) List<String> key,
      String googleAccount,
      boolean local,
      Map<String, String> headers,
      Map<String, String> query,
      RequestDialect request,
      String modelList,
      String listed,
      @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY) List<String> hide,
      String detect,
      String prices,
      @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY) List<PriceEntry> price,
      List<ModelRule> rules,
      JsonNode completions,
      JsonNode responses,
      Map<String, JsonNode> endpoints,
      List<ModelEntry> models) {
    Entry {
      key = key == null ? List.of() : key;
      headers = headers == null ? Map.of() : headers;
      query = query == null ? Map.of() : query;
      price = price == null ? List.of() : price;
      hide = hide == null ? List.of() : hide;
      rules = rules == null ? List.of() : rules;
      models = models == null ? List.of() : models;
      endpoints = endpoints == null ? Map.of() : endpoints;
    }
  }

  /**
   * A model in the file; see {@link Model}.
   *
   * @param priceAs the model's name in the price list; null for {@code id}
   */
  record ModelEntry(
      String id,
      String label,
      LocalDate released,
      int contextLength,
      int maxOutput,
      List<String> abilities,
      String priceAs,
      @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY) List<PriceEntry> price) {
    ModelEntry {
      abilities = abilities == null ? List.of() : abilities;
      price = price == null ? List.of() : price;
    }
  }

  /**
   * A price in the file; see {@link Price} and {@link Rates}.
   *
   * @param above other prices for prompts with more tokens than the key
   */
  record PriceEntry(
      BigDecimal input,
      BigDecimal cached,
      BigDecimal cacheWrite,
      BigDecimal cacheWrite1h,
      BigDecimal audioInput,
      BigDecimal output,
      BigDecimal audioOutput,
      LocalDate from,
      String source,
      Map<Long, PriceEntry> above) {
    PriceEntry {
      above = above == null ? Map.of() : above;
    }

    private Map<String, BigDecimal> amounts() {
      Map<String, BigDecimal> amounts = new LinkedHashMap<>();
      amounts.put("input", input);
      amounts.put("cached", cached);
      amounts.put("cacheWrite", cacheWrite);
      amounts.put("cacheWrite1h", cacheWrite1h);
      amounts.put("audioInput", audioInput);
      amounts.put("output", output);
      amounts.put("audioOutput", audioOutput);
      return amounts;
    }

    private Price price(String file) {
      List<Price.Tier> tiers = new ArrayList<>();
      above.forEach((tokens, tier) -> tiers.add(new Price.Tier(tokens, tier.rates(this))));
      return new Price(from, null, null, rates(this), tiers, source == null ? file : source);
    }

    /** The rates, with those of {@code base} in place of missing ones. */
    private Rates rates(PriceEntry base) {
      Map<String, BigDecimal> mine = amounts();
      base.amounts().forEach(mine::putIfAbsent);
      return new Rates(
          mine.get("input"),
          mine.get("cached"),
          mine.get("cacheWrite"),
          mine.get("cacheWrite1h"),
          mine.get("audioInput"),
          mine.get("output"),
          mine.get("audioOutput"));
    }
  }
}
