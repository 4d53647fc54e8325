package dev.llmproxy.provider;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The estimates in these tests are 3 prompt tokens and 4 completion tokens. */
class TurnUsageTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // Other names, and several objects.
        "{'prompt_tokens':120,'completion_tokens':34}  {}                            | 120 | 34 | 154",
        "{'input_tokens':120,'output_tokens':34}                                     | 120 | 34 | 154",
        "{'promptTokens':120,'completionTokens':34,'totalTokens':154}                | 120 | 34 | 154",
        "{'prompt_tokens':0,'input_tokens':7,'completion_tokens':5}                  |   7 |  5 |  12",
        "{'prompt_tokens':120}  {'completion_tokens':34}                             | 120 | 34 | 154",
        "{'prompt_tokens':120,'completion_tokens':34}  {'prompt_tokens':null}        | 120 | 34 | 154",
        "{'prompt_tokens':9,'completion_tokens':1}  {'completion_tokens':2}          |   9 |  2 |  11",
        "{'prompt_tokens':9,'completion_tokens':2}  {'prompt_tokens':0}              |   9 |  2 |  11",
        // Counts that are missing or zero are estimated.
        "{'completion_tokens':25}                                                    |   3 | 25 |  28",
        "{'prompt_tokens':0,'completion_tokens':12,'total_tokens':12}                |   3 | 12 |  15",
        "{'prompt_tokens':0,'completion_tokens':0,'total_tokens':0}                  |   3 |  4 |   7",
        "{'completion_tokens':12,'total_tokens':20}                                  |   8 | 12 |  20",
        "{'prompt_tokens':8,'total_tokens':20}                                       |   8 | 12 |  20",
        "{}                                                                          |   3 |  4 |   7",
        // Reasoning tokens are only in the total.
        "{'prompt_tokens':8,'completion_tokens':5,'total_tokens':20}                 |   8 |  5 |  20",
        // Impossible counts.
        "{'prompt_tokens':1000000000000,'completion_tokens':1}            | 1000000000000 |  1 | 1000000000001",
        "{'prompt_tokens':1000000000001,'completion_tokens':5}                       |   3 |  5 |   8",
        "{'prompt_tokens':1e15,'completion_tokens':9223372036854775807}              |   3 |  4 |   7",
        "{'prompt_tokens':99999999999999999999999999,'completion_tokens':5}          |   3 |  5 |   8",
        "{'prompt_tokens':-5,'completion_tokens':5}                                  |   3 |  5 |   8",
        "{'prompt_tokens':1.5,'completion_tokens':5.0}                               |   3 |  5 |   8",
        "{'prompt_tokens':'many','completion_tokens':[5]}                            |   3 |  4 |   7",
        "{'prompt_tokens':8,'completion_tokens':5,'total_tokens':9e18}               |   8 |  5 |  13",
      })
  void reportsAreCombined(String said, long prompt, long completion, long total)
      throws IOException {
    TurnUsage usage = new TurnUsage();
    for (String object : said.split("  ", -1)) {
      usage.take(Json.parse(object.replace('\'', '"')));
    }

    JsonNode whole = usage.whole(3, 4);

    assertThat(whole.path("prompt_tokens").longValue()).isEqualTo(prompt);
    assertThat(whole.path("completion_tokens").longValue()).isEqualTo(completion);
    assertThat(whole.path("total_tokens").longValue()).isEqualTo(total);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'cost':0.1,'prompt_tokens_details':{'cached_tokens':5}}",
        "{'cost':0.1,'prompt_tokens_details':{'cached_tokens':5,'audio_tokens':-1}}",
        "{'cost':0.1,'prompt_tokens_details':{'cached_tokens':5,'audio_tokens':9e18}}",
      })
  void unknownFieldsRemainAndImpossibleCountsAreDropped(String said) throws IOException {
    TurnUsage usage = new TurnUsage();
    usage.take(Json.parse(said.replace('\'', '"')));

    JsonNode whole = usage.whole(3, 4);

    assertThat(whole.path("cost")).hasToString("0.1");
    assertThat(whole.path("prompt_tokens_details")).hasToString("{\"cached_tokens\":5}");
  }

  /** Columns: completion and reasoning tokens, total, each as reported | completion tokens. */
  @ParameterizedTest
  @CsvSource({
    "50, 30, 150, 50",
    // xAI counts reasoning beside the completion.
    "50, 30, 180, 80",
    "0, 30, 130, 30",
    "50, 30, 0, 50",
    "50, 30, 170, 50",
  })
  void reasoningIsAPartOfTheCompletion(long completion, long reasoning, long total, long whole) {
    TurnUsage usage = new TurnUsage();
    usage.take(
        Json.object()
            .put("prompt_tokens", 100)
            .put("completion_tokens", completion)
            .put("total_tokens", total)
            .set("completion_tokens_details", Json.object().put("reasoning_tokens", reasoning)));
    assertThat(usage.whole(1, 1).path("completion_tokens").asLong()).isEqualTo(whole);
    assertThat(usage.soFar().path("completion_tokens").asLong()).isEqualTo(whole);
  }
}
