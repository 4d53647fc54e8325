package dev.llmproxy.local;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Converts text to token ids and back, with the byte-level byte-pair encoding of the model.
 *
 * <p>{@link #encode} never returns a control token, whatever the text. Only {@link #control}
 * returns them, so that no user text can end a message or begin another.
 */
final class Tokenizer {
  /**
   * Splits text into words before bytes are merged: GPT-2's pattern, and each digit as a word
   * ({@code "tokenizer.ggml.pre": "smollm"}). The original splits at digits in a separate pass.
   * Here the look-ahead ends white space before a digit as at the end of the text.
   */
  private static final Pattern WORD =
      Pattern.compile(
          "'(?:[sdmt]|ll|ve|re)|\\p{N}| ?\\p{L}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?![^\\s\\p{N}])|\\s+",
          Pattern.UNICODE_CHARACTER_CLASS);

  private static final int CONTROL_TYPE = 3; // of tokenizer.ggml.token_type
  private static final int NONE = -1;

  private final Map<String, Integer> ids = new HashMap<>();
  private final byte[][] tokenBytes; // null for a control token
  private final int[] idsOfBytes = new int[256]; // NONE if the byte is not in the vocabulary
  private final Map<Long, Integer> mergeRanks = new HashMap<>(); // by pair(left id, right id)
  private final int[] mergedIds; // by rank

  /**
   * @param tokens the vocabulary in GPT-2's alphabet; the index is the id
   * @param types the type of each token; 3 is a control token
   * @param merges the pairs to join as "left right", in the order of their rank
   */
  Tokenizer(List<String> tokens, int[] types, List<String> merges) {
    String alphabet = alphabet();
    tokenBytes = new byte[tokens.size()][];
    for (int id = 0; id < tokens.size(); id++) {
      ids.put(tokens.get(id), id);
      tokenBytes[id] = types[id] == CONTROL_TYPE ? null : bytesOf(tokens.get(id), alphabet);
    }
    for (int value = 0; value < 256; value++) {
      idsOfBytes[value] = ids.getOrDefault(alphabet.substring(value, value + 1), NONE);
    }
    mergedIds = new int[merges.size()];
    for (int rank = 0; rank < merges.size(); rank++) {
      String merge = merges.get(rank);
      int space = merge.indexOf(' ');
      String left = merge.substring(0, space);
      String right = merge.substring(space + 1);
      mergeRanks.put(pair(ids.get(left), ids.get(right)), rank);
      mergedIds[rank] = ids.get(left + right);
    }
  }

  /**
   * The ids of a text. A few bytes are not in the model's vocabulary; they are left out, as in the
   * original tokenizer. Ordinary text does not contain them.
   */
  int[] encode(String text) {
    IntStream.Builder encoded = IntStream.builder();
    Matcher words = WORD.matcher(text);
    while (words.find()) {
      encodeWord(words.group().getBytes(StandardCharsets.UTF_8), encoded);
    }
    return encoded.build().toArray();
  }

  /** The UTF-8 bytes of a token, possibly an incomplete character; none for control tokens. */
  byte[] bytes(int id) {
    return isControl(id) ? new byte[0] : tokenBytes[id].clone();
  }

  boolean isControl(int id) {
    return tokenBytes[id] == null;
  }

  /** The id of a control token such as {@code <|im_start|>}. */
  int control(String token) {
    int id = ids.get(token);
    if (!isControl(id)) {
      throw new IllegalArgumentException(token + " is not a control token");
    }
    return id;
  }

  /**
   * Joins the pair with the best rank, leftmost first, until no pair is left. A heap of candidates
   * limits the time for a long word, which a hostile client may send, to n log n.
   */
  private void encodeWord(byte[] word, IntStream.Builder encoded) {
    int[] symbols = new int[word.length];
    int length = 0;
    for (byte value : word) {
      int id = idsOfBytes[value & 0xFF];
      if (id != NONE) {
        symbols[length++] = id;
      }
    }
    int end = length;
    int[] previous = IntStream.range(0, end).map(i -> i - 1).toArray();
    int[] next = IntStream.range(0, end).map(i -> i + 1).toArray();
    PriorityQueue<Long> candidates = new PriorityQueue<>(); // rank, then position of the left token
    for (int i = 0; i + 1 < end; i++) {
      offer(candidates, symbols, i, i + 1);
    }
    while (!candidates.isEmpty()) {
      long candidate = candidates.remove();
      int rank = (int) (candidate >>> 32);
      int left = (int) candidate;
      int right = next[left];
      if (symbols[left] == NONE || right == end || rank(symbols, left, right) != rank) {
        continue; // an earlier merge has used one of the two
      }
      symbols[left] = mergedIds[rank];
      symbols[right] = NONE;
      next[left] = next[right];
      if (next[left] != end) {
        previous[next[left]] = left;
        offer(candidates, symbols, left, next[left]);
      }
      if (previous[left] != NONE) {
        offer(candidates, symbols, previous[left], left);
      }
    }
    Arrays.stream(symbols, 0, end).filter(id -> id != NONE).forEach(encoded::add);
  }

  private void offer(PriorityQueue<Long> candidates, int[] symbols, int left, int right) {
    int rank = rank(symbols, left, right);
    if (rank != NONE) {
      candidates.add(((long) rank << 32) | left);
    }
  }

  private int rank(int[] symbols, int left, int right) {
    return mergeRanks.getOrDefault(pair(symbols[left], symbols[right]), NONE);
  }

  private static long pair(int left, int right) {
    return ((long) left << 32) | right;
  }

  private static byte[] bytesOf(String token, String alphabet) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) alphabet.indexOf(token.charAt(i));
    }
    return bytes;
  }

  /** GPT-2's character for each byte: itself when printable, else the next one from U+0100 on. */
  private static String alphabet() {
    StringBuilder alphabet = new StringBuilder();
    char stand = 0x100;
    for (char value = 0; value < 256; value++) {
      boolean printable = (value > ' ' && value <= '~') || (value > 0xA0 && value != 0xAD);
      alphabet.append(printable ? value : stand++);
    }
    return alphabet.toString();
  }
}
