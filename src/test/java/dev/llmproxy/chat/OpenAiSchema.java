package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import dev.llmproxy.base.Json;
import java.nio.file.Path;
import java.util.List;

/** One definition of OpenAI's published schema. */
public final class OpenAiSchema {
  private static final String FILE =
      Path.of("src/test/resources/openai-schema/openai-subset.schema.json").toUri().toString();

  private final JsonSchema schema;

  /**
   * @param definition its name in the schema's {@code $defs}
   */
  public OpenAiSchema(String definition) {
    schema =
        JsonSchemaFactory.getInstance(VersionFlag.V202012)
            .getSchema(SchemaLocation.of(FILE + "#/$defs/" + definition));
  }

  /** The schema violations of a value; empty when it is valid. */
  public List<String> problems(JsonNode value) {
    return schema.validate(Json.text(value), InputFormat.JSON).stream()
        .map(ValidationMessage::getMessage)
        .toList();
  }
}
