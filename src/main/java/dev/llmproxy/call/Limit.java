package dev.llmproxy.call;

import dev.llmproxy.base.SettingsReader;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * An upper bound for what a key may use. Equal when the bounds are.
 *
 * @param most the bound, at least 0; null for no limit
 */
public record Limit(BigDecimal most) {
  /** No limit. */
  public static final Limit UNLIMITED = new Limit(null);

  /** Nothing is allowed. */
  public static final Limit NOTHING = new Limit(BigDecimal.ZERO);

  private static final Pattern NUMBER = Pattern.compile("\\d{1,18}(\\.\\d{1,12})?");
  // 1,000 or 1'000 or 1 000.
  private static final Pattern GROUPED = Pattern.compile("\\d{1,3}([,' ’]\\d{3})+(\\.\\d{1,12})?");
  private static final Pattern GAPS = Pattern.compile("[,' ’]");
  // Amounts beyond it do not fit into 64 bits as 10^-12 dollars.
  private static final BigDecimal MOST_DOLLARS = BigDecimal.valueOf(9_000_000);
  private static final BigDecimal MOST_COUNT = BigDecimal.valueOf(1_000_000_000_000L);

  public Limit {
    most = most == null ? null : most.signum() == 0 ? BigDecimal.ZERO : most.stripTrailingZeros();
  }

  public static Limit of(long most) {
    return new Limit(BigDecimal.valueOf(most));
  }

  /**
   * Reads a number of requests or tokens.
   *
   * @param cell not blank: a whole number up to a million millions, or {@code unlimited}
   * @return empty when the cell is neither
   */
  public static Optional<Limit> ofCount(String cell) {
    return read(cell)
        .filter(limit -> limit.most == null || limit.most.compareTo(MOST_COUNT) <= 0)
        .filter(limit -> limit.most == null || limit.most.stripTrailingZeros().scale() <= 0);
  }

  /**
   * Reads an amount of US dollars.
   *
   * @param cell not blank: a number up to 9,000,000 with at most twelve decimals, with {@code $} or
   *     {@code USD} if you like, or {@code unlimited}
   * @return empty when the cell is neither
   */
  public static Optional<Limit> ofDollars(String cell) {
    String bare = cell.strip().replaceFirst("^\\$\\s*|\\s*(\\$|(?i)USD)$", "");
    return read(bare)
        .filter(limit -> limit.most == null || limit.most.compareTo(MOST_DOLLARS) <= 0);
  }

  private static Optional<Limit> read(String cell) {
    String text = cell.strip();
    if (text.toLowerCase(Locale.ROOT).equals(SettingsReader.UNLIMITED)) {
      return Optional.of(UNLIMITED);
    }
    String plain = GROUPED.matcher(text).matches() ? GAPS.matcher(text).replaceAll("") : text;
    return NUMBER.matcher(plain).matches()
        ? Optional.of(new Limit(new BigDecimal(plain)))
        : Optional.empty();
  }

  public boolean unlimited() {
    return most == null;
  }

  /**
   * The bound as a whole number.
   *
   * @throws IllegalStateException when there is no limit
   */
  public long count() {
    if (most == null) {
      throw new IllegalStateException("there is no limit");
    }
    return most.longValue();
  }

  /** The text that the methods of this class read: a number, or {@code unlimited}. */
  @Override
  public String toString() {
    return most == null ? SettingsReader.UNLIMITED : most.toPlainString();
  }
}
