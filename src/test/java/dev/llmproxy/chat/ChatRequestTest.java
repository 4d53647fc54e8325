package dev.llmproxy.chat;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Wire;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiError;
import dev.llmproxy.error.ApiException;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatRequestTest {
  private static final String MINIMAL =
      """
      {"model": "groq/llama", "messages": [{"role": "user", "content": "Hi"}]}\
      """;

  /** Fields that are set in a valid request. */
  @Wire({
    "3.roles",
    "3.content",
    "3.message",
    "3.pass",
    "3.tools",
    "3.format",
    "3.other",
    "3.unknown",
    "3.null"
  })
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        // Several clients send null for omitted fields.
        """
        {"temperature": null, "top_p": null, "n": null, "presence_penalty": null,
         "frequency_penalty": null, "max_tokens": null, "max_completion_tokens": null,
         "stop": null, "seed": null, "logit_bias": null, "logprobs": null, "top_logprobs": null,
         "user": null, "stream": null, "stream_options": null, "tools": null, "functions": null,
         "tool_choice": null, "response_format": null}\
        """,
        // The limits of each range.
        """
        {"temperature": 0, "top_p": 0, "n": 1, "presence_penalty": -2, "frequency_penalty": -2.0,
         "max_tokens": 1, "max_completion_tokens": 1, "top_logprobs": 0}\
        """,
        """
        {"temperature": 2.0, "top_p": 1.0, "n": 128, "presence_penalty": 2, "frequency_penalty": 2,
         "max_tokens": 2147483647, "max_completion_tokens": 2147483647, "top_logprobs": 20}\
        """,
        // Whole numbers from clients with only one number type.
        """
        {"seed": 7.0, "n": 1.0, "max_tokens": 1e3}\
        """,
        """
        {"stop": "END"}\
        """,
        """
        {"stop": []}\
        """,
        """
        {"stop": ["a", "b", "c", "d"]}\
        """,
        """
        {"seed": -9223372036854775809, "logprobs": true, "logit_bias": {"50256": -100}, "user": ""}\
        """,
        // Unknown fields, fields of single providers, and known fields in all forms.
        """
        {"vendor_option": {"deep": [1]}, "metadata": {"a": "b"}, "store": true, "service_tier": "x",
         "reasoning_effort": "low", "modalities": ["text"], "web_search_options": {},
         "prediction": {}, "safety_identifier": "s", "verbosity": "low"}\
        """,
        """
        {"tools": [{"type": "function", "function": {"name": "f", "strict": true}}],
         "tool_choice": "auto", "parallel_tool_calls": false, "functions": [],
         "function_call": "none", "response_format": {"type": "json_object"}}\
        """,
        """
        {"stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false}}\
        """,
        """
        {"messages": [{"role": "system", "content": "S"}, {"role": "developer", "content": "D"},
         {"role": "user", "content": "U", "name": "n"}, {"role": "assistant", "content": "A"},
         {"role": "tool", "content": "T", "tool_call_id": "c"},
         {"role": "function", "content": "F", "name": "f"}]}\
        """,
        """
        {"messages": [{"role": "assistant", "content": null, "refusal": null, "audio": {"id": "a"},
         "reasoning_content": "r", "tool_calls": [{"id": "c"}], "vendor": 1}]}\
        """,
        """
        {"messages": [{"role": "assistant"}, {"role": "user", "content": ""}]}\
        """,
        """
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"},
         {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
         {"type": "input_audio", "input_audio": {}}, {"type": "file", "file": {}},
         {"type": "refusal", "refusal": "no"}, {"type": "of tomorrow"}]}]}\
        """,
      })
  void validRequestIsAcceptedUnchanged(String fields) throws JsonProcessingException {
    ObjectNode sent = with(fields);
    assertThat(ChatRequest.parse(Json.bytes(sent)).body()).isEqualTo(sent);
  }

  /** Columns: fields that are set in a valid request | code and param of the 400. */
  @Wire({"3.required", "3.roles", "3.content", "3.pass", "6.400"})
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"model\": null}                  | missing_required_parameter | model",
        "{\"model\": \" \"}                 | missing_required_parameter | model",
        "{\"model\": 7}                     | invalid_type  | model",
        "{\"messages\": null}               | missing_required_parameter | messages",
        "{\"messages\": {}}                 | invalid_type  | messages",
        "{\"messages\": \"Hi\"}             | invalid_type  | messages",
        "{\"messages\": []}                 | invalid_value | messages",
        "{\"messages\": [null]}             | invalid_type  | messages[0]",
        "{\"messages\": [{\"role\": \"user\"}, \"Hi\"]}      | invalid_type | messages[1]",
        "{\"messages\": [{\"content\": \"Hi\"}]}             | missing_required_parameter | messages[0].role",
        "{\"messages\": [{\"role\": null}]}                  | missing_required_parameter | messages[0].role",
        "{\"messages\": [{\"role\": 1}]}                     | invalid_type  | messages[0].role",
        "{\"messages\": [{\"role\": \"user\"}, {\"role\": \"User\"}]} | invalid_value | messages[1].role",
        "{\"messages\": [{\"role\": \"\"}]}                  | invalid_value | messages[0].role",
        "{\"messages\": [{\"role\": \"user\", \"content\": 1}]}  | invalid_type | messages[0].content",
        "{\"messages\": [{\"role\": \"user\", \"content\": {}}]} | invalid_type | messages[0].content",
        "{\"temperature\": 2.0000001}       | invalid_value | temperature",
        "{\"temperature\": -0.1}            | invalid_value | temperature",
        "{\"temperature\": 1e400}           | invalid_value | temperature",
        "{\"temperature\": \"1\"}           | invalid_type  | temperature",
        "{\"temperature\": true}            | invalid_type  | temperature",
        "{\"top_p\": 1.1}                   | invalid_value | top_p",
        "{\"top_p\": []}                    | invalid_type  | top_p",
        "{\"presence_penalty\": -2.1}       | invalid_value | presence_penalty",
        "{\"frequency_penalty\": 3}         | invalid_value | frequency_penalty",
        "{\"n\": 0}                         | invalid_value | n",
        "{\"n\": 129}                       | invalid_value | n",
        "{\"n\": 1.5}                       | invalid_type  | n",
        "{\"n\": \"2\"}                     | invalid_type  | n",
        "{\"max_tokens\": 0}                | invalid_value | max_tokens",
        "{\"max_tokens\": \"many\"}         | invalid_type  | max_tokens",
        "{\"max_completion_tokens\": -1}    | invalid_value | max_completion_tokens",
        "{\"max_completion_tokens\": 99999999999999999999} | invalid_value | max_completion_tokens",
        "{\"top_logprobs\": 21}             | invalid_value | top_logprobs",
        "{\"logprobs\": 5}                  | invalid_type  | logprobs",
        "{\"logit_bias\": []}               | invalid_type  | logit_bias",
        "{\"seed\": 1.5}                    | invalid_type  | seed",
        "{\"user\": 7}                      | invalid_type  | user",
        "{\"stop\": 7}                      | invalid_type  | stop",
        "{\"stop\": [\"a\", 7]}             | invalid_type  | stop",
        "{\"stop\": [\"a\", null]}          | invalid_type  | stop",
        "{\"stop\": [\"a\", \"b\", \"c\", \"d\", \"e\"]} | invalid_value | stop",
        "{\"stream\": \"true\"}             | invalid_type  | stream",
        "{\"stream\": 1}                    | invalid_type  | stream",
        "{\"stream_options\": true}         | invalid_type  | stream_options",
        "{\"tools\": {}}                    | invalid_type  | tools",
        "{\"functions\": {}}                | invalid_type  | functions",
      })
  void invalidFieldIsNamed(String fields, String code, String param)
      throws JsonProcessingException {
    ApiError error = refusal(Json.bytes(with(fields)));
    assertThat(error.code()).isEqualTo(code);
    assertThat(error.param()).isEqualTo(param);
    assertThat(error.message()).contains("'" + param + "'");
  }

  @Wire("3.object")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "null",
        "[]",
        "\"text\"",
        "7",
        "{",
        "{}{}",
        "{'a': 1}",
        "{\"model\": NaN}",
        "a=b",
        "{} x"
      })
  void bodyThatIsNotAnObjectIsRejected(String body) {
    ApiError error = refusal(body.getBytes(UTF_8));
    assertThat(error.code()).isNull();
    assertThat(error.param()).isNull();
    assertThat(error.message()).startsWith("The request body is not valid JSON:");
  }

  /** Columns: hex bytes. Latin-1 text, truncated UTF-8, UTF-32 with invalid characters. */
  @Wire("3.object")
  @ParameterizedTest
  @ValueSource(
      strings = {"7b22e9223a317d", "7b22c3", "00000070ffffffff", "0000007b7fffffff", "ff", "00"})
  void bodyThatIsNotUtf8IsRejected(String hex) {
    assertThat(refusal(HexFormat.of().parseHex(hex)).param()).isNull();
  }

  @Test
  void hugeNumbersAndDeepNestingAreRejected() {
    assertThat(refusal("[".repeat(100_000).getBytes(UTF_8)).param()).isNull();
    for (String number : List.of("9".repeat(5000), "0." + "9".repeat(5000), "1e9999999999")) {
      assertThat(refusal(("{\"temperature\": " + number + "}").getBytes(UTF_8)).param()).isNull();
    }
  }

  @Test
  void missingBodyIsRejected() {
    assertThat(refusal(null).param()).isNull();
  }

  @Test
  void syntaxErrorIsLocatedWithoutQuotingTheBody() {
    assertThat(refusal("{\"model\":\n \"my secret\" oops}".getBytes(UTF_8)).message())
        .contains("line 2")
        .doesNotContain("secret", "oops");
  }

  /**
   * Columns: fields that are set in a valid request | whether to stream | whether to include usage.
   */
  @Wire("5.5b")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{}                                                               | false | false",
        "{\"stream\": false}                                              | false | false",
        "{\"stream\": null, \"stream_options\": null}                     | false | false",
        "{\"stream\": true}                                               | true  | false",
        "{\"stream\": true, \"stream_options\": {}}                       | true  | false",
        "{\"stream\": true, \"stream_options\": {\"include_usage\": null}}  | true | false",
        "{\"stream\": true, \"stream_options\": {\"include_usage\": false}} | true | false",
        "{\"stream\": true, \"stream_options\": {\"include_usage\": true}}  | true | true",
      })
  void streamAndUsageAreOffByDefault(String fields, boolean stream, boolean usage)
      throws JsonProcessingException {
    ChatRequest request = ChatRequest.parse(Json.bytes(with(fields)));
    assertThat(request.stream()).isEqualTo(stream);
    assertThat(request.includeUsage()).isEqualTo(usage);
    assertThat(request.model()).isEqualTo("groq/llama");
  }

  private static ObjectNode with(String fields) throws JsonProcessingException {
    ObjectNode request = (ObjectNode) Json.parse(MINIMAL);
    return request.setAll((ObjectNode) Json.parse(fields));
  }

  private static ApiError refusal(byte[] body) {
    ApiError[] error = new ApiError[1];
    assertThatExceptionOfType(ApiException.class)
        .isThrownBy(() -> ChatRequest.parse(body))
        .satisfies(e -> error[0] = e.error());
    assertThat(error[0].status()).isEqualTo(400);
    assertThat(error[0].type()).isEqualTo("invalid_request_error");
    return error[0];
  }
}
