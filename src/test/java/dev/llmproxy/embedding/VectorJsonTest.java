package dev.llmproxy.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** docs/wire-contract.md §9: IEEE-754 float32, little-endian, base64 with padding. */
class VectorJsonTest {
  @Test
  void base64EncodesLittleEndianFloats() {
    // 1.0f is 3F800000 and -2.5f is C0200000.
    assertThat(VectorJson.of(new float[] {1.0f, -2.5f}, true).textValue())
        .isEqualTo("AACAPwAAIMA=");
  }

  @Test
  void bothFormsAreConvertedToEachOther() throws JsonProcessingException {
    JsonNode numbers = Json.parse("[0.1,-3.4028235E38,1.0E-45,0.0,-0.006929283495992422]");

    JsonNode base64 = VectorJson.encoded(numbers, true);
    JsonNode again = VectorJson.encoded(base64, false);

    assertThat(again.size()).isEqualTo(numbers.size());
    for (int i = 0; i < numbers.size(); i++) {
      assertThat(again.get(i).floatValue()).isEqualTo(numbers.get(i).floatValue());
    }
    assertThat(VectorJson.encoded(again, true)).isEqualTo(base64);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[0.1, -3.4028235E38,1.0E-45,0.0, -0.006929283495992422]", "[1]"})
  void readingGivesTheSameAsConverting(String text) throws IOException {
    JsonNode numbers = Json.parse(text);

    assertThat(VectorJson.encoded(read(text, true), true))
        .isEqualTo(VectorJson.encoded(numbers, true));
    assertThat(Json.text(VectorJson.encoded(read(text, false), false)))
        .isEqualTo(text.replace(" ", ""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"[]", "[1,null]", "[\"1\"]", "[1e999]", "[[1,2]]", "[1,{\"a\":[2]}]"})
  void invalidVectorsAreRefusedAfterReading(String text) throws IOException {
    for (boolean base64 : new boolean[] {true, false}) {
      JsonNode read = read(text, base64);
      assertThatIllegalArgumentException().isThrownBy(() -> VectorJson.encoded(read, base64));
    }
  }

  private static JsonNode read(String text, boolean base64) throws IOException {
    try (JsonParser parser =
        Json.parser(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)))) {
      parser.nextToken();
      JsonNode read = VectorJson.read(parser, base64);
      assertThat(parser.nextToken()).isNull();
      return read;
    }
  }

  @Test
  void theRequestedFormIsUnchanged() throws JsonProcessingException {
    JsonNode numbers = Json.parse("[-0.006929283495992422, 0.50]");

    assertThat(Json.text(VectorJson.encoded(numbers, false)))
        .isEqualTo("[-0.006929283495992422,0.50]");
  }

  @Test
  void missingPaddingIsAdded() throws JsonProcessingException {
    assertThat(VectorJson.encoded(Json.parse("\"AACAPw\""), true).textValue())
        .isEqualTo("AACAPw==");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"null", "[]", "\"\"", "[1,\"2\"]", "[1e60]", "\"AAA=\"", "\"?\"", "{}", "[null]"})
  void invalidVectorsAreRefused(String json) throws JsonProcessingException {
    JsonNode vector = Json.parse(json);

    assertThatIllegalArgumentException().isThrownBy(() -> VectorJson.encoded(vector, true));
    assertThatIllegalArgumentException().isThrownBy(() -> VectorJson.encoded(vector, false));
  }
}
