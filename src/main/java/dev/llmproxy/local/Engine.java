package dev.llmproxy.local;

import java.io.IOException;
import java.util.List;

/** The loaded model with its caches. Only {@link #prompt} is thread-safe. */
final class Engine implements AutoCloseable {
  private static final int CONVERSATIONS = 2; // cached conversations; each up to 94 MB

  private final Tokenizer tokenizer;
  private final ChatTemplate template;
  private final Workers workers;
  private final Transformer transformer;
  private final ConversationCaches caches;

  Engine(GgufFile file, int contextLength, int threads) throws IOException {
    tokenizer =
        new Tokenizer(
            file.strings("tokenizer.ggml.tokens"),
            file.integers("tokenizer.ggml.token_type"),
            file.strings("tokenizer.ggml.merges"));
    template = new ChatTemplate(tokenizer);
    workers = new Workers(threads);
    transformer = new Transformer(file, contextLength, workers);
    caches = new ConversationCaches(CONVERSATIONS, transformer::newCache);
  }

  int[] prompt(List<ChatMessage> messages) {
    return template.prompt(messages);
  }

  /**
   * Generates the answer until it is complete or closed.
   *
   * @param maxTokens 1 or more; prompt and answer must fit into the context
   */
  void write(int[] prompt, SamplingOptions options, int maxTokens, QueuedGeneration answer) {
    Sampler sampler = new Sampler(options);
    TextAssembler text = new TextAssembler(options.stops());
    KeyValueCache cache = caches.forPrompt(prompt);
    float[] state = new float[0];
    while (cache.length() < prompt.length && !answer.isClosed()) {
      int end = Math.min(prompt.length, cache.length() + transformer.batch());
      state = transformer.advance(prompt, cache.length(), end, cache);
    }
    while (!answer.isClosed()) {
      int token = sampler.choose(transformer.scores(state));
      if (tokenizer.isControl(token)) {
        answer.add(text.rest());
        answer.finish("stop");
        return;
      }
      int written = answer.countToken();
      answer.add(text.append(tokenizer.bytes(token)));
      if (text.stopped() || written == maxTokens) {
        answer.add(text.rest());
        answer.finish(text.stopped() ? "stop" : "length");
        return;
      }
      state = transformer.advance(new int[] {token}, 0, 1, cache);
    }
  }

  @Override
  public void close() {
    workers.close();
  }
}
