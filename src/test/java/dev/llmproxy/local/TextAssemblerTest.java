package dev.llmproxy.local;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TextAssemblerTest {
  @Test
  void incompleteCharacterIsDelayed() {
    TextAssembler text = new TextAssembler(List.of());
    byte[] smile = "😀".getBytes(UTF_8);

    assertThat(text.append(new byte[] {'a', smile[0], smile[1]})).isEqualTo("a");
    assertThat(text.append(new byte[] {smile[2]})).isEmpty();
    assertThat(text.append(new byte[] {smile[3], 'b'})).isEqualTo("😀b");
  }

  @Test
  void incompleteCharacterAtTheEndIsDropped() {
    TextAssembler text = new TextAssembler(List.of());

    assertThat(text.append(new byte[] {'a', (byte) 0xF0})).isEqualTo("a");
    assertThat(text.rest()).isEmpty();
  }

  @Test
  void invalidBytesAreReplaced() {
    TextAssembler text = new TextAssembler(List.of());

    assertThat(text.append(new byte[] {'a', (byte) 0xBF, 'b'})).isEqualTo("a\uFFFDb");
  }

  @Test
  void stopAcrossTokensIsFound() {
    TextAssembler text = new TextAssembler(List.of("END", "\n\n"));

    assertThat(append(text, "one E")).isEqualTo("one ");
    assertThat(append(text, "N")).isEmpty();
    assertThat(append(text, "D two")).isEmpty();
    assertThat(text.stopped()).isTrue();
  }

  @Test
  void startOfAStopIsReturnedWhenTheStopDoesNotFollow() {
    TextAssembler text = new TextAssembler(List.of("aab"));

    assertThat(append(text, "aa")).isEmpty();
    assertThat(append(text, "a")).isEqualTo("a");
    assertThat(append(text, "c")).isEqualTo("aac");
    assertThat(append(text, "a")).isEmpty();
    assertThat(text.rest()).isEqualTo("a");
    assertThat(text.stopped()).isFalse();
  }

  @Test
  void firstOfSeveralStopsEndsTheText() {
    TextAssembler text = new TextAssembler(List.of("two", "one"));

    assertThat(append(text, "zero one two")).isEqualTo("zero ");
    assertThat(text.stopped()).isTrue();
  }

  private static String append(TextAssembler text, String token) {
    return text.append(token.getBytes(UTF_8));
  }
}
