package dev.llmproxy.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/** Scores have the same bits for every division of the work and on every machine. */
class TransformerTest {
  private static final int CONTEXT = 512;
  private static final int[] PROMPT = IntStream.range(0, 270).map(i -> 100 + i * 37).toArray();

  /** Checked on JDK 21 and 25, each with AVX-512, with AVX2 and without AVX. */
  private static final long SUM_OF_32_STEPS = 1590407574L;

  @Test
  void scoresDoNotDependOnBatchesOrThreads() throws Exception {
    try (FileChannel channel = FileChannel.open(ModelFile.path());
        Workers one = new Workers(1);
        Workers three = new Workers(3)) {
      GgufFile file = new GgufFile(channel);
      Transformer alone = new Transformer(file, CONTEXT, one);
      Transformer shared = new Transformer(file, CONTEXT, three);

      float[] scores = scoresInBatches(alone, 32);

      assertThat(scoresInBatches(alone, 1)).isEqualTo(scores);
      assertThat(scoresInBatches(shared, 96)).isEqualTo(scores);
      assertThat(scoresInBatches(shared, 41)).isEqualTo(scores);
    }
  }

  @Test
  void scoresAreTheSameOnEveryMachine() throws Exception {
    try (FileChannel channel = FileChannel.open(ModelFile.path());
        Workers one = new Workers(1)) {
      Transformer transformer = new Transformer(new GgufFile(channel), CONTEXT, one);
      Sampler greedy = new Sampler(new SamplingOptions(0, 1, null, 1, List.of()));
      KeyValueCache cache = transformer.newCache();
      CRC32 sum = new CRC32();
      int token = PROMPT[0];
      for (int step = 0; step < 32; step++) {
        float[] scores = transformer.scores(transformer.advance(new int[] {token}, 0, 1, cache));
        ByteBuffer bytes = ByteBuffer.allocate(scores.length * Float.BYTES);
        bytes.asFloatBuffer().put(scores);
        sum.update(bytes);
        token = greedy.choose(scores);
      }
      assertThat(sum.getValue()).isEqualTo(SUM_OF_32_STEPS);
    }
  }

  private static float[] scoresInBatches(Transformer transformer, int size) {
    KeyValueCache cache = transformer.newCache();
    float[] state = new float[0];
    for (int from = 0; from < PROMPT.length; from += size) {
      int to = Math.min(from + size, PROMPT.length);
      state = transformer.advance(PROMPT, from, to, cache);
    }
    return transformer.scores(state);
  }
}
