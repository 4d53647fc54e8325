package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.Fixtures;
import dev.llmproxy.base.Json;
import dev.llmproxy.catalogue.TokenCount;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class UsageTest {
  @Test
  void sumContainsEveryField() throws Exception {
    ObjectNode sum =
        Usage.sum(
            (ObjectNode)
                Json.parse(
                    "{\"prompt_tokens\":1,\"cost\":0.1,\"details\":{\"cached\":5},\"tier\":\"a\"}"),
            (ObjectNode)
                Json.parse(
                    "{\"prompt_tokens\":2,\"cost\":0.2,\"details\":{\"cached\":1,\"audio\":2},\"tier\":\"b\",\"queue\":null}"));

    assertThat(sum)
        .hasToString(
            "{\"prompt_tokens\":3,\"cost\":0.3,\"details\":{\"cached\":6,\"audio\":2},\"tier\":\"b\"}");
  }

  @Test
  void estimateOfACancelledTurnKeepsTheCachedTokensOfTheReport() throws Exception {
    ChatCall chat =
        Fixtures.chat(
            "{\"model\":\"groq/m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
                .getBytes(StandardCharsets.UTF_8));
    chat.turns().begin(0);
    chat.turns()
        .report(
            (ObjectNode)
                Json.parse(
                    "{\"prompt_tokens\":1000,\"completion_tokens\":1,\"prompt_tokens_details\":{\"cached_tokens\":900}}"));

    assertThat(chat.soFar()).containsExactly(new TokenCount(1000, 900, 0, 0, 0, 1, 0));
    assertThat(Usage.estimate(chat).path("total_tokens").asLong()).isEqualTo(1001);
  }

  @Test
  void tokensOfEachTurnAreKeptApart() {
    ChatCall chat =
        Fixtures.chat(
            "{\"model\":\"groq/m\",\"messages\":[{\"role\":\"user\",\"content\":\"abcd\"}]}"
                .getBytes(StandardCharsets.UTF_8));
    chat.turns().begin(0);
    chat.turns().end(Usage.of(100, 5));
    chat.turns().begin(0);

    assertThat(chat.soFar()).containsExactly(new TokenCount(100, 5), new TokenCount(1, 0));

    chat.turns().end(Usage.of(200, 7));
    assertThat(chat.soFar()).containsExactly(new TokenCount(100, 5), new TokenCount(200, 7));
    assertThat(TokenCount.sum(chat.soFar())).isEqualTo(new TokenCount(300, 12));
  }
}
