package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PromptCountTest {
  private static final String EMPTY = "{\"messages\":[]}";

  @Test
  void textsCountATokenForThreeAndAHalfBytesRoundedUp() throws JsonProcessingException {
    // 4 characters of the role, and 31 of the text.
    assertThat(
            estimate("{\"messages\":[{\"role\":\"user\",\"content\":\"" + "a".repeat(31) + "\"}]}"))
        .isEqualTo(10);
    assertThat(
            estimate("{\"messages\":[{\"role\":\"user\",\"content\":\"" + "a".repeat(32) + "\"}]}"))
        .isEqualTo(11);
  }

  @Test
  void charactersOfSeveralBytesCountWithTheirBytes() throws JsonProcessingException {
    // 4 bytes of the role, and 2, 3 and 4 bytes for a character.
    assertThat(estimate("{\"messages\":[{\"role\":\"user\",\"content\":\"éé世世👋👋\"}]}"))
        .isEqualTo((long) Math.ceil((4 + 4 + 6 + 8) / 3.5));
  }

  @Test
  void anImageCountsAsMuchWhateverItsSize() throws JsonProcessingException {
    String image =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,%s\"}}]}]}";

    assertThat(estimate(image.formatted("AAAA"))).isEqualTo(1602);
    assertThat(estimate(image.formatted("A".repeat(100_000)))).isEqualTo(1602);
  }

  @Test
  void aDocumentCountsItsPages() throws JsonProcessingException {
    String document =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_data\":\"%s\"}}]}]}";

    assertThat(estimate(document.formatted("A"))).isEqualTo(1602);
    assertThat(estimate(document.formatted("A".repeat(60_000)))).isEqualTo(3 * 1600 + 2);
  }

  @Test
  void nothingCountsOne() throws JsonProcessingException {
    assertThat(estimate(EMPTY)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"%s\"}}]}]}",
        "{\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"%s\"}]}",
        "{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"reasoning_content\":\"%s\"}]}",
        "{\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}]}",
        "{\"messages\":[],\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"%s\",\"parameters\":{\"type\":\"object\"}}}]}",
        "{\"messages\":[],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"title\":\"%s\"}}}}"
      })
  void everyPlaceOfTextCounts(String chat) throws JsonProcessingException {
    long without = estimate(chat.formatted(""));
    long with = estimate(chat.formatted("x".repeat(3500)));

    assertThat(with - without).isEqualTo(1000);
    assertThat(without).isGreaterThanOrEqualTo(estimate(EMPTY));
  }

  @Test
  void toolsCountAsMuchAsTheirJsonAtLeast() throws JsonProcessingException {
    String tools =
        "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true,\"parameters\":{\"required\":[\"a\",\"b\"],\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"minimum\":12}}}}}]";

    assertThat(estimate("{\"messages\":[],\"tools\":" + tools + "}"))
        .isBetween((long) (tools.length() / 3.5), (long) (tools.length() / 3.5 * 1.2));
  }

  private static long estimate(String chat) throws JsonProcessingException {
    return PromptCount.estimate((ObjectNode) Json.parse(chat));
  }
}
