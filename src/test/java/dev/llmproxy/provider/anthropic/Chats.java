package dev.llmproxy.provider.anthropic;

import dev.llmproxy.base.Settings;
import dev.llmproxy.call.Caller;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.chat.Accumulator;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ChatRequest;
import dev.llmproxy.chat.ToolMemory;
import dev.llmproxy.provider.ProviderEvents;
import dev.llmproxy.provider.ProviderWarnings;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Chats with the shipped provider {@code anthropic}. */
final class Chats {
  static final ProviderCatalogue PROVIDERS =
      new ProviderCatalogue(
          Settings.load(Path.of(""), Map.of("ANTHROPIC_API_KEY", "sk-ant-own-secret")));

  private Chats() {}

  static ChatCall of(byte[] request) {
    ChatRequest parsed = ChatRequest.parse(request);
    return new ChatCall(
        "req_0001",
        new Caller("user@example.com", "laptop", "00", "free"),
        parsed,
        PROVIDERS.target(parsed.model()),
        Instant.ofEpochSecond(1_760_000_000),
        new Accumulator());
  }

  static ChatCall of(String request) {
    return of(request.getBytes(StandardCharsets.UTF_8));
  }

  /** All events of an answer. The chat's accumulator gets each before the next is created. */
  static List<ChatEvent> events(ChatCall chat, byte[] answer, ToolMemory memory) {
    List<ChatEvent> events = new ArrayList<>();
    try (ProviderEvents turn =
        new ProviderEvents(
            new ByteArrayInputStream(answer),
            answer.length > 0 && answer[0] == '{' ? "application/json" : "text/event-stream",
            new MessagesStream(chat, null, memory, new ProviderWarnings()),
            1 << 20,
            chat.memory())) {
      while (turn.hasNext()) {
        ChatEvent event = turn.next();
        chat.accumulator().add(event);
        events.add(event);
      }
    }
    return events;
  }
}
