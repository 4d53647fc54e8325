package dev.llmproxy.format.completions;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.base.Json;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class TextLogprobsTest {
  private final TextLogprobs logprobs = new TextLogprobs();

  @Test
  void offsetsCountTheCharactersOfEachChoice() throws IOException {
    String first =
        "{\"content\":[{\"token\":\"Hi\",\"logprob\":-0.5,\"top_logprobs\":[{\"token\":\"Ho\",\"logprob\":-1.25}]},"
            + "{\"token\":\" there\",\"logprob\":-2,\"top_logprobs\":[]}],\"refusal\":null}";

    assertThat(logprobs.of(0, Json.parse(first)))
        .hasToString(
            "{\"tokens\":[\"Hi\",\" there\"],\"token_logprobs\":[-0.5,-2],"
                + "\"top_logprobs\":[{\"Ho\":-1.25},{}],\"text_offset\":[0,2]}");
    assertThat(logprobs.of(0, Json.parse(first)).path("text_offset")).hasToString("[8,10]");
    assertThat(logprobs.of(1, Json.parse(first)).path("text_offset")).hasToString("[0,2]");
  }

  @Test
  void probabilitiesOfTextsStay() throws IOException {
    String own =
        "{\"tokens\":[\"a\"],\"token_logprobs\":[null],\"top_logprobs\":null,\"text_offset\":[7],\"content\":null}";

    assertThat(logprobs.of(0, Json.parse(own)))
        .hasToString(
            "{\"tokens\":[\"a\"],\"token_logprobs\":[null],\"top_logprobs\":null,\"text_offset\":[7]}");
  }

  @Test
  void absentProbabilitiesAreNull() throws IOException {
    assertThat(logprobs.of(0, Json.parse("null"))).hasToString("null");
    assertThat(logprobs.of(0, Json.parse("{\"content\":null}"))).hasToString("null");
  }
}
