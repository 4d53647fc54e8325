package dev.llmproxy.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShownTextTest {
  @ParameterizedTest
  @CsvSource({"abc, 3, abc", "abcd, 3, abc…", "ab😀, 4, ab😀", "ab😀d, 3, ab…", "ab😀d, 4, ab😀…"})
  void longTextIsCutBetweenCharacters(String text, int most, String shown) {
    assertThat(ShownText.cut(text, most)).isEqualTo(shown);
  }

  @Test
  void markOfACutCanBeChosen() {
    assertThat(ShownText.cut("abcd", 3, " (more)")).isEqualTo("abc (more)");
  }

  @Test
  void controlCharactersAreEscapedAndNoEscapeIsCut() {
    assertThat(ShownText.oneLine("a\tb\r\nc\u001b[1m\u202ed é😀\u200d", 100))
        .isEqualTo("a\\tb\\r\\nc\\u001b[1m\\u202ed é😀\u200d");
    assertThat(ShownText.oneLine("ab\u001bc", 3)).isEqualTo("ab\\u001b");
  }

  @Test
  void controlCharactersAreInvisibleAndJoinersAreInvisibleButNoControls() {
    assertThat(IntStream.rangeClosed(0, 0xffff).filter(sign -> ShownText.isControl((char) sign)))
        .allMatch(ShownText::invisible)
        .hasSize(65 + 7 + 4 + 2);
    assertThat("aé語 \u200d")
        .matches(text -> text.chars().noneMatch(c -> ShownText.isControl((char) c)));
    assertThat(ShownText.invisible(0x200d)).isTrue();
    assertThat("aé語 😀").matches(text -> text.codePoints().noneMatch(ShownText::invisible));
  }
}
