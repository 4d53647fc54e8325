package dev.llmproxy.keys;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.LimitSettings;
import dev.llmproxy.base.PrivateFile;
import dev.llmproxy.base.Settings;
import dev.llmproxy.call.Limit;
import dev.llmproxy.call.Tier;
import dev.llmproxy.workbook.TierSheet;
import dev.llmproxy.workbook.Workbook;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The limits of the tiers: those of the sheet {@code Tiers}, with the settings {@code
 * RATE_LIMIT_<TIER>} where the sheet has none. The route keys-load loads the sheet with the keys. A
 * file in the data folder keeps the last reading for a start while the workbook cannot be read.
 */
public final class Tiers {
  private static final Logger LOG = LoggerFactory.getLogger(Tiers.class);
  private static final String PREFIX = "RATE_LIMIT_";
  private static final String FILE = "tiers.json";
  private static final String SPREADSHEET = "spreadsheet";
  private static final String TIERS = "tiers";

  private final Map<String, Limit> settings = new TreeMap<>();
  private final Path file;
  private final String spreadsheetId;
  private final Set<String> unknown = ConcurrentHashMap.newKeySet();
  private volatile State state;
  private volatile long lastLoaded;

  /** One reading, and the tiers found in it by their name. */
  private record State(TierTable table, Map<String, Tier> byName) {
    State(TierTable table) {
      this(table, new ConcurrentHashMap<>());
    }
  }

  /**
   * Starts with the tiers of the file.
   *
   * @param folder the data folder, which must exist
   * @param spreadsheetId the spreadsheet with the sheet; a file of another one is not read
   */
  public Tiers(LimitSettings settings, Path folder, String spreadsheetId) {
    settings
        .requestsPerMinute()
        .forEach((setting, limit) ->
            this.settings.put(
                setting.substring(PREFIX.length()),
                limit.isPresent() ? Limit.of(limit.getAsInt()) : Limit.UNLIMITED));
    this.file = folder.resolve(FILE);
    this.spreadsheetId = spreadsheetId;
    state = new State(TierTable.of(stored()));
  }

  /** The tiers of a workbook, for another process than the server. */
  public static Tiers of(Settings settings, Workbook workbook) {
    return new Tiers(
        LimitSettings.of(settings), settings.path("LLMPROXY_DATA"), workbook.spreadsheetId());
  }

  /** The rows of a new sheet without any limits of its own: those of the settings apply. */
  public static List<List<String>> none() {
    return List.of(List.of(TierTable.FREE));
  }

  /**
   * The tier with this name. A tier that neither the sheet nor a setting has gets the limits of the
   * tier free, so that a typing error does not remove a limit.
   */
  public Tier of(String name) {
    State now = state;
    Tier known = now.byName().get(name);
    return known != null
        ? known
        : now.byName().computeIfAbsent(name, missing -> find(now, missing));
  }

  private Tier find(State now, String name) {
    if (!has(name) && unknown.add(name)) {
      LOG.warn(
          "The tier \"{}\" is not in the sheet \"Tiers\"; its keys have the limits of the tier free",
          name);
    }
    return now.table().tier(name, settings);
  }

  /** Whether the sheet or a setting has limits for the tier. */
  public boolean has(String name) {
    return state.table().has(name) || settings.containsKey(folded(name));
  }

  /**
   * The tiers of the sheet, or of the settings before the first reading, in their order; free first
   * when the sheet lacks it.
   */
  public List<Tier> all() {
    Set<String> names = new LinkedHashSet<>(state.table().names());
    if (names.stream().noneMatch(TierTable.FREE::equals)) {
      names.add(TierTable.FREE);
    }
    return names.stream().map(this::of).toList();
  }

  /**
   * Replaces the tiers by those of the sheet. A cell that cannot be read, and a column that the
   * sheet has lost, keep their last values; this is reported.
   *
   * @param values the sheet's cells, header row first, ragged as Google gives them; null or empty
   *     for an empty sheet
   * @param reading the ticket of this reading, from {@link KeyDirectory#nextReading}; a reading
   *     that started before the one loaded last changes nothing
   */
  public synchronized void load(List<List<Object>> values, long reading) {
    if (reading < lastLoaded) {
      return;
    }
    TierTable before = state.table();
    TierTable fresh = TierTable.read(values, before);
    boolean changed = lastLoaded == 0 || !fresh.equals(before);
    lastLoaded = reading;
    if (!changed) {
      return;
    }
    fresh.problems().stream()
        .filter(problem -> !before.problems().contains(problem))
        .forEach(problem -> LOG.warn("Sheet \"Tiers\": {}", problem));
    fresh
        .overruled(settings)
        .filter(overruled -> before.overruled(settings).noneMatch(overruled::equals))
        .forEach(overruled -> LOG.info("Sheet \"Tiers\": {}", overruled));
    state = new State(fresh);
    unknown.clear();
    if (!fresh.cells().equals(before.cells())) {
      store(fresh);
    }
  }

  /** The ticket of the reading that was loaded last; 0 before the first. */
  public long lastReading() {
    return lastLoaded;
  }

  /** The problems of the sheet and its rows, in order; empty before the first reading. */
  public List<KeyProblem> problems() {
    return state.table().problems();
  }

  /**
   * The problems of a sheet that was read just now.
   *
   * @param values as in {@link #load}
   */
  public List<KeyProblem> problemsIn(List<List<Object>> values) {
    return TierTable.read(values, state.table()).problems();
  }

  /** Whether the column Status needed an update at the last reading. */
  public boolean untidy() {
    return state.table().untidy();
  }

  /**
   * The rows below the header of a new sheet: the last known tiers, else those of the settings.
   * Texts as a person would type them, under the headers of {@link TierSheet#HEADERS}.
   */
  public List<List<String>> rows() {
    TierTable now = state.table();
    return now.cells().isEmpty() ? defaults() : now.rows();
  }

  private List<List<String>> defaults() {
    List<List<String>> rows = new ArrayList<>();
    List<String> free = new ArrayList<>();
    free.add(TierTable.FREE);
    free.add(settings.get(folded(TierTable.FREE)).toString());
    TierSheet.LIMITS.stream().skip(1).forEach(limit -> free.add(TierSheet.UNLIMITED));
    rows.add(free);
    settings.forEach((tier, limit) -> {
      String name = tier.toLowerCase(Locale.ROOT);
      if (!name.equals(TierTable.FREE)) {
        rows.add(List.of(name, limit.toString()));
      }
    });
    return rows;
  }

  private Map<String, Map<String, String>> stored() {
    Map<String, Map<String, String>> cells = new LinkedHashMap<>();
    try {
      JsonNode content = Json.parse(Files.readString(file));
      if (!content.path(SPREADSHEET).asText().equals(spreadsheetId)) {
        return Map.of();
      }
      content
          .path(TIERS)
          .properties()
          .forEach(tier -> {
            Map<String, String> limits = new LinkedHashMap<>();
            tier.getValue()
                .properties()
                .forEach(limit -> limits.put(limit.getKey(), limit.getValue().asText()));
            cells.put(tier.getKey(), limits);
          });
    } catch (NoSuchFileException e) {
      return Map.of();
    } catch (IOException e) {
      LOG.warn("{} cannot be read and is not used: {}", file, e.toString());
      return Map.of();
    }
    return cells;
  }

  private void store(TierTable table) {
    ObjectNode content = Json.object().put(SPREADSHEET, spreadsheetId);
    ObjectNode tiers = content.putObject(TIERS);
    table.cells().forEach((name, limits) -> limits.forEach(tiers.withObjectProperty(name)::put));
    try {
      PrivateFile.write(file, Json.text(content) + "\n");
    } catch (IOException e) {
      LOG.warn(
          "{} cannot be written: {}. If the server restarts while the workbook is down, it will have older limits.",
          file,
          e.toString());
    }
  }

  /** The name of the setting with the tier's requests a minute. */
  static String setting(String tier) {
    return PREFIX + folded(tier);
  }

  /** The form in which names of tiers compare equal: {@code PRO_PLUS} for "pro plus". */
  static String folded(String name) {
    return Settings.ofTier("", name);
  }
}
