package dev.llmproxy.provider;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What holds for the chat events of every answer, whatever bytes the provider has sent. */
public final class AnswerContract {
  private static final Set<String> FINISH_REASONS =
      Set.of("stop", "length", "tool_calls", "content_filter", "function_call");

  private static final long MOST_BYTES = 1 << 20;

  private AnswerContract() {}

  /**
   * Checks the answer that a translator makes of a provider's bytes.
   *
   * @return its last event
   */
  public static ChatEvent check(ChatCall chat, StreamTranslator translator, byte[] stream) {
    List<ChatEvent> events = new ArrayList<>();
    try (ProviderEvents turn =
        new ProviderEvents(
            new ByteArrayInputStream(stream),
            "text/event-stream",
            translator,
            MOST_BYTES,
            chat.memory())) {
      while (turn.hasNext()) {
        ChatEvent event = turn.next();
        chat.accumulator().add(event);
        events.add(event);
      }
    }
    check(chat, events);
    return events.getLast();
  }

  private static void check(ChatCall chat, List<ChatEvent> events) {
    assertThat(events).isNotEmpty();
    assertThat(events.subList(0, events.size() - 1)).allMatch(ChatEvent.Delta.class::isInstance);
    for (ChatEvent event : events) {
      switch (event) {
        case ChatEvent.Delta delta ->
            check(delta.chunk(), ((ChatEvent.Delta) events.getFirst()).chunk(), chat);
        case ChatEvent.Complete complete -> {
          assertThat(events).hasSizeGreaterThan(1);
          for (String count : List.of("prompt_tokens", "completion_tokens", "total_tokens")) {
            assertThat(complete.usage().path(count).isIntegralNumber()).as(count).isTrue();
            assertThat(complete.usage().path(count).longValue()).as(count).isNotNegative();
          }
          assertThat(chat.accumulator().completion().path("choices")).isNotEmpty();
        }
        case ChatEvent.Failed failed -> assertThat(failed.error().status()).isBetween(400, 599);
        default -> throw new AssertionError("No provider gives " + event);
      }
    }
    assertThat(events.getLast()).isNotInstanceOf(ChatEvent.Delta.class);
  }

  private static void check(JsonNode chunk, JsonNode first, ChatCall chat) {
    assertThat(chunk.path("id").isTextual()).isTrue();
    assertThat(chunk.path("id")).isEqualTo(first.path("id"));
    assertThat(chunk.path("object").asText()).isEqualTo("chat.completion.chunk");
    assertThat(chunk.path("created").isIntegralNumber()).isTrue();
    assertThat(chunk.path("created").asText()).isEqualTo(first.path("created").asText());
    assertThat(chunk.path("model").asText()).isEqualTo(chat.target().modelId());
    assertThat(chunk.has("usage")).isFalse();
    assertThat(chunk.path("choices")).isInstanceOf(ArrayNode.class).isNotEmpty();
    for (JsonNode choice : chunk.path("choices")) {
      assertThat(choice.path("index").isInt()).isTrue();
      assertThat(choice.path("index").intValue()).isNotNegative();
      assertThat(choice.path("delta").isObject()).isTrue();
      JsonNode reason = choice.path("finish_reason");
      assertThat(reason.isNull() || FINISH_REASONS.contains(reason.asText())).isTrue();
      JsonNode calls = choice.path("delta").path("tool_calls");
      assertThat(calls.isMissingNode() || calls.isNull() || calls.isArray()).isTrue();
      for (JsonNode call : calls) {
        assertThat(call.path("index").isInt()).isTrue();
        assertThat(call.path("index").intValue()).isNotNegative();
        JsonNode arguments = call.path("function").path("arguments");
        assertThat(arguments.isMissingNode() || arguments.isTextual()).isTrue();
      }
    }
  }
}
