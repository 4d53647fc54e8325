package dev.llmproxy.provider;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.llmproxy.Wire;
import dev.llmproxy.base.Json;
import dev.llmproxy.catalogue.Provider;
import dev.llmproxy.error.ApiError;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UpstreamErrorsTest {
  private static final Provider GROQ =
      new Provider("groq", "Groq", "openai", "http://127.0.0.1:1", "gsk_secret", null, List.of());

  private static final String HTML =
      "<!DOCTYPE html><html><head><title>502</title></head><body>nginx gsk-secret</body></html>";

  /** Columns: status, body | status, type, code, param, message of the answer. */
  @Wire({"6.kept", "6.502", "6.502auth", "6.504", "6.400context"})
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "null",
      value = {
        // Errors about the request keep the provider's message.
        "400 | {\"error\":{\"message\":\"Bad seed.\",\"type\":\"invalid_request_error\",\"param\":\"seed\",\"code\":\"invalid_value\"}}"
            + " | 400 | invalid_request_error | invalid_value | seed | Bad seed.",
        "400 | {\"error\":{\"message\":\"This model's maximum context length is 8 tokens.\",\"param\":\"messages\",\"code\":\"context_length_exceeded\"}}"
            + " | 400 | invalid_request_error | context_length_exceeded | messages | This model's maximum context length is 8 tokens.",
        "400 | {\"error\":{\"message\":\"Bad.\",\"param\":null,\"code\":null}} | 400 | invalid_request_error | null | null | Bad.",
        "400 | {\"error\":\"Bad.\"}     | 400 | invalid_request_error | null | null | Bad.",
        "400 | [{\"error\":{\"message\":\"Bad.\"}}] | 400 | invalid_request_error | null | null | Bad.",
        "404 | {\"error\":{\"message\":\"No model x.\",\"code\":\"model_not_found\"}} | 404 | invalid_request_error | model_not_found | null | No model x.",
        "413 | {\"error\":{\"message\":\"Too large.\"}} | 413 | invalid_request_error | null | null | Too large.",
        "422 | {\"error\":{\"message\":\"No such role.\"}} | 422 | invalid_request_error | null | null | No such role.",
        "422 | {\"detail\":[]}         | 422 | invalid_request_error | null | null | The provider `groq` refused the request.",
        "400 | {\"error\":{\"message\":\" \"}} | 400 | invalid_request_error | null | null | The provider `groq` refused the request.",
        "400 | {\"error\":{\"message\":\"This model's maximum context length is 8 tokens.\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}"
            + " | 400 | invalid_request_error | context_length_exceeded | messages | This model's maximum context length is 8 tokens.",
        "400 | [{\"error\":{\"code\":400,\"message\":\"No such field.\",\"status\":\"INVALID_ARGUMENT\"}}] | 400 | invalid_request_error | null | null | No such field.",
        // Errors about this server's key are not the client's fault.
        "401 | {\"error\":{\"message\":\"Incorrect API key provided: gsk-secret\"}} | 502 | server_error | upstream_auth_error | null"
            + " | The provider `groq` refused this server's credentials; its administrator has to check the provider's key.",
        "403 | {\"error\":{\"message\":\"org-secret has no access\"}} | 502 | server_error | upstream_auth_error | null"
            + " | The provider `groq` refused this server's credentials; its administrator has to check the provider's key.",
        "400 | [{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}]"
            + " | 502 | server_error | upstream_auth_error | null"
            + " | The provider `groq` refused this server's credentials; its administrator has to check the provider's key.",
        // Timeouts and rate limits.
        "408 | {}                     | 504 | server_error | upstream_timeout | null | The provider `groq` did not answer in time.",
        "504 | {}                     | 504 | server_error | upstream_timeout | null | The provider `groq` did not answer in time.",
        "429 | {}                     | 429 | requests | rate_limit_exceeded | null | The provider `groq` is over its rate limit.",
        "429 | {\"error\":{\"message\":\"Slow down.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}} | 429 | tokens | rate_limit_exceeded | null | Slow down.",
        "429 | {\"error\":{\"message\":\"No money.\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}} | 429 | insufficient_quota | insufficient_quota | null | No money.",
        "429 | [{\"error\":{\"code\":429,\"message\":\"Slow down.\",\"status\":\"RESOURCE_EXHAUSTED\"}}] | 429 | requests | rate_limit_exceeded | null | Slow down.",
        // Other errors are failures of the provider.
        "500 | {\"error\":{\"message\":\"Oops.\",\"code\":\"x\"}} | 502 | server_error | upstream_error | null | The provider `groq` failed with status 500: Oops.",
        "503 | no JSON                | 502 | server_error | upstream_error | null | The provider `groq` failed with status 503: no JSON",
        "529 | {}                     | 503 | server_error | overloaded | null | The provider `groq` is overloaded.",
        "402 | {}                     | 429 | insufficient_quota | insufficient_quota | null"
            + " | This server's account with the provider `groq` is used up; its administrator has to top it up.",
        "409 | {}                     | 502 | server_error | upstream_error | null | The provider `groq` failed with status 409.",
        "302 | ''                     | 502 | server_error | upstream_error | null | The provider `groq` answers with a redirect (302), which is not followed; its administrator has to check GROQ_BASE_URL.",
        "204 | ''                     | 502 | server_error | upstream_error | null | The provider `groq` failed with status 204.",
      })
  void errorIsMappedForTheClient(
      int status, String body, int answer, String type, String code, String param, String message) {
    ApiError error = of(status, null, body);
    assertThat(error.status()).isEqualTo(answer);
    assertThat(error.type()).isEqualTo(type);
    assertThat(error.code()).isEqualTo(code);
    assertThat(error.param()).isEqualTo(param);
    assertThat(error.message()).isEqualTo(message);
  }

  @ParameterizedTest
  @ValueSource(ints = {302, 400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504})
  void htmlPageIsNeverShownToTheClient(int status) {
    assertThat(of(status, null, HTML).message()).doesNotContain("<", "nginx", "gsk-secret");
    String inJson = Json.text(Json.object().set("error", Json.object().put("message", HTML)));
    assertThat(of(status, null, inJson).message()).doesNotContain("<", "nginx", "gsk-secret");
  }

  @Test
  void longMessageIsShortened() {
    String body =
        Json.text(Json.object().set("error", Json.object().put("message", "x".repeat(5000))));
    assertThat(of(400, null, body).message()).hasSizeLessThan(2100).endsWith("…");
  }

  /** Columns: status, Retry-After of the provider | seconds in the client's Retry-After. */
  @Wire({"6.kept429", "6.retry"})
  @ParameterizedTest
  @CsvSource({
    "429, 7, 7",
    "429, ' 7 ', 7",
    "429, 0, 0",
    "429, , 5",
    "429, -1, 5",
    "429, soon, 5",
    "429, 1.5, 5",
    "429, 99999999999999999999, 5",
    "400, 7, ",
    "500, 7, ",
  })
  void rateLimitHasARetryAfter(int status, String retryAfter, Long seconds) {
    assertThat(of(status, retryAfter, "{}").retryAfter())
        .isEqualTo(seconds == null ? null : Duration.ofSeconds(seconds));
  }

  /**
   * SDKs would retry an account without credit twice. Columns: type | code | whether a retry is
   * useless.
   */
  @Wire("6.429quota")
  @ParameterizedTest
  @CsvSource({
    "insufficient_quota, insufficient_quota, true",
    "requests, insufficient_quota, true",
    "insufficient_quota, , true",
    "requests, rate_limit_exceeded, false",
    "tokens, , false",
  })
  void accountWithoutCreditIsNotRetried(String type, String code, boolean inVain) {
    String body =
        Json.text(Json.object().set("error", Json.object().put("type", type).put("code", code)));
    assertThat(of(429, null, body).retryInVain()).isEqualTo(inVain);
    assertThat(of(429, null, body).retryAfter() == null).isEqualTo(inVain);
    assertThat(of(429, "7", body).retryAfter()).isEqualTo(Duration.ofSeconds(7));
    assertThat(of(500, null, body).retryInVain()).isFalse();
  }

  /** Columns: status, body in some format | status of the answer, code, param, message. */
  @Wire({"6.kept", "6.502"})
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      nullValues = "null",
      value = {
        // FastAPI
        "400 | {'detail':'Model x is not loaded.'} | 400 | null | null | Model x is not loaded.",
        "422 | {'detail':[{'type':'extra_forbidden','loc':['body','messages',0,'name'],'msg':'Extra inputs are not permitted','input':'I am ill'}]}"
            + " | 422 | null | messages[0].name | messages[0].name: Extra inputs are not permitted",
        "422 | {'detail':[{'loc':['body','a'],'msg':'No.'},{'loc':['body','b'],'msg':'Nor.'}]} | 422 | null | a | a: No.; b: Nor.",
        "400 | {'detail':{'error':'No.'}}          | 400 | null | null | No.",
        "500 | {'detail':'CUDA out of memory'}     | 502 | upstream_error | null | The provider `groq` failed with status 500: CUDA out of memory",
        // vLLM, Mistral
        "400 | {'object':'error','message':'No.','type':'BadRequestError','param':'seed','code':400} | 400 | null | seed | No.",
        "422 | {'object':'error','message':{'detail':[{'loc':['body','seed'],'msg':'No.'}]},'type':'invalid'} | 422 | null | seed | seed: No.",
        "429 | {'message':'Requests rate limit exceeded'} | 429 | rate_limit_exceeded | null | Requests rate limit exceeded",
        // Cloudflare, others
        "400 | {'success':false,'errors':[{'code':7003,'message':'No route.'}],'result':null} | 400 | null | null | No route.",
        "400 | {'errors':['No.','No.','Nor.']}     | 400 | null | null | No.; Nor.",
        "400 | {'code':'Client specified an invalid argument','error':'No such effort.'} | 400 | null | null | No such effort.",
        "400 | {'error':['No.']}                   | 400 | null | null | No.",
        "400 | {'error':{'error':{'message':'No.','code':'bad'}}} | 400 | null | null | No.",
        "400 | {'error_code':1,'error_msg':'No.'}  | 400 | null | null | No.",
        "400 | {'error':{'message':'Provider returned error','code':400,'metadata':{'raw':'{\\'error\\':{\\'message\\':\\'No seed.\\'}}'}}}"
            + " | 400 | null | null | Provider returned error: No seed.",
        "400 | max_tokens is too large             | 400 | null | null | max_tokens is too large",
        "400 | data: {'error':{'message':'No.'}} | 400 | null | null | No.",
        "400 | P\u0001\u0002NG                    | 400 | null | null | The provider `groq` refused the request.",
        "400 | {'why':'No.'}                       | 400 | null | null | The provider `groq` refused the request.",
        // The path is unknown, not the model.
        "404 | {'detail':'Not Found'} | 404 | null | null"
            + " | The provider `groq` has nothing at the address that this server asks (404); its administrator has to check GROQ_BASE_URL.",
        "404 | 404 page not found     | 404 | null | null"
            + " | The provider `groq` has nothing at the address that this server asks (404); its administrator has to check GROQ_BASE_URL.",
        "404 | {'detail':'No model x.'} | 404 | null | null | No model x.",
        "504 | upstream is slow       | 504 | upstream_timeout | null | The provider `groq` did not answer in time: upstream is slow",
      })
  void messageIsFoundInEveryFormat(
      int status, String body, int answer, String code, String param, String message) {
    ApiError error = of(status, null, quoted(body));
    assertThat(error.message()).isEqualTo(message);
    assertThat(error.status()).isEqualTo(answer);
    assertThat(error.code()).isEqualTo(code);
    assertThat(error.param()).isEqualTo(param);
    assertThat(error.upstream().status()).isEqualTo(status);
  }

  /** Wherever the body is truncated, the received part of its message is found. */
  @Test
  void truncatedErrorIsRead() {
    String whole =
        "{\"object\": \"error\", \"error\": {\"code\": \"bad\", \"message\": \"N\\u00f6 \\\"seed\\\".\", \"x\": [1, {\"y\": 2}]}}";
    int words = whole.indexOf("N\\u00f6");
    for (int length = words + 1; length <= whole.length(); length++) {
      ApiError error = of(400, null, whole.substring(0, length));
      assertThat(error.message()).as(whole.substring(0, length)).startsWith("N");
      assertThat(error.code()).isEqualTo("bad");
    }
    assertThat(of(400, null, whole).message()).isEqualTo("Nö \"seed\".");
    assertThat(of(400, null, "{\"message\": \"" + "é".repeat(100_000)).message())
        .hasSize(2001)
        .startsWith("éé");
  }

  /** Columns: status and body of errors for an account without credit. */
  @Wire("6.429quota")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "402 | {'error':{'message':'Insufficient Balance','type':'unknown_error','code':'invalid_request_error'}}",
        "402 | Payment Required",
        "402 | {'error':{'message':'This request requires more credits, or fewer max_tokens.','code':402}}",
        "402 | {'error':'You have exceeded your monthly included credits'}",
        "400 | {'type':'error','error':{'type':'invalid_request_error','message':'Your credit balance is too low to access the API.'}}",
        "400 | {'error':{'message':'Access denied, please make sure your account is in good standing.','code':'Arrearage'}}",
        "403 | {'code':'The caller does not have permission','error':'Your team has used all available credits or reached its monthly spending limit.'}",
        "403 | {'error':{'message':'用户额度不足','type':'new_api_error','code':'insufficient_user_quota'}}",
        "403 | {'code':30001,'message':'Sorry, your account balance is insufficient','data':null}",
        "412 | {'error':{'message':'Account a is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.'}}",
        "429 | {'error':{'message':'Your account a is suspended, please check your plan and billing details','type':'exceeded_current_quota_error'}}",
        "429 | {'error':{'code':'1113','message':'Insufficient balance or no resource package.'}}",
        "429 | {'type':'error','error':{'type':'rate_limit_error','message':'No.','details':{'error_code':'enforced_spend_limit_reached'}}}",
        "429 | {'error':{'code':429,'message':'Your prepayment credits are depleted.','status':'RESOURCE_EXHAUSTED'}}",
        "400 | {'error':{'message':'Budget has been exceeded! Current cost: 2, Max budget: 1','type':'budget_exceeded','code':'400'}}",
      })
  void accountWithoutCreditIsRecognized(int status, String body) {
    ApiError error = of(status, null, quoted(body));
    assertThat(error.status()).isEqualTo(429);
    assertThat(error.type()).isEqualTo("insufficient_quota");
    assertThat(error.code()).isEqualTo("insufficient_quota");
    assertThat(error.headers()).isEqualTo(Map.of("x-should-retry", "false"));
    assertThat(error.message()).doesNotContain("`groq`");
    assertThat(error.upstream()).isEqualTo(new ApiError.Upstream(status, error.message()));
  }

  /** Temporary errors and errors about the request are not errors of the account. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "429 | {'error':{'code':429,'message':'You exceeded your current quota, please check your plan and billing details.','status':'RESOURCE_EXHAUSTED'}}",
        "429 | {'error':{'message':'Rate limit reached for model x on tokens per minute (TPM): Limit 6000.','code':'rate_limit_exceeded'}}",
        "400 | {'error':{'message':'Your tool `get_balance` has no parameters.'}}",
        "403 | {'error':'No access to this model.'}",
      })
  void otherErrorsAreNotErrorsOfTheAccount(int status, String body) {
    assertThat(of(status, null, quoted(body)).retryInVain()).isFalse();
  }

  /**
   * Messages of providers for a request over the context length; they become the error that the
   * wire contract gives.
   */
  @Wire("6.400context")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "400 | This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
        "400 | Your input exceeds the context window of this model. Please adjust your input and try again.",
        "400 | Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.",
        "400 | prompt is too long: 206640 tokens > 200000 maximum",
        "400 | input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000, decrease input length or `max_tokens` and try again",
        "400 | This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
        "400 | Input is too long for requested model.",
        "400 | Please reduce the length of the messages or completion.",
        "400 | the request exceeds the available context size. try increasing the context size or enable context shift",
        "500 | the request exceeds the available context size, try increasing it",
        "400 | Requested tokens (5000) exceed context window of 4096",
        "400 | Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
        "400 | The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
        "400 | The number of tokens to keep from the initial prompt is greater than the context length.",
        "400 | prompt token count of 140000 exceeds the limit of 128000",
        "400 | invalid params, context window exceeds limit",
        "400 | Your request exceeded model token limit: 131072 (requested: 140000)",
        "400 | InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]",
        "400 | Prompt has 32769 tokens, but the configured context size is 32768 tokens",
        "400 | prompt too long; exceeded max context length by 12 tokens",
        "400 | You passed 5000 input tokens and requested 10 output tokens. However, the model's context length is only 4096",
        "400 | The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
        "400 | The input (210000 tokens) is longer than the model's context length (200000 tokens).",
        "422 | Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 10 `max_new_tokens`",
        "400 | too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292.",
        "400 | the number of input tokens 5000 cannot exceed the total tokens limit 4096 for this model",
        "400 | Requested token count exceeds the model's maximum context length of 4096 tokens.",
        "413 | Prompt exceeds max length",
        "400 | This endpoint's maximum context length is 131072 tokens. However, you requested about 140000 tokens",
        "400 | requested generation is not possible! The prompt is 5000 tokens long, but the maximum supported sequence length is just 4096; maximum sequence length exceeded",
      })
  void contextLengthErrorIsRecognizedByItsMessage(int status, String message) {
    String body = Json.text(Json.object().put("message", message));
    for (ApiError error :
        List.of(
            of(status, null, body),
            UpstreamErrors.inStream(GROQ, Json.object().put("message", message)))) {
      assertThat(error.status()).isEqualTo(400);
      assertThat(error.type()).isEqualTo("invalid_request_error");
      assertThat(error.code()).isEqualTo("context_length_exceeded");
      assertThat(error.param()).isEqualTo("messages");
      assertThat(error.message())
          .startsWith(message)
          .containsIgnoringCase("maximum context length");
    }
  }

  /**
   * Errors with only a code; the words are added, because one client recognizes the error only by
   * them.
   */
  @Wire("6.400context")
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "400 | {'error':{'message':'Too long.','code':'context_length_exceeded'}}",
        "400 | {'error':{'code':'context_length_exceeded'}}",
        "400 | {'error':{'message':'Too long.','type':'exceed_context_size_error','code':400,'n_ctx':4096}}",
        "413 | {'error':{'message':'Too long.','code':'model_max_prompt_tokens_exceeded'}}",
        "400 | {'error':{'code':'1261','message':'Too long.'}}",
      })
  void contextLengthErrorIsRecognizedByItsCode(int status, String body) {
    ApiError error = of(status, null, quoted(body));
    assertThat(error.status()).isEqualTo(400);
    assertThat(error.code()).isEqualTo("context_length_exceeded");
    assertThat(error.message()).contains("maximum context length");
  }

  @Test
  void contextLengthErrorOfAnEmbeddingNamesItsField() {
    String body = "{\"message\":\"input is too long\"}";
    assertThat(UpstreamErrors.of(GROQ, new Refusal(400, null, null, body, "input")).param())
        .isEqualTo("input");
  }

  /** Errors about other fields, and rate limits, which also mention tokens. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "400 | max_tokens is too large: 100000. This model supports at most 16384 completion tokens.",
        "400 | Invalid 'messages[0].content': string too long. Expected a string with maximum length 10485760.",
        "400 | Unknown parameter: 'context_window'.",
        "400 | max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens",
        "413 | Request too large for model x on tokens per minute (TPM): Limit 6000, Requested 10000, please reduce your message size and try again.",
        "413 | Request Entity Too Large",
        "429 | Too many tokens, please wait before trying again.",
      })
  void otherErrorsAreNotContextLengthErrors(int status, String message) {
    assertThat(of(status, null, Json.text(Json.object().put("message", message))).code())
        .isNotEqualTo("context_length_exceeded");
  }

  @Test
  void redirectTargetIsOnlyInTheLog() {
    Refusal refusal = new Refusal(308, null, "https://10.0.0.7/v1/?token=secret", "", "messages");
    ApiError error = UpstreamErrors.of(GROQ, refusal);
    assertThat(error.upstream())
        .isEqualTo(new ApiError.Upstream(308, "redirect to https://10.0.0.7/v1/?…"));
    assertThat(error.message())
        .contains("redirect (308)", "GROQ_BASE_URL")
        .doesNotContain("10.0.0.7");
  }

  @Test
  void detailsForOperatorsAreOnlyInTheLog() {
    assertThat(
            of(401, null, "{\"error\":{\"message\":\"Key gsk_secret of org-1 is closed\"}}")
                .upstream())
        .isEqualTo(new ApiError.Upstream(401, "Key … of org-1 is closed"));
    assertThat(of(502, null, HTML).upstream())
        .isEqualTo(new ApiError.Upstream(502, "a page with the title \"502\""));
    assertThat(of(400, null, "{\"why\":\"No.\"}").upstream())
        .isEqualTo(new ApiError.Upstream(400, "{\"why\":\"No.\"}"));
    assertThat(of(500, null, "").upstream()).isEqualTo(new ApiError.Upstream(500, null));
  }

  /** Columns: error inside a stream | status, code, message. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'object':'error','message':'CUDA out of memory','code':50002} | 502 | upstream_error | The provider `groq` failed: CUDA out of memory",
        "{'object':'error','message':'CUDA out of memory','type':'InternalServerError','code':500} | 502 | upstream_error | The provider `groq` failed: CUDA out of memory",
        "{'id':'x','choices':[],'x_groq':{'id':'r','error':'over_capacity: stream stopped early'}} | 502 | upstream_error | The provider `groq` failed: over_capacity: stream stopped early",
        "{'error':{'message':'Slow down.','code':429}}  | 429 | rate_limit_exceeded | Slow down.",
        "{'message':'Insufficient credits','code':402}   | 429 | insufficient_quota | Insufficient credits",
        "{'message':'No seed.','code':400}               | 400 | | No seed.",
      })
  void errorInAStreamIsMappedForTheClient(String error, int status, String code, String message)
      throws JsonProcessingException {
    ApiError means = UpstreamErrors.inStream(GROQ, Json.parse(quoted(error)));
    assertThat(means.status()).isEqualTo(status);
    assertThat(means.code()).isEqualTo(code);
    assertThat(means.message()).isEqualTo(message);
  }

  /** In the cases ' stands for ", and \\' for \\". */
  private static String quoted(String body) {
    return body == null ? "" : body.replace('\'', '"');
  }

  @Test
  void errorInAStreamNamesTheProviderAndKeepsItsMessage() {
    ApiError error = UpstreamErrors.inStream(GROQ, Json.object().put("message", "Overloaded."));
    assertThat(error.code()).isEqualTo("upstream_error");
    assertThat(error.message()).isEqualTo("The provider `groq` failed: Overloaded.");
    assertThat(UpstreamErrors.inStream(GROQ, Json.object().put("message", HTML)).message())
        .isEqualTo("The provider `groq` failed in the middle of its answer.");
  }

  private static ApiError of(int status, String retryAfter, String body) {
    return UpstreamErrors.of(GROQ, new Refusal(status, retryAfter, null, body, "messages"));
  }

  @Test
  void serversKeyIsMaskedInMessages() {
    ApiError error =
        UpstreamErrors.inStream(GROQ, Json.object().put("message", "Bad key gsk_secret!"));

    assertThat(error.message()).contains("Bad key").doesNotContain("gsk_secret");
  }
}
