package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.core.filter.TokenFilter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * A selection of JSON fields, such as {@code sheets(properties(sheetId,title),data/rowData)}. A
 * slash or a dot selects a field of an object. For an array, the mask applies to each element.
 * {@code *} is any name.
 *
 * <p>Immutable after parsing. A mask without children selects everything beneath it.
 */
final class FieldsMask {
  /** Selects every field. */
  static final FieldsMask EVERYTHING = new FieldsMask(Map.of());

  private static final String ANY = "*";

  /** Limits the depth of the parser's recursion. */
  private static final int MAX_CHARACTERS = 4_000;

  private final Map<String, FieldsMask> children;

  private FieldsMask(Map<String, FieldsMask> children) {
    this.children = children;
  }

  /**
   * Parses a mask.
   *
   * @throws SheetsException when the text is not a mask
   */
  static FieldsMask parse(String text) {
    if (text.length() > MAX_CHARACTERS) {
      throw SheetsException.invalid("The field selection is too long.");
    }
    return new Parser(text).parse();
  }

  /**
   * Parses the {@code fields} of an update request.
   *
   * @throws SheetsException when the field is missing or empty, as at Google
   */
  static FieldsMask parseRequired(JsonNode request) {
    String text = request.path("fields").asText("").strip();
    if (text.isEmpty()) {
      throw SheetsException.invalid(
          "At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)");
    }
    return parse(text);
  }

  /** The names selected at this level, including {@code *}; empty when everything is selected. */
  Set<String> names() {
    return children.keySet();
  }

  /** The selection beneath a field; null when nothing is selected. */
  FieldsMask at(String name) {
    if (children.isEmpty()) {
      return EVERYTHING;
    }
    FieldsMask named = children.get(name);
    return named != null ? named : children.get(ANY);
  }

  /** Whether anything on this path is selected. */
  boolean includes(String... path) {
    FieldsMask mask = this;
    for (String name : path) {
      mask = mask.at(name);
      if (mask == null) {
        return false;
      }
    }
    return true;
  }

  /**
   * Makes the selected fields of {@code target} equal to those of {@code source}. Selected fields
   * that the source lacks are removed. The other fields of the target stay.
   */
  void copy(ObjectNode source, ObjectNode target) {
    Set<String> names = new LinkedHashSet<>(children.keySet());
    if (children.isEmpty() || names.remove(ANY)) {
      source.fieldNames().forEachRemaining(names::add);
      target.fieldNames().forEachRemaining(names::add);
    }
    for (String name : names) {
      copyField(name, source, target);
    }
  }

  private void copyField(String name, ObjectNode source, ObjectNode target) {
    FieldsMask mask = at(name);
    JsonNode value = source.get(name);
    if (mask != null && !mask.children.isEmpty() && (value == null || value.isObject())) {
      ObjectNode into = target.get(name) instanceof ObjectNode object ? object : Json.object();
      mask.copy(value == null ? Json.object() : (ObjectNode) value, into);
      value = into.isEmpty() ? null : into;
    }
    if (value == null || value.isNull()) {
      target.remove(name);
    } else {
      target.set(name, value);
    }
  }

  /** This mask as a filter on a JSON stream, so that long answers are not built in memory. */
  TokenFilter toTokenFilter() {
    return children.isEmpty() ? TokenFilter.INCLUDE_ALL : new MaskFilter(this);
  }

  private static final class MaskFilter extends TokenFilter {
    private final FieldsMask mask;

    MaskFilter(FieldsMask mask) {
      this.mask = mask;
    }

    @Override
    public TokenFilter includeProperty(String name) {
      FieldsMask beneath = mask.at(name);
      return beneath == null ? null : beneath.toTokenFilter();
    }

    @Override
    public boolean includeEmptyObject(boolean contentsFiltered) {
      return true; // a blank row must stay in its place among the others
    }

    @Override
    public boolean includeEmptyArray(boolean contentsFiltered) {
      return true;
    }

    @Override
    protected boolean _includeScalar() {
      return false; // the mask asks for something beneath a plain value
    }
  }

  /** A recursive-descent parser of one text; used once. */
  private static final class Parser {
    private final String text;
    private int position;

    Parser(String text) {
      this.text = text;
    }

    FieldsMask parse() {
      FieldsMask mask = list();
      if (position != text.length()) {
        throw wrong();
      }
      return mask;
    }

    private FieldsMask list() {
      Map<String, FieldsMask> children = new LinkedHashMap<>();
      do {
        path(children);
      } while (skip(','));
      return children.containsKey(ANY) && children.get(ANY).children.isEmpty()
          ? EVERYTHING
          : new FieldsMask(children);
    }

    private void path(Map<String, FieldsMask> into) {
      String name = name();
      FieldsMask beneath = EVERYTHING;
      if (skip('/') || skip('.')) {
        Map<String, FieldsMask> child = new LinkedHashMap<>();
        path(child);
        beneath = new FieldsMask(child);
      } else if (skip('(')) {
        beneath = list();
        if (!skip(')')) {
          throw wrong();
        }
      }
      into.merge(name, beneath, Parser::union);
    }

    private static FieldsMask union(FieldsMask one, FieldsMask other) {
      if (one.children.isEmpty() || other.children.isEmpty()) {
        return EVERYTHING;
      }
      Map<String, FieldsMask> both = new LinkedHashMap<>(one.children);
      other.children.forEach((name, mask) -> both.merge(name, mask, Parser::union));
      return new FieldsMask(both);
    }

    private String name() {
      skipSpaces();
      int start = position;
      while (position < text.length() && isNameCharacter(text.charAt(position))) {
        position++;
      }
      if (start == position) {
        throw wrong();
      }
      return text.substring(start, position);
    }

    private static boolean isNameCharacter(char character) {
      return Character.isLetterOrDigit(character) || character == '_' || character == '*';
    }

    private boolean skip(char wanted) {
      skipSpaces();
      boolean found = position < text.length() && text.charAt(position) == wanted;
      if (found) {
        position++;
      }
      return found;
    }

    private void skipSpaces() {
      while (position < text.length() && text.charAt(position) == ' ') {
        position++;
      }
    }

    private SheetsException wrong() {
      return SheetsException.invalid("Invalid field selection " + text);
    }
  }
}
