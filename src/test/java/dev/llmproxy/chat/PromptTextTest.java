package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.tool.SearchResult;
import dev.llmproxy.tool.ToolResult;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class PromptTextTest {
  private static final List<SearchResult> FOUND =
      List.of(
          new SearchResult("Camels", "https://a.example", "Weigh\n 500 kg"),
          new SearchResult("Llamas", "https://b.example", "x".repeat(1000)));

  @Test
  void bestResultIsAddedToTheLastUserMessage() throws Exception {
    ArrayNode messages =
        messages(
            "[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Yes?\"},{\"role\":\"user\",\"content\":\"What do they weigh?\"},{\"role\":\"assistant\",\"content\":\"They\"}]");

    ArrayNode asked = PromptText.withSearch(messages, found(FOUND), 1);

    assertThat(asked.at("/2/content").asText())
        .contains("Camels (https://a.example)\nWeigh 500 kg", "Question: What do they weigh?")
        .doesNotContain("Llamas");
    assertThat(asked).hasSize(4);
    assertThat(asked.at("/0/content").asText()).isEqualTo("Hi");
    assertThat(messages.at("/2/content").asText()).isEqualTo("What do they weigh?");
  }

  @Test
  void contentPartsRemainParts() throws Exception {
    ArrayNode messages =
        messages(
            "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"What is it?\"},{\"type\":\"image_url\"}]}]");

    JsonNode parts = PromptText.withSearch(messages, found(FOUND), 5).at("/0/content");

    assertThat(parts).hasSize(3);
    assertThat(parts.at("/0/text").asText()).contains("Camels", "Llamas").hasSizeLessThan(600);
    assertThat(parts.at("/2/type").asText()).isEqualTo("image_url");
  }

  @Test
  void searchWithoutResultsIsReportedToTheModel() throws Exception {
    ArrayNode messages = messages("[{\"role\":\"user\",\"content\":\"zzz\"}]");

    assertThat(PromptText.withSearch(messages, found(List.of()), 1).at("/0/content").asText())
        .isEqualTo("zzz\n\n(A web search for this brought nothing.)");
  }

  private static ToolResult found(List<SearchResult> sources) {
    return new ToolResult(
        "call_1", "web_search", ToolResult.Status.COMPLETED, "found", "{}", sources, Duration.ZERO);
  }

  private static ArrayNode messages(String json) throws Exception {
    return (ArrayNode) Json.parse(json);
  }
}
