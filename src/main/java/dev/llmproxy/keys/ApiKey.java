package dev.llmproxy.keys;

import dev.llmproxy.base.Sha256;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The forms of an API key: in clear when it is created, as a sha256 in memory, and masked with its
 * hash in the sheet.
 */
public final class ApiKey {
  private static final String ALPHABET =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  private static final int RANDOM_CHARACTERS = 48;
  private static final Pattern HASHED = Pattern.compile(".*\\bsha256:([0-9a-fA-F]{64})\\s*");
  private static final Pattern CLEAR = Pattern.compile("[\\x21-\\x7e]{8,512}");

  private ApiKey() {}

  /** A new key: {@code sk-} and 48 random letters and digits, which are 285 bits. */
  public static String generate(SecureRandom random) {
    StringBuilder key = new StringBuilder("sk-");
    for (int i = 0; i < RANDOM_CHARACTERS; i++) {
      key.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
    }
    return key.toString();
  }

  /** Lower-case hex sha256 of the key's UTF-8 bytes. */
  public static String hash(String key) {
    return Sha256.hex(key);
  }

  /** The masked form, enough to recognise a key, e.g. {@code sk-Ab1…x9Yz}. */
  public static String mask(String key) {
    return key.length() < 16 ? "…" : key.substring(0, 6) + "…" + key.substring(key.length() - 4);
  }

  /**
   * The cell of a new key in the sheet: its masked form and its hash, e.g. {@code sk-Ab1…x9Yz
   * sha256:0f3a…}.
   */
  public static String cell(String key) {
    return mask(key) + " sha256:" + hash(key);
  }

  /** A cell as it may be shown: a key in clear is masked, and the hash of a hashed key removed. */
  public static String shown(String cell) {
    Matcher hashed = HASHED.matcher(cell);
    return hashed.matches()
        ? cell.substring(0, cell.indexOf("sha256:")).strip()
        : mask(cell.strip());
  }

  /**
   * The hash of the key in a cell that contains it in clear or in the form of {@link #cell}; empty
   * for other cells.
   */
  public static Optional<String> hashOfCell(String cell) {
    Matcher hashed = HASHED.matcher(cell);
    if (hashed.matches()) {
      return Optional.of(hashed.group(1).toLowerCase(java.util.Locale.ROOT));
    }
    String clear = cell.strip();
    return CLEAR.matcher(clear).matches() ? Optional.of(hash(clear)) : Optional.empty();
  }
}
