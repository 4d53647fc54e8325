package dev.llmproxy.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerTest {
  private static final int DRAWS = 20_000;

  @Test
  void temperatureZeroTakesTheMostLikelyToken() {
    assertThat(new Sampler(options(0, 1)).choose(new float[] {1, 3, 2, 3})).isEqualTo(1);
  }

  @Test
  void choiceFollowsTheProbabilities() {
    double[] shares = shares(options(1, 1), logarithms(0.1, 0.6, 0.3));

    assertThat(shares).containsExactly(new double[] {0.1, 0.6, 0.3}, within(0.02));
  }

  @Test
  void topPLimitsTheChoiceToTheMostLikelyTokens() {
    double[] shares = shares(options(1, 0.7), logarithms(0.1, 0.6, 0.3));

    assertThat(shares).containsExactly(new double[] {0, 0.667, 0.333}, within(0.02));
  }

  @Test
  void lowTemperatureFavoursLikelyTokens() {
    double[] shares = shares(options(0.5, 1), logarithms(0.2, 0.8));

    assertThat(shares).containsExactly(new double[] {0.0588, 0.9412}, within(0.02));
  }

  @ParameterizedTest
  @CsvSource({"-0.1, 1, 1", "2.1, 1, 1", "NaN, 1, 1", "1, 0, 1", "1, 1.1, 1", "1, 1, 0"})
  void optionsOutOfRangeAreRejected(double temperature, double topP, int maxTokens) {
    assertThatThrownBy(() -> new SamplingOptions(temperature, topP, null, maxTokens, List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must be");
  }

  private static SamplingOptions options(double temperature, double topP) {
    return new SamplingOptions(temperature, topP, 7L, 1, List.of());
  }

  private static float[] logarithms(double... shares) {
    float[] scores = new float[shares.length];
    for (int i = 0; i < shares.length; i++) {
      scores[i] = (float) Math.log(shares[i]) + 5;
    }
    return scores;
  }

  private static double[] shares(SamplingOptions options, float[] scores) {
    Sampler sampler = new Sampler(options);
    double[] shares = new double[scores.length];
    for (int i = 0; i < DRAWS; i++) {
      shares[sampler.choose(scores)] += 1.0 / DRAWS;
    }
    return shares;
  }
}
