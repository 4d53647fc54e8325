package dev.llmproxy.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Wire;
import dev.llmproxy.base.Json;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestDialectTest {
  @Wire("3.limit")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          max_tokens            | {"max_completion_tokens":5}                  | {"max_tokens":5}
          max_tokens            | {"max_tokens":5}                             | {"max_tokens":5}
          max_completion_tokens | {"max_tokens":5}                             | {"max_completion_tokens":5}
          max_completion_tokens | {"max_tokens":5,"max_completion_tokens":7}   | {"max_completion_tokens":7}
                                | {"max_tokens":5,"max_completion_tokens":7}   | {"max_tokens":5,"max_completion_tokens":7}
          """)
  void tokenLimitIsRenamedForTheProvider(String name, String request, String sent)
      throws JsonProcessingException {
    assertThat(applied(new RequestDialect(name, true, Set.of()), request))
        .isEqualTo(Json.parse(sent));
  }

  @Wire("3.developer")
  @Test
  void unsupportedDeveloperRoleIsSentAsSystemAndClientMessagesAreUnchanged()
      throws JsonProcessingException {
    String text =
        "{\"messages\":[{\"role\":\"developer\",\"content\":\"x\"},{\"role\":\"user\",\"content\":\"y\"}]}";
    ObjectNode client = (ObjectNode) Json.parse(text);
    ObjectNode request = Json.object();
    request.setAll(client);

    new RequestDialect(null, false, Set.of()).applyToChat(request);

    assertThat(request.path("messages").findValuesAsText("role")).containsExactly("system", "user");
    assertThat(client).isEqualTo(Json.parse(text));
  }

  @Wire({"3.other", "3.null"})
  @Test
  void droppedFieldsAndNullsAreRemoved() throws JsonProcessingException {
    RequestDialect dialect = new RequestDialect(null, true, Set.of("store"));

    assertThat(applied(dialect, "{\"store\":true,\"temperature\":null,\"unknown\":{\"a\":null}}"))
        .isEqualTo(Json.parse("{\"unknown\":{\"a\":null}}"));
  }

  @Test
  void embeddingRequestLosesOnlyDroppedFields() throws JsonProcessingException {
    ObjectNode request =
        (ObjectNode)
            Json.parse(
                "{\"input\":\"x\",\"encoding_format\":\"base64\",\"user\":null,\"max_tokens\":1}");

    new RequestDialect("max_completion_tokens", false, Set.of("encoding_format"))
        .applyToEmbedding(request);

    assertThat(request).isEqualTo(Json.parse("{\"input\":\"x\",\"max_tokens\":1}"));
  }

  @Test
  void unknownLimitNameIsRefused() {
    assertThatThrownBy(() -> new RequestDialect("maximum", true, Set.of()))
        .hasMessageContaining("maximum");
  }

  private static ObjectNode applied(RequestDialect dialect, String request)
      throws JsonProcessingException {
    ObjectNode json = (ObjectNode) Json.parse(request);
    dialect.applyToChat(json);
    return json;
  }
}
