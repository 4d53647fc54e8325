package dev.llmproxy.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** wire.md §9: IEEE-754 float32, little-endian, base64 with padding. */
class VectorJsonTest {
  @Test
  void base64IsOfLittleEndianFloats() {
    // 1.0f is 3F800000 and -2.5f is C0200000.
    assertThat(VectorJson.of(new float[] {1.0f, -2.5f}, true).textValue())
        .isEqualTo("AACAPwAAIMA=");
  }

  @Test
  void eachFormBecomesTheOther() throws JsonProcessingException {
    JsonNode numbers = Json.parse("[0.1,-3.4028235E38,1.0E-45,0.0,-0.006929283495992422]");

    JsonNode base64 = VectorJson.encoded(numbers, true);
    JsonNode again = VectorJson.encoded(base64, false);

    assertThat(again.size()).isEqualTo(numbers.size());
    for (int i = 0; i < numbers.size(); i++) {
      assertThat(again.get(i).floatValue()).isEqualTo(numbers.get(i).floatValue());
    }
    assertThat(VectorJson.encoded(again, true)).isEqualTo(base64);
  }

  @Test
  void theAskedFormIsLeftAlone() throws JsonProcessingException {
    JsonNode numbers = Json.parse("[-0.006929283495992422, 0.50]");

    assertThat(Json.text(VectorJson.encoded(numbers, false)))
        .isEqualTo("[-0.006929283495992422,0.50]");
  }

  @Test
  void paddingThatAProviderLeavesOutIsAdded() throws JsonProcessingException {
    assertThat(VectorJson.encoded(Json.parse("\"AACAPw\""), true).textValue())
        .isEqualTo("AACAPw==");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"null", "[]", "\"\"", "[1,\"2\"]", "[1e60]", "\"AAA=\"", "\"?\"", "{}", "[null]"})
  void whatIsNoVectorIsRefused(String json) throws JsonProcessingException {
    JsonNode vector = Json.parse(json);

    assertThatIllegalArgumentException().isThrownBy(() -> VectorJson.encoded(vector, true));
    assertThatIllegalArgumentException().isThrownBy(() -> VectorJson.encoded(vector, false));
  }
}
