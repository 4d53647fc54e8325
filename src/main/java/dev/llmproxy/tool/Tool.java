package dev.llmproxy.tool;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import dev.llmproxy.Json;
import java.util.List;
import java.util.regex.Pattern;

/** What a model is told of a tool, and what arguments it takes. Immutable. */
public final class Tool {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,64}");
  private static final JsonSchemaFactory SCHEMAS =
      JsonSchemaFactory.getInstance(VersionFlag.V202012);
  private static final JsonSchema SCHEMA_OF_SCHEMAS =
      SCHEMAS.getSchema(SchemaLocation.of(SchemaId.V202012));

  private final String name;
  private final String description;
  private final ObjectNode parameters;
  private final JsonSchema schema;

  /**
   * @param name 1 to 64 letters, digits, _ and -, as OpenAI has it
   * @param description for the model; not blank
   * @param parameters JSON Schema 2020-12 of an object
   * @throws IllegalArgumentException with what is wrong with them
   */
  public Tool(String name, String description, JsonNode parameters) {
    if (!NAME.matcher(name).matches()) {
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
    List<String> wrong = messages(SCHEMA_OF_SCHEMAS, object);
    if (!wrong.isEmpty()) {
      throw new IllegalArgumentException(
          "its parameters are no JSON schema: " + String.join("; ", wrong));
    }
    this.name = name;
    this.description = description.strip();
    this.parameters = object.deepCopy();
    schema = SCHEMAS.getSchema(this.parameters);
    schema.initializeValidators();
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

  private static List<String> messages(JsonSchema schema, JsonNode value) {
    return schema.validate(value).stream().map(ValidationMessage::getMessage).toList();
  }
}
