package dev.llmproxy.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.tool.SearchResult;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CitationsTest {
  private static final List<SearchResult> FOUND =
      List.of(
          new SearchResult("A", "https://a.example/x", ""),
          new SearchResult("AB", "https://a.example/x/long", ""),
          new SearchResult("Local", "operation.md", ""));

  /** The cited texts with their titles. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          See https://a.example/x.                        | A https://a.example/x
          See https://a.example/x, and then some.         | A https://a.example/x
          (https://a.example/x)                           | A https://a.example/x
          See [the page](https://a.example/x) for it      | A [the page](https://a.example/x)
          See https://a.example/x/long                    | AB https://a.example/x/long
          https://a.example/x and https://a.example/x/long | A https://a.example/x, AB https://a.example/x/long
          https://a.example/x https://a.example/x         | A https://a.example/x, A https://a.example/x
          👋🏽 https://a.example/x                          | A https://a.example/x
          """)
  void urlsInTheAnswerAreCited(String answer, String cited) {
    List<String> citations = new ArrayList<>();
    int[] points = answer.codePoints().toArray();
    for (JsonNode annotation : Citations.in(answer, FOUND)) {
      JsonNode citation = annotation.path("url_citation");
      int start = citation.path("start_index").asInt();
      citations.add(
          citation.path("title").asText()
              + " "
              + new String(points, start, citation.path("end_index").asInt() - start));
    }

    assertThat(String.join(", ", citations)).isEqualTo(cited);
  }

  @Test
  void resultsThatTheAnswerDoesNotNameAreNotCited() {
    assertThat(Citations.in("", FOUND)).isEmpty();
    assertThat(Citations.in("I read operation.md.", FOUND)).isEmpty();
    assertThat(Citations.in("https://a.example/xylophone", FOUND)).isEmpty();
    assertThat(Citations.in("https://a.example/x?y=1", FOUND)).isEmpty();
    assertThat(Citations.in("https://a.example/x", List.of())).isEmpty();
  }
}
