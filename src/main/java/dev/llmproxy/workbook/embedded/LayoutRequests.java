package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Requests of a batch about filters, named ranges and protected ranges. They are stored and
 * returned. Protection never restricts the owner, and every caller here is the owner.
 */
final class LayoutRequests {
  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_.]{0,249}");

  private final OpenSpreadsheet spreadsheet;

  LayoutRequests(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  ObjectNode setBasicFilter(ObjectNode request) {
    ObjectNode filter =
        request.get("filter") instanceof ObjectNode given ? given.deepCopy() : Json.object();
    filter
        .fieldNames()
        .forEachRemaining(name -> {
          if (!name.equals("range")) {
            throw SheetsException.unsupported(
                "the field '" + name + "' of a filter, only its range");
          }
        });
    Sheet sheet = spreadsheet.grid(filter.withObject("range")).sheet();
    ObjectNode layout = spreadsheet.layout().of(sheet);
    layout.set(Layout.FILTER, filter);
    spreadsheet.layout().save(sheet, layout);
    return Json.object();
  }

  ObjectNode clearBasicFilter(ObjectNode request) {
    Sheet sheet = spreadsheet.sheet(request);
    ObjectNode layout = spreadsheet.layout().of(sheet);
    layout.remove(Layout.FILTER);
    spreadsheet.layout().save(sheet, layout);
    return Json.object();
  }

  ObjectNode addNamedRange(ObjectNode request) {
    ObjectNode range = request.withObject("namedRange").deepCopy();
    String name = range.path("name").asText();
    if (!NAME.matcher(name).matches() || A1Range.isCells(name)) {
      throw SheetsException.invalid("The name of the named range is invalid: " + name);
    }
    spreadsheet.grid(range.withObject("range"));
    ArrayNode ranges = spreadsheet.layout().namedRanges();
    String id = range.path("namedRangeId").asText(UUID.randomUUID().toString());
    for (JsonNode other : ranges) {
      if (other.path("name").asText().equalsIgnoreCase(name)
          || other.path("namedRangeId").asText().equals(id)) {
        throw SheetsException.invalid("A named range with the name or id already exists: " + name);
      }
    }
    ranges.add(range.put("namedRangeId", id));
    spreadsheet.layout().saveNamedRanges(ranges);
    ObjectNode reply = Json.object();
    reply.putObject("addNamedRange").set("namedRange", range);
    return reply;
  }

  ObjectNode deleteNamedRange(ObjectNode request) {
    String id = request.path("namedRangeId").asText();
    ArrayNode ranges = spreadsheet.layout().namedRanges();
    if (!removed(ranges, "namedRangeId", id)) {
      throw SheetsException.invalid("No named range with id: " + id);
    }
    spreadsheet.layout().saveNamedRanges(ranges);
    return Json.object();
  }

  ObjectNode addProtectedRange(ObjectNode request) {
    ObjectNode range = request.withObject("protectedRange").deepCopy();
    for (String unsupported : Set.of("namedRangeId", "tableId")) {
      if (range.has(unsupported)) {
        throw SheetsException.unsupported(unsupported + " of a protected range");
      }
    }
    Sheet sheet = spreadsheet.grid(range.withObject("range")).sheet();
    if (!range.has("protectedRangeId")) {
      range.put("protectedRangeId", Ids.random());
    }
    ObjectNode layout = spreadsheet.layout().of(sheet);
    layout.withArray(Layout.PROTECTED).add(range);
    spreadsheet.layout().save(sheet, layout);
    ObjectNode reply = Json.object();
    reply.putObject("addProtectedRange").set("protectedRange", range);
    return reply;
  }

  ObjectNode deleteProtectedRange(ObjectNode request) {
    String id = request.path("protectedRangeId").asText();
    for (Sheet sheet : spreadsheet.sheets().all()) {
      ObjectNode layout = spreadsheet.layout().of(sheet);
      if (removed(layout.path(Layout.PROTECTED), "protectedRangeId", id)) {
        spreadsheet.layout().save(sheet, layout);
        return Json.object();
      }
    }
    throw SheetsException.invalid("No protected range with id: " + id);
  }

  private static boolean removed(JsonNode ranges, String field, String id) {
    for (int i = 0; i < ranges.size(); i++) {
      if (ranges.get(i).path(field).asText().equals(id)) {
        ((ArrayNode) ranges).remove(i);
        return true;
      }
    }
    return false;
  }
}
