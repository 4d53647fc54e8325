package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.api.services.sheets.v4.model.DimensionProperties;
import dev.llmproxy.workbook.embedded.Shift.Stretch;
import java.util.Set;

/** Requests of a batch that resize, hide or show rows and columns. */
final class DimensionPropertyRequests {
  private static final Set<String> KEPT = Set.of("pixelSize", "hiddenByUser");
  private static final FieldsMask SIZE = FieldsMask.parse("pixelSize");

  /** The approximate width of a letter, and of a cell's margins, in the grid's default font. */
  private static final int LETTER_PIXELS = 7;

  private static final int MARGIN_PIXELS = 12;

  private final OpenSpreadsheet spreadsheet;

  DimensionPropertyRequests(OpenSpreadsheet spreadsheet) {
    this.spreadsheet = spreadsheet;
  }

  ObjectNode updateDimensionProperties(ObjectNode request) {
    FieldsMask mask = FieldsMask.parseRequired(request);
    GoogleModel.check(mask, DimensionProperties.class);
    ObjectNode properties =
        request.get("properties") instanceof ObjectNode given ? given.deepCopy() : Json.object();
    for (String name : mask.names()) {
      if (!KEPT.contains(name) && !name.equals("*")) {
        throw SheetsException.unsupported(name + " of rows and columns");
      }
    }
    properties.retain(KEPT);
    if (!properties.path("hiddenByUser").asBoolean()) {
      properties.remove("hiddenByUser");
    }
    if (properties.path("pixelSize").asInt() < 0) {
      throw SheetsException.invalid("A pixelSize must not be negative.");
    }
    DimensionSpan span = span(request.path("range"));
    update(span, new Stretch(span.start(), span.end()), properties, mask);
    return Json.object();
  }

  /** Makes columns about as wide as their longest text; rows get their default height. */
  ObjectNode autoResizeDimensions(ObjectNode request) {
    DimensionSpan span = span(request.path("dimensions"));
    if (span.dimension() == Dimension.ROWS) {
      update(span, new Stretch(span.start(), span.end()), Json.object(), SIZE);
      return Json.object();
    }
    int[] letters = new int[span.length()];
    spreadsheet
        .rows()
        .scan(
            span.sheet(),
            0,
            span.sheet().rowCount(),
            (row, cells) -> {
              for (int i = 0; i < letters.length; i++) {
                JsonNode text =
                    ValueRender.FORMATTED_VALUE.render(RowTable.cell(cells, span.start() + i));
                letters[i] = Math.max(letters[i], text.asText().length());
              }
            });
    for (int i = 0; i < letters.length; i++) {
      if (letters[i] > 0) {
        int pixels = letters[i] * LETTER_PIXELS + MARGIN_PIXELS;
        int column = span.start() + i;
        update(span, new Stretch(column, column + 1), Json.object().put("pixelSize", pixels), SIZE);
      }
    }
    return Json.object();
  }

  private DimensionSpan span(JsonNode range) {
    DimensionSpan span = DimensionSpan.of(spreadsheet, range);
    span.requireOnGrid();
    return span;
  }

  private void update(DimensionSpan span, Stretch where, ObjectNode properties, FieldsMask mask) {
    ObjectNode layout = spreadsheet.layout().of(span.sheet());
    Stretches stretches = Layout.dimensions(layout, span.dimension());
    stretches.update(where, properties, mask);
    layout.set(span.dimension().name(), stretches.toJson());
    spreadsheet.layout().save(span.sheet(), layout);
  }
}
