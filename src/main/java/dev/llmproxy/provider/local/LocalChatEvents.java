package dev.llmproxy.provider.local;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.chat.ChatCall;
import dev.llmproxy.chat.ChatEvent;
import dev.llmproxy.chat.ChatEvents;
import dev.llmproxy.chat.Usage;
import dev.llmproxy.error.ClientGoneException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.local.Generation;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;

/**
 * The chat events of the local model: the text as it is generated, then the end and the exact
 * usage. One per turn.
 */
final class LocalChatEvents implements ChatEvents {
  private final ChatCall chat;
  private final Generation generation;
  private boolean begun;
  private boolean finished;
  private volatile boolean over;

  LocalChatEvents(ChatCall chat, Generation generation) {
    this.chat = chat;
    this.generation = generation;
    report();
  }

  @Override
  public boolean hasNext() {
    return !over;
  }

  @Override
  public ChatEvent next() {
    if (over) {
      throw new NoSuchElementException();
    }
    try {
      if (generation.hasNext()) {
        String text = generation.next();
        report();
        return delta(text, null);
      }
    } catch (CancellationException e) {
      over = true;
      throw new ClientGoneException();
    }
    if (generation.finishReason() == null) {
      over = true;
      return new ChatEvent.Failed(
          OpenAiErrors.unavailable("The local model stopped because the server is stopping."));
    }
    if (!finished) {
      finished = true;
      return delta(null, generation.finishReason());
    }
    over = true;
    return new ChatEvent.Complete(usage());
  }

  @Override
  public void close() {
    over = true;
    generation.close();
  }

  /** Reports the exact usage so far, for the ledger if the answer stops early. */
  private void report() {
    chat.turns().report(usage());
  }

  private ObjectNode usage() {
    return Usage.of(generation.promptTokens(), generation.completionTokens());
  }

  private ChatEvent delta(String text, String finishReason) {
    ObjectNode chunk =
        Json.object()
            .put("id", "chatcmpl-" + chat.requestId())
            .put("object", "chat.completion.chunk")
            .put("created", chat.started().getEpochSecond())
            .put("model", chat.target().modelId());
    ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
    ObjectNode delta = choice.putObject("delta");
    if (!begun) {
      begun = true;
      delta.put("role", "assistant").put("content", "");
    }
    if (text != null) {
      delta.put("content", text);
    }
    choice.putNull("logprobs").put("finish_reason", finishReason);
    return new ChatEvent.Delta(chunk);
  }
}
