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

/** The declaration of a tool: name, description and JSON Schema of the arguments. Immutable. */
public final class Tool {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,64}");
  private static final Pattern INVALID_IN_NAMES = Pattern.compile("[^a-zA-Z0-9_-]");
  private static final int LONGEST_NAME = 64;
  private static final String BUNDLED = "classpath:";
  private static final Map<VersionFlag, JsonSchemaFactory> SCHEMAS = new ConcurrentHashMap<>();

  private final String name;
  private final String description;
  private final ObjectNode parameters;
  private final JsonSchema schema;

  /**
   * @param name 1 to 64 letters, digits, _ and -, as in OpenAI's API
   * @param description for the model; not blank
   * @param parameters JSON Schema of type object. {@code $schema} names its version; the default is
   *     2020-12. References to other documents are refused
   * @throws IllegalArgumentException when an argument is invalid; the message says why
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

  /** Whether a text is a valid tool name: 1 to 64 letters, digits, _ and -. */
  public static boolean isName(String text) {
    return NAME.matcher(text).matches();
  }

  /** The valid name closest to the text; {@code unknown} for an empty text. */
  static String nearestName(String text) {
    String name = INVALID_IN_NAMES.matcher(text).replaceAll("_");
    return name.isEmpty() ? "unknown" : name.substring(0, Math.min(name.length(), LONGEST_NAME));
  }

  /** The name that models use. */
  public String name() {
    return name;
  }

  /** Tells the model what the tool does and when to use it. */
  public String description() {
    return description;
  }

  /** A copy of the JSON Schema of the arguments. */
  public ObjectNode parameters() {
    return parameters.deepCopy();
  }

  /** The tool in OpenAI's form, an entry of a request's {@code tools}. */
  public ObjectNode asOpenAi() {
    ObjectNode tool = Json.object().put("type", "function");
    tool.putObject("function")
        .put("name", name)
        .put("description", description)
        .set("parameters", parameters());
    return tool;
  }

  /** The schema violations of the arguments, each with its JSON path; empty when valid. */
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
