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
 * Byte-level byte-pair encoding, as the model was trained with: text ⇄ token ids.
 *
 * <p>{@link #encode} never gives a control token, whatever the text: those come from {@link
 * #control} alone, so that no user text can end a message or open another.
 */
final class Tokenizer {
  /**
   * How text falls into words before bytes are merged: GPT-2's pattern, and each digit on its own
   * ({@code "tokenizer.ggml.pre": "smollm"}). In the original, digits are cut out in a pass of
   * their own; here the look-ahead lets white space end before a digit as it does before the end.
   */
  private static final Pattern WORD =
      Pattern.compile(
          "'(?:[sdmt]|ll|ve|re)|\\p{N}| ?\\p{L}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?![^\\s\\p{N}])|\\s+",
          Pattern.UNICODE_CHARACTER_CLASS);

  private static final int CONTROL_TYPE = 3; // of tokenizer.ggml.token_type
  private static final int NONE = -1;

  private final Map<String, Integer> ids = new HashMap<>();
  private final byte[][] tokenBytes; // null for a control token
  private final int[] idsOfBytes = new int[256]; // NONE where the vocabulary lacks the byte
  private final Map<Long, Integer> mergeRanks = new HashMap<>(); // by pair(left id, right id)
  private final int[] mergedIds; // by rank

  /**
   * @param tokens the vocabulary, written in GPT-2's alphabet; the index is the id
   * @param types what each token is; 3 stands for a control token
   * @param merges pairs to join, the most important first, each as "left right"
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
   * The ids of a text. A few bytes that occur in no ordinary text are not in the model's vocabulary
   * and are left out, as the original tokenizer does.
   */
  int[] encode(String text) {
    IntStream.Builder encoded = IntStream.builder();
    Matcher words = WORD.matcher(text);
    while (words.find()) {
      encodeWord(words.group().getBytes(StandardCharsets.UTF_8), encoded);
    }
    return encoded.build().toArray();
  }

  /**
   * The UTF-8 bytes a token stands for, perhaps cut within a character; none for control tokens.
   */
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
   * Joins the best-ranked pair, leftmost first, until none is left. A heap of candidates keeps a
   * long word (which a hostile client may send) at n log n.
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
    PriorityQueue<Long> candidates = new PriorityQueue<>(); // rank, then position of the left one
    for (int i = 0; i + 1 < end; i++) {
      offer(candidates, symbols, i, i + 1);
    }
    while (!candidates.isEmpty()) {
      long candidate = candidates.remove();
      int rank = (int) (candidate >>> 32);
      int left = (int) candidate;
      int right = next[left];
      if (symbols[left] == NONE || right == end || rank(symbols, left, right) != rank) {
        continue; // an earlier merge took one of the two
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
