package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.workbook.embedded.Shift.Stretch;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The API's {@code DimensionProperties} of a sheet's rows or columns. Neighbouring rows with equal
 * properties share one entry, because a sheet may have millions of rows.
 */
final class Stretches {
  private record Entry(Stretch where, ObjectNode properties) {}

  private final List<Entry> entries = new ArrayList<>();

  /** Reads the JSON of {@link #toJson}. */
  static Stretches fromJson(JsonNode json) {
    Stretches read = new Stretches();
    for (JsonNode entry : json) {
      Stretch where = new Stretch(entry.path("start").asInt(), entry.path("end").asInt());
      read.entries.add(new Entry(where, (ObjectNode) entry.get("properties")));
    }
    return read;
  }

  ArrayNode toJson() {
    ArrayNode json = Json.array();
    for (Entry entry : entries) {
      json.addObject()
          .put("start", entry.where().start())
          .put("end", entry.where().end())
          .set("properties", entry.properties());
    }
    return json;
  }

  /** Sets the masked fields of the given properties for a stretch. */
  void update(Stretch where, ObjectNode properties, FieldsMask mask) {
    List<Entry> before = List.copyOf(entries);
    entries.clear();
    int done = where.start();
    for (Entry entry : before) {
      Stretch old = entry.where();
      add(old.start(), Math.min(old.end(), where.start()), entry.properties());
      int start = Math.max(old.start(), where.start());
      int end = Math.min(old.end(), where.end());
      if (start < end) {
        merge(done, start, Json.object(), properties, mask);
        merge(start, end, entry.properties(), properties, mask);
        done = end;
      }
      add(Math.max(old.start(), where.end()), old.end(), entry.properties());
    }
    merge(done, where.end(), Json.object(), properties, mask);
    sort();
  }

  /** Moves all entries. */
  void shift(Shift shift) {
    List<Entry> before = List.copyOf(entries);
    entries.clear();
    for (Entry entry : before) {
      shift
          .of(entry.where())
          .ifPresent(where -> add(where.start(), where.end(), entry.properties()));
    }
    sort();
  }

  /** The stored properties of one row or column; empty when none are stored. */
  Optional<ObjectNode> at(int index) {
    return entries.stream()
        .filter(entry -> entry.where().start() <= index && index < entry.where().end())
        .map(Entry::properties)
        .findFirst();
  }

  private void merge(
      int start, int end, ObjectNode before, ObjectNode properties, FieldsMask mask) {
    ObjectNode merged = before.deepCopy();
    mask.copy(properties, merged);
    add(start, end, merged);
  }

  private void add(int start, int end, ObjectNode properties) {
    if (start < end && !properties.isEmpty()) {
      entries.add(new Entry(new Stretch(start, end), properties));
    }
  }

  private void sort() {
    entries.sort(Comparator.comparingInt(entry -> entry.where().start()));
  }
}
