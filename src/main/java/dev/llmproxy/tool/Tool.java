package dev.llmproxy.tool;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.SpecVersionDetector;
import com.networknt.schema.ValidationMessage;
import dev.llmproxy.base.Causes;
import dev.llmproxy.base.Json;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/** What a model is told of a tool, and what arguments it takes. Immutable. */
public final class Tool {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,64}");
  private static final Pattern NOT_OF_NAMES = Pattern.compile("[^a-zA-Z0-9_-]");
  private static final int LONGEST_NAME = 64;
  private static final String BUNDLED = "classpath:";
  private static final Map<VersionFlag, JsonSchemaFactory> SCHEMAS = new ConcurrentHashMap<>();

  private final String name;
  private final String description;
  private final ObjectNode parameters;
  private final JsonSchema schema;

  /**
   * @param name 1 to 64 letters, digits, _ and -, as OpenAI has it
   * @param description for the model; not blank
   * @param parameters JSON Schema of an object: of the version that its {@code $schema} names, else
   *     2020-12; nothing that it refers to is fetched
   * @throws IllegalArgumentException with what is wrong with them
   */
  public Tool(String name, String description, JsonNode parameters) {
    if (!isName(name)) {
      throw new IllegalArgumentException(
          "the name \"%s\" must be 1 to 64 letters, digits, _ or -".formatted(name));
    }
    if (description == null || description.isBlank()) {
      throw new IllegalArgumentException("it has no description");
    }
    if (!(parameters instanceof ObjectNode object)
        || !"object".equals(object.path("type").asText())) {
      throw new IllegalArgumentException("its parameters must be a JSON schema of type object");
    }
    VersionFlag version =
        SpecVersionDetector.detectOptionalVersion(object, false).orElse(VersionFlag.V202012);
    JsonSchemaFactory schemas = SCHEMAS.computeIfAbsent(version, Tool::schemas);
    List<String> wrong = messages(schemas.getSchema(SchemaLocation.of(version.getId())), object);
    if (!wrong.isEmpty()) {
      throw new IllegalArgumentException(
          "its parameters are no JSON schema: " + String.join("; ", wrong));
    }
    this.name = name;
    this.description = description.strip();
    this.parameters = object.deepCopy();
    try {
      schema = schemas.getSchema(this.parameters);
      schema.initializeValidators();
    } catch (RuntimeException e) {
      throw new IllegalArgumentException("its parameters cannot be checked: " + reason(e), e);
    }
  }

  /** Whether a tool may be called so: 1 to 64 letters, digits, _ and -. */
  public static boolean isName(String text) {
    return NAME.matcher(text).matches();
  }

  /** The name that is most like what a model has made up; {@code unknown} for nothing. */
  static String nearestName(String text) {
    String name = NOT_OF_NAMES.matcher(text).replaceAll("_");
    return name.isEmpty() ? "unknown" : name.substring(0, Math.min(name.length(), LONGEST_NAME));
  }

  /** As models call it. */
  public String name() {
    return name;
  }

  /** For the model: what it does and when to use it. */
  public String description() {
    return description;
  }

  /** The JSON Schema of the arguments; a copy. */
  public ObjectNode parameters() {
    return parameters.deepCopy();
  }

  /** OpenAI's form: an entry of a request's {@code tools}. */
  public ObjectNode asOpenAi() {
    ObjectNode tool = Json.object().put("type", "function");
    tool.putObject("function")
        .put("name", name)
        .put("description", description)
        .set("parameters", parameters());
    return tool;
  }

  /** What is wrong with arguments, each with its place; empty when they fit. */
  List<String> problems(ObjectNode arguments) {
    return messages(schema, arguments);
  }

  private static JsonSchemaFactory schemas(VersionFlag version) {
    return JsonSchemaFactory.builder(JsonSchemaFactory.getInstance(version))
        .schemaLoaders(loaders ->
            loaders.add(place -> {
              if (place.toString().startsWith(BUNDLED)) {
                return null;
              }
              throw new IllegalArgumentException("they refer to %s".formatted(place));
            }))
        .build();
  }

  private static String reason(Throwable failure) {
    return String.valueOf(Causes.root(failure).getMessage()).lines().findFirst().orElse("");
  }

  private static List<String> messages(JsonSchema schema, JsonNode value) {
    return schema.validate(value).stream().map(ValidationMessage::getMessage).toList();
  }
}
