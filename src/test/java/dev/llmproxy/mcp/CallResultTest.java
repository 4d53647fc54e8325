package dev.llmproxy.mcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.base.Json;
import dev.llmproxy.tool.ToolException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CallResultTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}                 | a~b
          {"content": [{"type": "text", "text": "a"}], "structuredContent": {"a": 1}}                 | a
          {"content": [], "structuredContent": {"a": 1.50}}                                           | {"a":1.50}
          {"structuredContent": [1]}                                                                  | [1]
          {"content": [{"type": "image", "mimeType": "image/png", "data": "aGVsbG8h"}]}               | [image, image/png, about 6 bytes]
          {"content": [{"type": "resource", "resource": {"uri": "f:a", "mimeType": "text/x", "text": "t"}}]} | [resource f:a, text/x]~t
          {"content": [{"type": "resource", "resource": {"uri": "f:a", "blob": "aGVs"}}]}             | [resource f:a, about 3 bytes]
          {"content": [{"type": "resource_link", "uri": "f:a", "size": 9}]}                           | [link to a resource f:a, about 9 bytes]
          {"content": [{"type": "hologram"}]}                                                         | [content of the type "hologram", which is not shown]
          """)
  void resultsBecomeText(String result, String text) throws Exception {
    assertThat(CallResult.text(Json.parse(result))).isEqualTo(text.replace('~', '\n'));
  }

  @Test
  void anEmptyResultIsNull() throws Exception {
    assertThat(CallResult.text(Json.parse("{\"content\": []}"))).isNull();
  }

  @Test
  void anErrorWithoutTextFails() throws Exception {
    var result = Json.parse("{\"content\": [], \"isError\": true}");

    assertThatThrownBy(() -> CallResult.text(result))
        .isInstanceOf(ToolException.class)
        .hasMessage("The tool failed and did not say why.");
  }
}
