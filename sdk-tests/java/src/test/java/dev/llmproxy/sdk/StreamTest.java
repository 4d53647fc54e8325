package dev.llmproxy.sdk;

import static dev.llmproxy.sdk.Gateway.CLIENT;
import static dev.llmproxy.sdk.Gateway.ask;
import static dev.llmproxy.sdk.Gateway.stream;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.errors.OpenAIServiceException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StreamTest {
  @Test
  void streamsAsInTheReadme() {
    StringBuilder text = new StringBuilder();

    for (ChatCompletionChunk chunk : stream(ask("hello there").build())) {
      text.append(chunk.choices().get(0).delta().content().orElse(""));
    }

    assertThat(text.toString()).isEqualTo("You said: hello there");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "groq=1", "bare=1", "fields=1", "crlf=1", "split=1", "finish=eos"})
  void deviationsOfProvidersAreHidden(String habit) {
    ChatCompletion completion =
        accumulated(stream(ask("hi [[script " + habit + "]]").streamOptions(withUsage()).build()));

    ChatCompletion.Choice choice = completion.choices().getFirst();
    assertThat(choice.message().content()).hasValue("You said: hi");
    assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.STOP);
  }

  @Test
  void usageIsLastIfRequested() {
    List<ChatCompletionChunk> chunks =
        stream(ask("hello there").streamOptions(withUsage()).build());

    assertThat(chunks.getLast().choices()).isEmpty();
    assertThat(chunks.getLast().usage().orElseThrow().totalTokens()).isEqualTo(6);
    assertThat(chunks.subList(0, chunks.size() - 1))
        .allSatisfy(chunk -> assertThat(chunk.usage()).isEmpty());
  }

  @Test
  void usageIsAbsentByDefault() {
    assertThat(stream(ask("hi").build()))
        .allSatisfy(chunk -> assertThat(chunk.usage()).isEmpty())
        .allSatisfy(chunk -> assertThat(chunk.choices()).hasSize(1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"cut=5", "end=5", "error=5"})
  void failureInTheMiddleIsThrown(String mishap) {
    StringBuilder text = new StringBuilder();
    var params = ask("[[script chunks=20 gap=5 " + mishap + "]]").build();

    assertThatThrownBy(
            () -> {
              try (var response = CLIENT.chat().completions().createStreaming(params)) {
                response.stream()
                    .map(ChatCompletionChunk::validate)
                    .forEach(
                        chunk -> text.append(chunk.choices().get(0).delta().content().orElse("")));
              }
            })
        .isInstanceOf(OpenAIServiceException.class);
    assertThat(text.toString()).isEqualTo("word1 word2 word3 word4 word5");
  }

  /** wire 1.3 */
  @Test
  void silentProviderIsNotGivenUp() {
    assertThat(stream(ask("[[script chunks=2 gap=6500]]").build()))
        .extracting(chunk -> chunk.choices().get(0).delta().content().orElse(""))
        .containsSubsequence("word1", " word2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"chunks=600 gap=100", "silent=1"})
  void leavingAStreamCancelsTheProvidersAnswer(String script) throws Exception {
    int before = ScriptedStats.cancelled();
    var params = ask("[[script " + script + "]]").build();

    try (var response = CLIENT.chat().completions().createStreaming(params)) {
      assertThat(response.stream().findFirst().orElseThrow().validate().choices()).hasSize(1);
    }

    ScriptedStats.awaitMoreCancelledThan(before);
  }

  @Test
  void localModelStreams() {
    List<ChatCompletionChunk> chunks =
        stream(Gateway.askLocalModel().streamOptions(withUsage()).build());

    assertThat(chunks).hasSizeGreaterThan(5);
    assertThat(accumulated(chunks).choices().getFirst().message().content().orElseThrow())
        .contains("Paris");
  }

  private static ChatCompletionStreamOptions withUsage() {
    return ChatCompletionStreamOptions.builder().includeUsage(true).build();
  }

  private static ChatCompletion accumulated(List<ChatCompletionChunk> chunks) {
    ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
    chunks.forEach(accumulator::accumulate);
    return accumulator.chatCompletion();
  }
}
