package dev.llmproxy.local.embedding;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The expected numbers are from Hugging Face's tokenizers 0.23 with the model's file. */
class WordPieceTest {
  private static WordPiece wordPiece;

  @BeforeAll
  static void readTheVocabulary() throws IOException {
    wordPiece = new WordPiece(EmbeddingModel.vocabulary());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      ignoreLeadingAndTrailingWhitespace = true,
      textBlock =
          """
          cat                      | 4937
          Hello, World!            | 7592 1010 2088 999
          unaffable embeddings     | 14477 20961 3468 7861 8270 4667 2015
          don't stop               | 2123 1005 1056 2644
          a_b-c/d                  | 1037 1035 1038 1011 1039 1013 1040
          12345 3.14               | 13138 19961 1017 1012 2403
          Crème brûlée             | 13675 21382 7987 9307 2063
          ÀÉÎÕÜ ñ                  | 29347 3695 2226 1050
          İstanbul                 | 9960
          Straße                   | 2358 27807
          «quoted» “smart” …       | 1077 9339 1090 1523 6047 1524 1529
          €5 ±1 ©                  | 1574 2629 1081 2487 1075
          e=mc²                    | 1041 1027 11338 10701
          ﬁne                      | 1984 2638
          ΟΔΥΣΣΕΥΣ                 | 1169 29722 29735 29733 29733 29723 29735 29733
          مرحبا                    | 1295 17149 29820 29816 25573
          हिन्दी                     | 1339 29877 29863 29861 29878
          한국어                    | 1469 30006 30021 29991 30014 30020 29999 30008
          東京は日本                 | 1879 1755 1672 1864 1876
          漢字kanji                 | 1904 100 22827 4478
          𠀀字                      | 100 100
          😀 smile                  | 100 2868
          """)
  void tokensMatchTheReference(String text, String expected) {
    assertThat(tokens(text)).isEqualTo("101 " + expected + " 102");
  }

  @Test
  void whiteSpaceSeparatesAndControlCharactersAreRemoved() {
    assertThat(tokens("")).isEqualTo("101 102");
    assertThat(tokens(" ")).isEqualTo("101 102");
    assertThat(tokens("tab\tline\nend\r")).isEqualTo("101 21628 2240 2203 102");
    assertThat(tokens("non\u00a0breaking\u3000space")).isEqualTo("101 2512 4911 2686 102");
    assertThat(tokens("x\u2028y")).isEqualTo("101 1060 1061 102");
    assertThat(tokens("x\u0000y\ufffdz")).isEqualTo("101 1060 2100 2480 102");
    assertThat(tokens("zero\u200bwidth")).isEqualTo("101 5717 9148 11927 2232 102");
    assertThat(tokens("tab\u000bvt\fff")).isEqualTo("101 21628 2615 24475 2546 102");
    assertThat(tokens("caf\u00e9\u0301")).isEqualTo(tokens("cafe"));
  }

  @Test
  void wordOfMoreThanAHundredCharactersIsUnknown() {
    assertThat(wordPiece.tokens("a".repeat(100))).hasSize(52);
    assertThat(tokens("a".repeat(101))).isEqualTo("101 100 102");
  }

  /** A user's text must not end the sequence early. */
  @Test
  void marksOfTheModelInAUsersTextArePlainText() {
    assertThat(wordPiece.tokens("[SEP]")).hasSize(5).startsWith(101, 1031).endsWith(1033, 102);
  }

  private static String tokens(String text) {
    return Arrays.stream(wordPiece.tokens(text))
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(" "));
  }
}
