package dev.llmproxy.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import org.junit.jupiter.api.Test;

class CausesTest {
  private final ConnectException last = new ConnectException("refused");
  private final IOException middle = new IOException(last);
  private final RuntimeException first = new RuntimeException(middle);

  @Test
  void causesStartWithTheExceptionItself() {
    assertThat(Causes.of(first)).containsExactly(first, middle, last);
    assertThat(Causes.root(first)).isEqualTo(last);
    assertThat(Causes.root(last)).isEqualTo(last);
  }

  @Test
  void firstCauseOfATypeOrItsSubclassIsFound() {
    assertThat(Causes.find(first, IOException.class)).hasValue(middle);
    assertThat(Causes.find(first, ConnectException.class)).hasValue(last);
    assertThat(Causes.find(first, IllegalStateException.class)).isEmpty();
  }

  @Test
  void circularCausesEnd() {
    Exception one = new Exception("one");
    Exception two = new Exception("two", one);
    one.initCause(two);

    assertThat(Causes.find(one, IOException.class)).isEmpty();
    assertThat(Causes.root(one)).isIn(one, two);
  }
}
