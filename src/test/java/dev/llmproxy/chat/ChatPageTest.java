package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaId;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion.VersionFlag;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.EventSchemas.Event;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The examples of events in docs/chat.md match the schemas beside the page, and the schemas are
 * valid.
 */
class ChatPageTest {
  private static final Pattern BLOCK = Pattern.compile("```text\\n(.*?)```", Pattern.DOTALL);
  private static final JsonSchema SCHEMA_OF_SCHEMAS =
      JsonSchemaFactory.getInstance(VersionFlag.V202012)
          .getSchema(SchemaLocation.of(SchemaId.V202012));

  static Stream<String> names() {
    return EventSchemas.names().stream();
  }

  @ParameterizedTest
  @MethodSource("names")
  void eachEventHasAnExampleAndALinkedSchema(String name) throws IOException {
    assertThat(SCHEMA_OF_SCHEMAS.validate(EventSchemas.schema(name))).isEmpty();
    assertThat(page()).contains("[`%s`](chat-events/%s.schema.json)".formatted(name, name));
    assertThat(examples()).extracting(Event::name).contains(name);
  }

  @ParameterizedTest
  @MethodSource("names")
  void missingAndUnknownFieldsAreRejected(String name) throws IOException {
    for (Event example : examples().stream().filter(event -> event.name().equals(name)).toList()) {
      assertThat(EventSchemas.problems(new Event(name, Json.object()))).isNotEmpty();
      ObjectNode more = example.data().deepCopy();
      assertThat(EventSchemas.problems(new Event(name, more.put("surprise", 1)))).hasSize(1);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          delta            | {"content":""}
          thinking         | {"content":null}
          tool_call_start  | {"call_id":"c","tool":"a tool","arguments":{}}
          tool_call_start  | {"call_id":"c","tool":"calculator","arguments":null}
          tool_call_result | {"call_id":"c","tool":"t","status":"running","summary":"","duration_ms":1}
          tool_call_result | {"call_id":"c","tool":"t","status":"failed","summary":"","duration_ms":-1}
          complete         | {"id":"x","model":"m","finish_reason":null,"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2},"turns":1,"tool_calls":0}
          complete         | {"id":"x","model":"m","finish_reason":"stop","usage":{},"turns":1,"tool_calls":0}
          error            | {"error":{"message":"m","type":"t"}}
          """)
  void invalidEventIsRejected(String name, String data) throws IOException {
    assertThat(EventSchemas.problems(new Event(name, Json.parse(data)))).isNotEmpty();
  }

  private static List<Event> examples() throws IOException {
    List<String> blocks =
        BLOCK.matcher(page()).results().map((MatchResult block) -> block.group(1)).toList();
    assertThat(blocks).hasSize(2);
    return EventSchemas.events(String.join("\n", blocks));
  }

  private static String page() throws IOException {
    return Files.readString(Path.of("docs/chat.md"));
  }
}
