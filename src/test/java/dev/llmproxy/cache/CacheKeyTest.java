package dev.llmproxy.cache;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests with the same answer, and requests with others. */
class CacheKeyTest {
  private static final String BASE =
      "{\"model\":\"fast\",\"temperature\":0,\"seed\":7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}";
  private static final Caller ANN = new Caller("ann@example.com", "Laptop", "a".repeat(64), "free");
  private static final String MODEL = "groq/llama";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"messages\":[{\"content\":\"Hi\",\"role\":\"user\"}],\"seed\":7,\"temperature\":0,\"model\":\"fast\"}",
        "{\"model\":\"quick\",\"temperature\":0,\"seed\":7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
        "{\"model\":\"fast\",\"temperature\":0,\"seed\":7,\"stop\":null,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
            + "\"stream\":true,\"stream_options\":{\"include_usage\":true},\"user\":\"u\",\"metadata\":{\"a\":\"b\"},"
            + "\"safety_identifier\":\"s\",\"prompt_cache_key\":\"k\",\"prompt_cache_retention\":\"24h\","
            + "\"prompt_cache_options\":{}}"
      })
  void requestsThatDifferOnlyInTheirFormHaveOneKey(String same) {
    assertThat(key(ANN, same)).isEqualTo(key(ANN, BASE));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"model\":\"fast\",\"temperature\":0,\"seed\":8,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
        "{\"model\":\"fast\",\"temperature\":0,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}",
        "{\"model\":\"fast\",\"temperature\":0,\"seed\":7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi \"}]}",
        "{\"model\":\"fast\",\"temperature\":0,\"seed\":7,\"messages\":[{\"role\":\"system\",\"content\":\"Hi\"}]}",
        "{\"model\":\"fast\",\"temperature\":0,\"seed\":7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\",\"x\":null}]}",
        "{\"model\":\"fast\",\"temperature\":0,\"seed\":7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
            + "{\"role\":\"user\",\"content\":\"Hi\"}]}",
        "{\"model\":\"fast\",\"temperature\":0,\"seed\":7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"n\":2}",
        "{\"model\":\"fast\",\"temperature\":0,\"seed\":7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"unknown\":1}",
        "{\"model\":\"fast\",\"temperature\":0,\"seed\":7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
            + "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\"}}]}",
        "{\"model\":\"fast\",\"temperature\":0,\"seed\":7,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
            + "\"response_format\":{\"type\":\"json_object\"}}"
      })
  void anyOtherDifferenceIsAnotherKey(String other) {
    assertThat(key(ANN, other)).isNotEqualTo(key(ANN, BASE));
  }

  @Test
  void orderOfListsCounts() {
    String stops = BASE.replace("\"seed\":7", "\"stop\":[\"a\",\"b\"]");
    assertThat(key(ANN, stops)).isNotEqualTo(key(ANN, stops.replace("\"a\",\"b\"", "\"b\",\"a\"")));
  }

  @Test
  void modelThatAnswersCounts() {
    CacheKey key = CacheKey.of(ANN, parsed(BASE));
    assertThat(key.of(MODEL)).hasSize(64).isNotEqualTo(key.of("groq/other"));
  }

  @Test
  void everyKeyAndEveryPersonHasAnswersOfItsOwn() {
    Caller secondKey = new Caller("ann@example.com", "Laptop", "b".repeat(64), "free");
    Caller person = Caller.person("ann@example.com", "free", null);
    Caller other = Caller.person("bob@example.com", "free", null);

    assertThat(Stream.of(ANN, secondKey, person, other).map(caller -> key(caller, BASE)).distinct())
        .hasSize(4);
  }

  @Test
  void requestIsNotChanged() {
    ObjectNode body = parsed(BASE);
    CacheKey.of(ANN, body);
    assertThat(Json.text(body)).isEqualTo(BASE);
  }

  private static String key(Caller caller, String body) {
    return CacheKey.of(caller, parsed(body)).of(MODEL);
  }

  private static ObjectNode parsed(String json) {
    try {
      return (ObjectNode) Json.parse(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
