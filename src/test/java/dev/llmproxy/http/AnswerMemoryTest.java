package dev.llmproxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.llmproxy.error.ApiException;
import org.junit.jupiter.api.Test;

class AnswerMemoryTest {
  private static final long MEGABYTE = 1 << 20;

  private final AnswerMemory memory = new AnswerMemory(10 * MEGABYTE);

  @Test
  void smallAnswersAreNotCounted() {
    for (int i = 0; i < 100_000; i++) {
      memory.open().keep(64 << 10);
    }

    assertThat(memory.taken()).isZero();
  }

  @Test
  void answersOverTheSharedLimitAreRefused() {
    AnswerMemory.Share one = memory.open();
    AnswerMemory.Share other = memory.open();
    one.keep(6 * MEGABYTE);

    assertThatThrownBy(() -> other.keep(6 * MEGABYTE))
        .isInstanceOfSatisfying(
            ApiException.class, e -> assertThat(e.error().status()).isEqualTo(503));
    one.close();
    memory.open().keep(9 * MEGABYTE);
  }

  @Test
  void smallPiecesAreRefusedAtTheSameLimit() {
    AnswerMemory.Share share = memory.open();
    for (int i = 0; i < 10 * 1024; i++) {
      share.keep(1024);
    }

    assertThatThrownBy(() -> share.keep(200 * 1024)).isInstanceOf(ApiException.class);
    assertThat(memory.taken()).isLessThanOrEqualTo(10 * MEGABYTE);
  }

  @Test
  void writtenEventsAreReleasedExceptForUnsentBytes() {
    AnswerMemory.Share share = memory.open();
    for (int i = 0; i < 100; i++) {
      share.pass(4 * MEGABYTE);
      share.pass(4 * MEGABYTE);
      share.passed();
      assertThat(memory.taken()).isEqualTo(2 * MEGABYTE - 64 * 1024);
    }
    share.passed();

    assertThat(memory.taken()).isZero();
  }

  @Test
  void closedSharesTakeNothing() {
    AnswerMemory.Share share = memory.open();
    share.keep(8 * MEGABYTE);
    share.close();
    share.close();
    share.keep(8 * MEGABYTE);

    assertThat(memory.taken()).isZero();
  }

  @Test
  void refusedSharesHoldNothingAfterClosing() {
    AnswerMemory.Share share = memory.open();
    share.keep(6 * MEGABYTE);
    assertThatThrownBy(() -> share.pass(6 * MEGABYTE)).isInstanceOf(ApiException.class);
    share.passed();
    share.close();

    assertThat(memory.taken()).isZero();
  }
}
