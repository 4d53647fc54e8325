package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
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
}
