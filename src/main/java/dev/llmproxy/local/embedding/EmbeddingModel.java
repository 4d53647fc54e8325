package dev.llmproxy.local.embedding;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;

/**
 * Converts texts to vectors of unit length. The scalar product of two vectors measures the
 * similarity of the texts' meanings. Thread-safe.
 */
public final class EmbeddingModel implements AutoCloseable {
  /** The number of dimensions of a vector. */
  public static final int DIMENSIONS = 384;

  /** The most tokens of a text; the model was not trained for more. */
  public static final int MOST_TOKENS = 256;

  private static final String WEIGHTS = "/all-minilm-l6-v2-q.onnx";
  private static final String TOKENIZER = "/all-minilm-l6-v2-q-tokenizer.json";

  private final OrtEnvironment environment;
  private final OrtSession session;
  private final WordPiece wordPiece;
  private final ExecutorService workers;

  private EmbeddingModel(OrtEnvironment environment, OrtSession session, WordPiece wordPiece) {
    this.environment = environment;
    this.session = session;
    this.wordPiece = wordPiece;
    // Native code blocks the carrier thread of a virtual thread, and streams need all carriers.
    workers =
        Executors.newFixedThreadPool(
            Runtime.getRuntime().availableProcessors(),
            Thread.ofPlatform().name("embedding-", 0).daemon().factory());
  }

  /**
   * Loads the model from the class path.
   *
   * @throws IOException when the model is missing, or its native library does not run on this
   *     machine
   */
  public static EmbeddingModel load() throws IOException {
    WordPiece wordPiece = new WordPiece(vocabulary());
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      OrtEnvironment environment =
          OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, "llmproxy");
      // One thread for each text. Waiting threads must not spin, because streams need the
      // processors.
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      return new EmbeddingModel(
          environment, environment.createSession(resource(WEIGHTS), options), wordPiece);
    } catch (OrtException | LinkageError e) {
      throw new IOException("ONNX Runtime does not run here: " + e.getMessage(), e);
    }
  }

  /** The tokens of a text, including the marks for begin and end; usage counts them all. */
  public int[] tokens(String text) {
    return wordPiece.tokens(text);
  }

  /**
   * The vector of a text.
   *
   * @param tokens as {@link #tokens} gives them, at most {@link #MOST_TOKENS}
   * @throws IllegalStateException when the model is closed
   */
  public float[] embed(int[] tokens) throws InterruptedException {
    try {
      return workers.invokeAll(List.<Callable<float[]>>of(() -> run(tokens))).getFirst().get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("The local embedding model failed.", e.getCause());
    } catch (RejectedExecutionException e) {
      throw new IllegalStateException("The local embedding model is closed.", e);
    }
  }

  /** Waits for running texts and frees the memory. */
  @Override
  public void close() {
    workers.close();
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Computes one text at a time, because the quantised model scales by the largest value of its
   * input. In a batch a text's vector would depend on the other texts.
   */
  private float[] run(int[] tokens) throws OrtException {
    long[] ones = new long[tokens.length];
    Arrays.fill(ones, 1);
    try (OnnxTensor ids = tensor(Arrays.stream(tokens).asLongStream().toArray());
        OnnxTensor mask = tensor(ones);
        OnnxTensor types = tensor(new long[tokens.length]);
        OrtSession.Result result =
            session.run(
                Map.of("input_ids", ids, "attention_mask", mask, "token_type_ids", types))) {
      return normalised(mean(((float[][][]) result.get(0).getValue())[0]));
    }
  }

  private OnnxTensor tensor(long[] values) throws OrtException {
    return OnnxTensor.createTensor(environment, new long[][] {values});
  }

  private static float[] mean(float[][] states) {
    float[] mean = new float[DIMENSIONS];
    for (float[] state : states) {
      for (int i = 0; i < DIMENSIONS; i++) {
        mean[i] += state[i] / states.length;
      }
    }
    return mean;
  }

  private static float[] normalised(float[] vector) {
    double squares = 0;
    for (float value : vector) {
      squares += (double) value * value;
    }
    double length = Math.sqrt(squares);
    for (int i = 0; i < vector.length; i++) {
      vector[i] = (float) (vector[i] / length);
    }
    return vector;
  }

  static Map<String, Integer> vocabulary() throws IOException {
    JsonNode pieces = Json.parse(resource(TOKENIZER)).path("model").path("vocab");
    Map<String, Integer> vocabulary = new HashMap<>();
    pieces
        .properties()
        .forEach(piece -> vocabulary.put(piece.getKey(), piece.getValue().intValue()));
    return vocabulary;
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream resource = EmbeddingModel.class.getResourceAsStream(name)) {
      if (resource == null) {
        throw new IOException(name + " is not on the class path.");
      }
      return resource.readAllBytes();
    }
  }
}
