package dev.llmproxy.local;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ArithmeticTest {
  @Test
  void exponentialIsCloseToTheExactValue() {
    for (float x = -87; x <= 88; x += 0.0137f) {
      float exact = (float) StrictMath.exp(x);
      assertThat(Math.abs(Arithmetic.exp(x) - exact)).isLessThanOrEqualTo(2 * Math.ulp(exact));
    }
  }

  @Test
  void exponentialIsFiniteAtTheEnds() {
    assertThat(Arithmetic.exp(Float.NEGATIVE_INFINITY)).isZero();
    assertThat(Arithmetic.exp(1e30f)).isFinite();
    assertThat(Arithmetic.exp(0)).isOne();
  }
}
