package dev.llmproxy.local.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The expected cosines are from Python's onnxruntime and tokenizers with the same weights. */
class EmbeddingModelTest {
  private static EmbeddingModel model;

  @BeforeAll
  static void load() throws IOException {
    model = EmbeddingModel.load();
  }

  @AfterAll
  static void close() {
    model.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          cat                    | kitten                     |  0.776
          cat                    | tax                        |  0.365
          The cat sleeps         | A kitten is sleeping       |  0.795
          The cat sleeps         | Income tax is due in April | -0.004
          A cat sits on the mat. | A kitten is on the rug.    |  0.605
          """)
  void cosineMeasuresSimilarMeaning(String one, String other, double cosine) {
    assertThat(product(vector(one), vector(other))).isCloseTo(cosine, within(0.02));
  }

  @Test
  void vectorsHaveUnitLength() {
    float[] vector = vector("The capital of France is Paris.");

    assertThat(vector).hasSize(EmbeddingModel.DIMENSIONS);
    assertThat(product(vector, vector)).isCloseTo(1, within(1e-6));
  }

  @Test
  void textWithTheMostTokensIsAccepted() {
    assertThat(vector("cat ".repeat(EmbeddingModel.MOST_TOKENS - 2))).isNotEmpty();
  }

  @Test
  void threadsCanShareAModel() {
    List<String> texts =
        IntStream.range(0, 200)
            .mapToObj(i -> "text number " + i + " of many".repeat(i % 7))
            .toList();
    List<float[]> oneByOne = texts.stream().map(EmbeddingModelTest::vector).toList();

    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<CompletableFuture<float[]>> atOnce =
          texts.stream()
              .map(text -> CompletableFuture.supplyAsync(() -> vector(text), threads))
              .toList();
      for (int i = 0; i < texts.size(); i++) {
        assertThat(atOnce.get(i).join()).containsExactly(oneByOne.get(i));
      }
    }
  }

  private static float[] vector(String text) {
    try {
      return model.embed(model.tokens(text));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static double product(float[] one, float[] other) {
    return IntStream.range(0, one.length).mapToDouble(i -> (double) one[i] * other[i]).sum();
  }
}
