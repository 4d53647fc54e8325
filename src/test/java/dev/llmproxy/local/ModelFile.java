package dev.llmproxy.local;

import java.nio.file.Files;
import java.nio.file.Path;

/** The file with the weights for tests. */
final class ModelFile {
  private ModelFile() {}

  /**
   * The file in the system property or environment variable {@code LOCAL_MODEL_FILE}, else the file
   * in {@code models/}.
   *
   * @throws AssertionError when the file is missing, because tests of the model must not be skipped
   *     silently
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
