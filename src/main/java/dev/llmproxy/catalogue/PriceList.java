package dev.llmproxy.catalogue;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings.SettingException;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The prices and context lengths of {@code providers/prices.json}, which {@code
 * scripts/update-prices} writes from the data of genai-prices
 * (https://github.com/pydantic/genai-prices). The file has a list for each provider. In a list, the
 * first model whose condition matches counts. Immutable.
 */
final class PriceList {
  static final String FILE = "providers/prices.json";

  /** No prices at all. */
  static final PriceList NONE = new PriceList();

  /** Some clients write the day of a model without dashes. */
  private static final Pattern COMPACT_DAY =
      Pattern.compile("-(20\\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\\d|3[01])(?=[-:]|$)");

  /** Columns of a tier, in the order of {@link Rates}. */
  private static final List<String> UNITS =
      List.of(
          "input_mtok",
          "cache_read_mtok",
          "cache_write_mtok",
          "cache_write_1h_mtok",
          "input_audio_mtok",
          "output_mtok",
          "output_audio_mtok");

  private final Map<String, Listed> lists = new HashMap<>();
  private final Set<String> ids = new TreeSet<>();
  private String source = "";

  /**
   * A model in a list.
   *
   * @param contextLength in tokens, or 0 when unknown
   * @param prices from the first to the last that may be valid; empty when unknown
   */
  record Entry(int contextLength, List<Price> prices) {
    static final Entry UNKNOWN = new Entry(0, List.of());
  }

  private record Row(Predicate<String> condition, Entry entry) {}

  private record Listed(List<Row> rows, List<String> others) {}

  private PriceList() {}

  /**
   * Reads the lists that are needed; the others are skipped, because the file has thousands of
   * models. Without the file, all prices are unknown.
   *
   * @param needed whether a list is needed
   * @throws SettingException when the file cannot be read; the message names file and line
   */
  static PriceList read(Path home, Predicate<String> needed) {
    PriceList prices = new PriceList();
    Path file = home.resolve(FILE);
    try {
      prices.pass(file, needed);
      Set<String> others = new HashSet<>();
      prices.lists.values().forEach(list -> others.addAll(list.others()));
      others.removeAll(prices.lists.keySet());
      if (!others.isEmpty()) {
        prices.pass(file, others::contains);
      }
      return prices;
    } catch (NoSuchFileException e) {
      return prices;
    } catch (JsonProcessingException e) {
      throw new SettingException(
          "%s, line %d: %s; scripts/update-prices writes the file anew"
              .formatted(
                  FILE,
                  e.getLocation() == null ? 0 : e.getLocation().getLineNr(),
                  e.getOriginalMessage()));
    } catch (IOException | IllegalArgumentException | java.time.DateTimeException e) {
      throw new SettingException(
          "%s cannot be read (%s); scripts/update-prices writes the file anew"
              .formatted(FILE, e.getMessage()));
    }
  }

  /** The names of all lists. */
  Set<String> ids() {
    return ids;
  }

  /** Where the prices come from, with the day, for people. */
  String source() {
    return source;
  }

  /**
   * The model in a list that was needed.
   *
   * @param list the name of a list
   * @param model the provider's name of the model
   * @return {@link Entry#UNKNOWN} when the list has no such model
   */
  Entry find(String list, String model) {
    String id = model.toLowerCase(Locale.ROOT);
    Entry entry = find(list, id, true);
    if (entry != null) {
      return entry;
    }
    String dashed = COMPACT_DAY.matcher(id).replaceAll("-$1-$2-$3");
    entry = dashed.equals(id) ? null : find(list, dashed, true);
    return entry == null ? Entry.UNKNOWN : entry;
  }

  private Entry find(String name, String model, boolean withOthers) {
    Listed list = lists.get(name);
    if (list == null) {
      return null;
    }
    for (Row row : list.rows()) {
      if (row.condition().test(model)) {
        return row.entry();
      }
    }
    if (withOthers) {
      for (String other : list.others()) {
        Entry entry = find(other, model, false);
        if (entry != null) {
          return entry;
        }
      }
    }
    return null;
  }

  private void pass(Path file, Predicate<String> needed) throws IOException {
    try (InputStream in = Files.newInputStream(file);
        JsonParser parser = Json.parser(in)) {
      Map<String, String> head = new HashMap<>();
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String field = parser.currentName();
        if (field.equals("providers") && parser.nextToken() == JsonToken.START_ARRAY) {
          source =
              head.getOrDefault("source", FILE) + " of " + head.getOrDefault("read", "unknown");
          while (parser.nextToken() == JsonToken.START_OBJECT) {
            provider(parser, needed);
          }
        } else {
          parser.nextValue();
          head.put(field, parser.getText());
          parser.skipChildren();
        }
      }
    }
  }

  private void provider(JsonParser parser, Predicate<String> needed) throws IOException {
    ObjectNode about = Json.object();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String field = parser.currentName();
      parser.nextToken();
      String id = about.path("id").asText();
      if (!field.equals("models")) {
        about.set(field, Json.tree(parser));
      } else if (needed.test(id)) {
        lists.put(id, listed(about, Json.tree(parser)));
      } else {
        parser.skipChildren();
      }
    }
    ids.add(about.path("id").asText());
  }

  private Listed listed(JsonNode about, JsonNode models) {
    List<String> others = new ArrayList<>();
    about.path("fallback_model_providers").forEach(other -> others.add(other.asText()));
    String page = about.path("pages").path(0).asText("");
    String from = page.isEmpty() ? source : source + ", " + page;
    List<Row> rows = new ArrayList<>();
    for (JsonNode model : models) {
      List<Price> prices = new ArrayList<>();
      model.path("prices").forEach(price -> prices.add(price(price, from)));
      rows.add(
          new Row(
              condition(model.path("match")),
              new Entry(model.path("context_window").asInt(), List.copyOf(prices))));
    }
    return new Listed(rows, others);
  }

  private static Predicate<String> condition(JsonNode match) {
    Map.Entry<String, JsonNode> only = match.properties().iterator().next();
    JsonNode value = only.getValue();
    String text = value.asText().toLowerCase(Locale.ROOT);
    return switch (only.getKey()) {
      case "equals" -> text::equals;
      case "starts_with" -> model -> model.startsWith(text);
      case "ends_with" -> model -> model.endsWith(text);
      case "contains" -> model -> model.contains(text);
      case "regex" -> {
        Pattern pattern = Pattern.compile(value.asText());
        yield model -> {
          Matcher matcher = pattern.matcher(model);
          return matcher.find();
        };
      }
      case "or" -> {
        List<Predicate<String>> all = conditions(value);
        yield model -> all.stream().anyMatch(each -> each.test(model));
      }
      case "and" -> {
        List<Predicate<String>> all = conditions(value);
        yield model -> all.stream().allMatch(each -> each.test(model));
      }
      default -> throw new IllegalArgumentException("unknown condition " + only.getKey());
    };
  }

  private static List<Predicate<String>> conditions(JsonNode list) {
    return list.valueStream().map(PriceList::condition).toList();
  }

  private static Price price(JsonNode price, String source) {
    Set<Long> starts = new TreeSet<>();
    UNITS.forEach(unit ->
        price.path(unit).path("tiers").forEach(tier -> starts.add(tier.path("start").asLong())));
    List<Price.Tier> tiers =
        starts.stream()
            .map(start -> new Price.Tier(start, rates(unit -> rate(price.path(unit), start))))
            .toList();
    return new Price(
        price.has("start_date") ? LocalDate.parse(price.get("start_date").asText()) : null,
        price.has("start_time") ? LocalTime.parse(price.get("start_time").asText()) : null,
        price.has("end_time") ? LocalTime.parse(price.get("end_time").asText()) : null,
        rates(unit -> rate(price.path(unit), -1)),
        tiers,
        source);
  }

  private static Rates rates(Function<String, BigDecimal> rate) {
    List<BigDecimal> each = new ArrayList<>();
    UNITS.forEach(unit -> each.add(rate.apply(unit)));
    return new Rates(
        each.get(0), each.get(1), each.get(2), each.get(3), each.get(4), each.get(5), each.get(6));
  }

  /** The price of a unit in the tier that begins at {@code start}; null when it has none. */
  private static BigDecimal rate(JsonNode price, long start) {
    if (price.isMissingNode()) {
      return null;
    }
    if (price.isNumber()) {
      return price.decimalValue();
    }
    BigDecimal rate = price.path("base").decimalValue();
    for (JsonNode tier : price.path("tiers")) {
      if (tier.path("start").asLong() <= start) {
        rate = tier.path("price").decimalValue();
      }
    }
    return rate;
  }
}
