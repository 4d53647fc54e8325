package dev.llmproxy.local.embedding;

import java.text.Normalizer;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * BERT's uncased WordPiece: text in lower case without accents is split at white space, punctuation
 * and Chinese characters, and each word into the longest pieces in the vocabulary. Marks such as
 * {@code [SEP]} in a text are plain text.
 */
final class WordPiece {
  private static final int MOST_CHARACTERS_PER_WORD = 100;

  private final Map<String, Integer> vocabulary;
  private final int unknown;

  /**
   * @param vocabulary the number of each piece; a piece inside a word starts with {@code ##}
   */
  WordPiece(Map<String, Integer> vocabulary) {
    this.vocabulary = Map.copyOf(vocabulary);
    unknown = this.vocabulary.get("[UNK]");
  }

  /** The numbers of the text's pieces, between those of {@code [CLS]} and {@code [SEP]}. */
  int[] tokens(String text) {
    IntStream.Builder tokens = IntStream.builder();
    tokens.add(vocabulary.get("[CLS]"));
    for (String word : spaced(text).split(" ", -1)) {
      if (!word.isEmpty()) {
        pieces(word).forEach(tokens);
      }
    }
    tokens.add(vocabulary.get("[SEP]"));
    return tokens.build().toArray();
  }

  /** The text in lower case without accents, with a space between words. */
  private static String spaced(String text) {
    StringBuilder spaced = new StringBuilder(text.length() + 16);
    Normalizer.normalize(text, Normalizer.Form.NFD)
        .codePoints()
        .filter(character -> Character.getType(character) != Character.NON_SPACING_MARK)
        .forEach(character -> {
          if (space(character)) {
            spaced.append(' ');
          } else if (!ignored(character)) {
            boolean alone = punctuation(character) || chinese(character);
            spaced.append(alone ? " " : "");
            spaced.appendCodePoint(Character.toLowerCase(character));
            spaced.append(alone ? " " : "");
          }
        });
    return spaced.toString();
  }

  private IntStream pieces(String word) {
    IntStream.Builder pieces = IntStream.builder();
    if (word.codePointCount(0, word.length()) > MOST_CHARACTERS_PER_WORD) {
      return IntStream.of(unknown);
    }
    for (int start = 0, end; start < word.length(); start = end) {
      end = word.length();
      Integer piece = piece(word, start, end);
      while (piece == null) {
        end = word.offsetByCodePoints(end, -1);
        if (end == start) {
          // One missing piece makes the whole word unknown.
          return IntStream.of(unknown);
        }
        piece = piece(word, start, end);
      }
      pieces.add(piece);
    }
    return pieces.build();
  }

  private Integer piece(String word, int start, int end) {
    return vocabulary.get((start > 0 ? "##" : "") + word.substring(start, end));
  }

  private static boolean space(int character) {
    return character == '\t'
        || character == '\n'
        || character == '\r'
        || Character.getType(character) == Character.SPACE_SEPARATOR
        || Character.getType(character) == Character.LINE_SEPARATOR
        || Character.getType(character) == Character.PARAGRAPH_SEPARATOR;
  }

  private static boolean ignored(int character) {
    return character == 0xFFFD
        || switch (Character.getType(character)) {
          case Character.CONTROL,
              Character.FORMAT,
              Character.SURROGATE,
              Character.PRIVATE_USE,
              Character.UNASSIGNED ->
              true;
          default -> false;
        };
  }

  /** ASCII characters other than letters and digits, and Unicode's punctuation. */
  private static boolean punctuation(int character) {
    if (character > ' ' && character < 0x7F) {
      return !Character.isLetterOrDigit(character);
    }
    return switch (Character.getType(character)) {
      case Character.CONNECTOR_PUNCTUATION,
          Character.DASH_PUNCTUATION,
          Character.START_PUNCTUATION,
          Character.END_PUNCTUATION,
          Character.INITIAL_QUOTE_PUNCTUATION,
          Character.FINAL_QUOTE_PUNCTUATION,
          Character.OTHER_PUNCTUATION ->
          true;
      default -> false;
    };
  }

  /** BERT's list: the blocks of CJK ideographs, without kana and hangul. */
  private static boolean chinese(int character) {
    return (character >= 0x4E00 && character <= 0x9FFF)
        || (character >= 0x3400 && character <= 0x4DBF)
        || (character >= 0x20000 && character <= 0x2A6DF)
        || (character >= 0x2A700 && character <= 0x2CEAF)
        || (character >= 0xF900 && character <= 0xFAFF)
        || (character >= 0x2F800 && character <= 0x2FA1F);
  }
}
