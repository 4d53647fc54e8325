package dev.llmproxy.local;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the tests find the weights. */
final class ModelFile {
  private ModelFile() {}

  /**
   * The file that the system property or environment variable {@code LOCAL_MODEL_FILE} names, else
   * the one in {@code models/}.
   *
   * @throws AssertionError when it is missing: tests of the model are never skipped silently
   */
  static Path path() {
    String named = System.getProperty("LOCAL_MODEL_FILE", System.getenv("LOCAL_MODEL_FILE"));
    Path path = Path.of(named != null ? named : "models/SmolLM2-135M-Instruct.Q4_1.gguf");
    if (!Files.isRegularFile(path)) {
      throw new AssertionError(path.toAbsolutePath() + " is missing: run scripts/fetch-model");
    }
    return path;
  }
}
