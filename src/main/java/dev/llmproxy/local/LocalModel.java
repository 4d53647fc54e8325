package dev.llmproxy.local;

import dev.llmproxy.base.Sha256;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The loaded chat model SmolLM2-135M-Instruct. Thread-safe.
 *
 * <p>Generates one answer at a time, in the order of the requests, on platform threads of its own
 * (all cores but one). The model cannot call tools.
 */
public final class LocalModel implements AutoCloseable {
  /** The most requests that wait while another is answered. */
  public static final int QUEUE_LIMIT = 16;

  private static final String ID = "smollm2-135m-instruct";
  private static final int CONTEXT_LENGTH = 2048; // tokens; more takes memory and time
  private static final long SIZE = 98_362_432; // bytes
  private static final String SHA256 =
      "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

  private final ThreadPoolExecutor queue =
      new ThreadPoolExecutor(
          1,
          1,
          0,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(QUEUE_LIMIT),
          Thread.ofPlatform().name("local-model").daemon().factory());
  private final Set<QueuedGeneration> open = ConcurrentHashMap.newKeySet();
  private final int contextLength;
  private volatile Engine engine; // null once closed

  private LocalModel(Engine engine, int contextLength) {
    this.engine = engine;
    this.contextLength = contextLength;
  }

  /**
   * Loads the weights, which takes about a second and 130 MB of memory. The file is not needed
   * afterwards.
   *
   * @param gguf the file from {@code scripts/fetch-model}; no other file is accepted
   * @throws IOException when the file is missing, unreadable, or not the expected one
   */
  public static LocalModel load(Path gguf) throws IOException {
    return load(gguf, CONTEXT_LENGTH);
  }

  /** Loads the weights with another context length, at most the 8,192 tokens of the training. */
  static LocalModel load(Path gguf, int contextLength) throws IOException {
    if (!Files.isRegularFile(gguf)) {
      throw new IOException(
          "The local model's file " + gguf + " is missing. Run scripts/fetch-model to fetch it.");
    }
    try (FileChannel channel = FileChannel.open(gguf)) {
      if (channel.size() != SIZE || !Sha256.hex(Channels.newInputStream(channel)).equals(SHA256)) {
        throw new IOException(
            "The local model's file "
                + gguf
                + " is damaged or not the expected one (its SHA-256 differs). Delete it and run"
                + " scripts/fetch-model.");
      }
      int threads = Math.max(1, Runtime.getRuntime().availableProcessors() - 1);
      Engine engine = new Engine(new GgufFile(channel), contextLength, threads);
      return new LocalModel(engine, contextLength);
    }
  }

  /**
   * Adds a request to the queue and returns at once. The first {@link Generation#hasNext} waits for
   * the start of the answer.
   *
   * @return the running answer. Close it if you do not read it to its end
   * @throws LocalModelContextException when the prompt leaves no room for an answer
   * @throws LocalModelBusyException when {@value #QUEUE_LIMIT} requests are waiting
   * @throws IllegalArgumentException when there is no message
   * @throws IllegalStateException when the model is closed
   */
  public Generation generate(List<ChatMessage> messages, SamplingOptions options) {
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("A chat needs at least one message.");
    }
    Engine current = engine;
    if (current == null) {
      throw new IllegalStateException("The local model is closed.");
    }
    int[] prompt = current.prompt(messages);
    int room = contextLength - prompt.length;
    if (room < 1) {
      throw new LocalModelContextException(prompt.length, contextLength);
    }
    int maxTokens = Math.min(options.maxTokens(), room);
    QueuedGeneration generation =
        new QueuedGeneration(
            prompt.length,
            answer -> current.write(prompt, options, maxTokens, answer),
            this::forget);
    enqueue(generation);
    return generation;
  }

  /**
   * The number of tokens of the prompt that {@link #generate} makes of these messages.
   *
   * @throws IllegalStateException when the model is closed
   */
  public int promptTokens(List<ChatMessage> messages) {
    Engine current = engine;
    if (current == null) {
      throw new IllegalStateException("The local model is closed.");
    }
    return current.prompt(messages).length;
  }

  /** The context length: the most tokens of prompt and answer together. */
  public int contextLength() {
    return contextLength;
  }

  /** The name of the model, without a provider. */
  public String id() {
    return ID;
  }

  /**
   * Cancels all answers (their {@link Generation#finishReason} stays null), waits a fraction of a
   * second for the threads, and frees the memory.
   */
  @Override
  public void close() {
    Engine current = engine;
    engine = null;
    queue.shutdown();
    open.forEach(QueuedGeneration::close);
    queue.close();
    if (current != null) {
      current.close();
    }
  }

  private void enqueue(QueuedGeneration generation) {
    open.add(generation);
    try {
      queue.execute(generation);
    } catch (RejectedExecutionException rejected) {
      open.remove(generation);
      if (queue.isShutdown()) {
        throw new IllegalStateException("The local model is closed.", rejected);
      }
      throw new LocalModelBusyException(QUEUE_LIMIT);
    }
  }

  /** Removes a closed generation from the queue, so that it takes no place there. */
  private void forget(QueuedGeneration generation) {
    queue.remove(generation);
    open.remove(generation);
  }
}
