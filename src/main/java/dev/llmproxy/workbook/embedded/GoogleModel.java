package dev.llmproxy.workbook.embedded;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.api.client.util.ClassInfo;
import com.google.api.client.util.FieldInfo;
import com.google.api.client.util.GenericData;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Collection;
import java.util.Map;
import java.util.Set;

/**
 * Checks JSON against Google's Java model classes, which are generated from the API's discovery
 * document. So a misspelt field is refused, as at Google, and not ignored.
 */
final class GoogleModel {
  private static final Set<Class<?>> WHOLE_NUMBERS = Set.of(Integer.class, Long.class);
  private static final Set<Class<?>> NUMBERS = Set.of(Float.class, Double.class);

  private GoogleModel() {}

  /**
   * Checks a request body.
   *
   * @param model the class of {@code com.google.api.services.sheets.v4.model} for this body
   * @throws SheetsException naming the first field that is unknown or has the wrong type
   */
  static void check(JsonNode body, Class<? extends GenericData> model) {
    check(body, model, "");
  }

  /** Checks that every field of a mask exists in a model. */
  static void check(FieldsMask mask, Class<? extends GenericData> model) {
    check(mask, (Type) model, "");
  }

  private static void check(JsonNode json, Type type, String path) {
    if (json.isNull() || type == Object.class) {
      return;
    }
    if (type instanceof ParameterizedType generic) {
      checkGeneric(json, generic, path);
    } else if (GenericData.class.isAssignableFrom((Class<?>) type)) {
      checkObject(json, (Class<?>) type, path);
    } else if (!fits(json, (Class<?>) type)) {
      throw wrongType(json, ((Class<?>) type).getSimpleName(), path);
    }
  }

  private static void checkGeneric(JsonNode json, ParameterizedType generic, String path) {
    Type[] arguments = generic.getActualTypeArguments();
    if (Map.class.isAssignableFrom((Class<?>) generic.getRawType())) {
      if (!json.isObject()) {
        throw wrongType(json, "object", path);
      }
      json.properties().forEach(field -> check(field.getValue(), arguments[1], path));
      return;
    }
    if (!json.isArray()) {
      throw wrongType(json, "array", path);
    }
    for (int i = 0; i < json.size(); i++) {
      check(json.get(i), arguments[0], path + "[" + i + "]");
    }
  }

  private static void checkObject(JsonNode json, Class<?> model, String path) {
    if (!json.isObject()) {
      throw wrongType(json, "object", path);
    }
    ClassInfo info = ClassInfo.of(model);
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      FieldInfo known = info.getFieldInfo(field.getKey());
      if (known == null) {
        throw SheetsException.invalid(
            "Invalid JSON payload received. Unknown name \"%s\"%s: Cannot find field."
                .formatted(field.getKey(), path.isEmpty() ? "" : " at '" + path + "'"));
      }
      String name = path.isEmpty() ? field.getKey() : path + "." + field.getKey();
      check(field.getValue(), known.getGenericType(), name);
    }
  }

  private static boolean fits(JsonNode json, Class<?> type) {
    if (WHOLE_NUMBERS.contains(type)) {
      return json.canConvertToExactIntegral() && json.canConvertToLong();
    }
    if (NUMBERS.contains(type)) {
      return json.isNumber();
    }
    return type == Boolean.class ? json.isBoolean() : json.isTextual();
  }

  private static SheetsException wrongType(JsonNode json, String type, String path) {
    return SheetsException.invalid("Invalid value at '%s' (%s), %s".formatted(path, type, json));
  }

  private static void check(FieldsMask mask, Type type, String path) {
    Type element = type;
    while (element instanceof ParameterizedType generic
        && Collection.class.isAssignableFrom((Class<?>) generic.getRawType())) {
      element = generic.getActualTypeArguments()[0];
    }
    boolean object = element instanceof Class<?> model && GenericData.class.isAssignableFrom(model);
    for (String name : mask.names()) {
      FieldInfo known = object ? ClassInfo.of((Class<?>) element).getFieldInfo(name) : null;
      if (known != null) {
        check(mask.at(name), known.getGenericType(), path + name + ".");
      } else if (object && !name.equals("*")) {
        throw SheetsException.invalid(
            "Error expanding 'fields' parameter. Cannot find matching fields for path '%s%s'."
                .formatted(path, name));
      }
    }
  }
}
