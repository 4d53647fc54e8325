package dev.llmproxy.keys;

import dev.llmproxy.call.AllowedTools;
import dev.llmproxy.call.Limit;
import dev.llmproxy.call.Tier;
import dev.llmproxy.catalogue.AllowedModels;
import dev.llmproxy.workbook.HeaderRow;
import dev.llmproxy.workbook.TierSheet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * One reading of the sheet {@code Tiers}.
 *
 * @param cells the valid cells by the tier's name and the header: texts that {@link Limit}, {@link
 *     AllowedModels} and {@link AllowedTools} read, or empty ones
 * @param problems the problems of the sheet, then those of its rows in the sheet's order
 * @param untidy whether the column Status needs an update
 */
record TierTable(
    Map<String, Map<String, String>> cells, List<KeyProblem> problems, boolean untidy) {
  static final String FREE = "free";

  private static final String NO_MODEL = "none";
  private static final Set<String> ALL = Set.of(TierSheet.UNLIMITED, "*", "all");

  /** A table with these cells and without problems. */
  static TierTable of(Map<String, Map<String, String>> cells) {
    return new TierTable(cells, List.of(), false);
  }

  /**
   * Reads the cells.
   *
   * @param values header row first, ragged as Google gives them; null or empty for an empty sheet
   * @param before the reading before, whose values stay where the sheet has lost them
   */
  static TierTable read(List<List<Object>> values, TierTable before) {
    TierSheet sheet = new TierSheet(values == null ? List.of() : values);
    Reading reading = new Reading(before);
    for (HeaderRow.Problem problem : sheet.headerProblems()) {
      reading.ofSheet(problem.what(), problem.remedy());
    }
    if (sheet.column(TierSheet.TIER) < 0) {
      if (!before.cells.isEmpty()) {
        reading.ofSheet(
            "has no column \"Tier\"; the last known tiers still apply",
            "Put the header back, or delete the sheet to have it written anew");
        reading.cells.putAll(before.cells);
      } else if (sheet.width() > 0) {
        reading.ofSheet("has no column \"Tier\" and is not read", "Put the header back");
      }
      return reading.table(List.of(), false);
    }
    reading.lost(sheet.present());
    List<TierSheet.Row> rows = sheet.rows();
    rows.forEach(reading::add);
    reading.keepFree();
    return reading.table(rows, sheet.column(TierSheet.STATUS) >= 0);
  }

  /** The names of the tiers in the sheet's order. */
  Set<String> names() {
    return cells.keySet();
  }

  boolean has(String name) {
    return row(name) != null;
  }

  private Map<String, String> row(String name) {
    Map<String, String> exact = cells.get(name);
    if (exact != null) {
      return exact;
    }
    String folded = Tiers.folded(name);
    return cells.entrySet().stream()
        .filter(tier -> Tiers.folded(tier.getKey()).equals(folded))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse(null);
  }

  /**
   * The limits of a tier: its own, else the settings', else those of the tier free.
   *
   * @param settings requests a minute by the tier's folded name, the tier free among them
   */
  Tier tier(String name, Map<String, Limit> settings) {
    return new Tier(
        name,
        requestsPerMinute(name, settings),
        count(name, TierSheet.TOKENS_PER_MINUTE),
        count(name, TierSheet.REQUESTS_PER_DAY),
        count(name, TierSheet.CONCURRENT),
        text(name, TierSheet.BUDGET).flatMap(Limit::ofDollars).orElse(Limit.UNLIMITED),
        text(name, TierSheet.MODELS)
            .filter(text -> !all(text))
            .map(text -> AllowedModels.of(text).orElse(AllowedModels.NONE))
            .map(models -> none(models) ? AllowedModels.NONE : models)
            .orElse(null),
        text(name, TierSheet.TOOLS)
            .filter(text -> !all(text))
            .map(text -> AllowedTools.of(text).orElse(AllowedTools.NONE))
            .orElse(null));
  }

  private static boolean none(AllowedModels models) {
    return models.toString().equalsIgnoreCase(NO_MODEL);
  }

  private Limit requestsPerMinute(String name, Map<String, Limit> settings) {
    return own(name, TierSheet.REQUESTS_PER_MINUTE)
        .flatMap(Limit::ofCount)
        .or(() -> Optional.ofNullable(settings.get(Tiers.folded(name))))
        .or(() -> own(FREE, TierSheet.REQUESTS_PER_MINUTE).flatMap(Limit::ofCount))
        .orElseGet(() -> settings.get(Tiers.folded(FREE)));
  }

  private Limit count(String name, String column) {
    return text(name, column).flatMap(Limit::ofCount).orElse(Limit.UNLIMITED);
  }

  /** The tier's cell, or that of the tier free; empty when both are. */
  private Optional<String> text(String name, String column) {
    return own(name, column).or(() -> own(FREE, column));
  }

  private Optional<String> own(String name, String column) {
    return Optional.ofNullable(row(name))
        .map(limits -> limits.get(column))
        .filter(text -> !text.isEmpty());
  }

  /** A sentence for each setting that differs from the sheet, which counts. */
  Stream<String> overruled(Map<String, Limit> settings) {
    return cells.keySet().stream()
        .filter(name -> {
          Optional<Limit> here = own(name, TierSheet.REQUESTS_PER_MINUTE).flatMap(Limit::ofCount);
          Optional<Limit> there = Optional.ofNullable(settings.get(Tiers.folded(name)));
          return here.isPresent() && there.isPresent() && !here.equals(there);
        })
        .map(name ->
            "the tier \"%s\" has a limit of requests a minute; %s is not used"
                .formatted(name, Tiers.setting(name)));
  }

  /** The rows of a new sheet. */
  List<List<String>> rows() {
    List<List<String>> rows = new ArrayList<>();
    cells.forEach((name, limits) -> {
      List<String> row = new ArrayList<>();
      row.add(name);
      TierSheet.LIMITS.forEach(column -> row.add(limits.getOrDefault(column, "")));
      rows.add(row);
    });
    return rows;
  }

  private static boolean all(String text) {
    return ALL.contains(text.toLowerCase(Locale.ROOT));
  }

  private static boolean readable(String column, String text) {
    return switch (column) {
      case TierSheet.BUDGET -> Limit.ofDollars(text).isPresent();
      case TierSheet.MODELS -> all(text) || AllowedModels.of(text).isPresent();
      case TierSheet.TOOLS -> all(text) || AllowedTools.of(text).isPresent();
      default -> Limit.ofCount(text).isPresent();
    };
  }

  private static String nothing(String column) {
    return column.equals(TierSheet.MODELS) || column.equals(TierSheet.TOOLS) ? NO_MODEL : "0";
  }

  private static String example(String column) {
    return switch (column) {
      case TierSheet.BUDGET -> "an amount such as 20 or 12.50";
      case TierSheet.MODELS -> "names of models, separated by commas, such as groq/*, fast";
      case TierSheet.TOOLS -> "names of tools, separated by commas, or none";
      default -> "a whole number";
    };
  }

  private static final class Reading {
    private final Map<String, Map<String, String>> before;
    private final Map<String, Map<String, String>> cells = new LinkedHashMap<>();
    private final Map<String, Integer> rowOf = new HashMap<>();
    private final List<KeyProblem> ofSheet = new ArrayList<>();
    private final List<KeyProblem> ofRows = new ArrayList<>();
    private Set<String> lost = Set.of();

    Reading(TierTable before) {
      this.before = before.cells;
    }

    void ofSheet(String what, String remedy) {
      ofSheet.add(new KeyProblem(0, what, remedy));
    }

    private void ofRow(TierSheet.Row row, String what, String remedy) {
      ofRows.add(new KeyProblem(row.number(), what, remedy));
    }

    /** Finds the columns that the reading before had and this one lacks. */
    void lost(Set<String> present) {
      lost = new LinkedHashSet<>();
      before.values().forEach(limits -> lost.addAll(limits.keySet()));
      lost.removeAll(present);
      for (String column : new TreeSet<>(lost)) {
        ofSheet(
            "has lost its column \"%s\"; its last values still apply".formatted(column),
            "Put the header back; write unlimited into its cells for no limit");
      }
    }

    void add(TierSheet.Row row) {
      if (row.blank()) {
        return;
      }
      if (row.tier().isEmpty()) {
        ofRow(row, "has no Tier and is ignored", "Write the name of a tier");
        return;
      }
      Integer first = rowOf.putIfAbsent(Tiers.folded(row.tier()), row.number());
      if (first != null) {
        ofRow(
            row,
            "has the same tier as row %d and is ignored".formatted(first),
            "Delete one of the two rows");
        return;
      }
      Map<String, String> last = before.getOrDefault(row.tier(), Map.of());
      Map<String, String> limits = new LinkedHashMap<>();
      for (String column : TierSheet.LIMITS) {
        if (row.limits().containsKey(column)) {
          limits.put(column, valid(row, column, last.get(column)));
        } else if (lost.contains(column)) {
          limits.put(column, last.getOrDefault(column, ""));
        }
      }
      cells.put(row.tier(), Collections.unmodifiableMap(limits));
    }

    private String valid(TierSheet.Row row, String column, String last) {
      String text = row.limits().get(column);
      if (text.isEmpty() || readable(column, text)) {
        return text;
      }
      ofRow(
          row,
          "has a %s that cannot be read; %s"
              .formatted(
                  column,
                  last == null
                      ? "until it can be, the tier's keys may use nothing"
                      : "its last value still applies"),
          "Write %s, or unlimited".formatted(example(column)));
      return last == null ? nothing(column) : last;
    }

    /** Without a row, the tier free keeps its last limits. */
    void keepFree() {
      if (before.containsKey(FREE) && !cells.containsKey(FREE)) {
        cells.put(FREE, before.get(FREE));
        ofSheet(
            "has lost the row of the tier free; its last values still apply",
            "Put the row back; write unlimited into its cells for no limit");
      }
    }

    TierTable table(List<TierSheet.Row> rows, boolean hasStatus) {
      Map<Integer, String> statuses = new LinkedHashMap<>();
      rows.forEach(row -> statuses.put(row.number(), row.status()));
      List<KeyProblem> problems = new ArrayList<>(ofSheet);
      problems.addAll(ofRows);
      return new TierTable(
          Collections.unmodifiableMap(cells),
          List.copyOf(problems),
          hasStatus
              ? !KeyStatus.changes(statuses, problems, Instant.EPOCH).isEmpty()
              : !problems.isEmpty());
    }
  }
}
