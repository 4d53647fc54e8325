package dev.llmproxy.base;

import java.util.regex.Pattern;

/** How e-mail addresses are compared. */
public final class EmailAddress {
  private static final Pattern FORM = Pattern.compile("[^\\s@]+@[^\\s@]+\\.[^\\s@]+");

  private EmailAddress() {}

  /**
   * The form in which addresses that mean the same are equal: small letters, where a letter is
   * nothing but the capital of the small one. Signs that only look like another letter or turn into
   * one stay as they are (the sign for kelvin would become a k, that for ångström an å), so that
   * nobody gets at what is somebody else's.
   */
  public static String folded(String address) {
    StringBuilder folded = new StringBuilder(address.length());
    address
        .strip()
        .codePoints()
        .forEach(sign -> {
          int small = Character.toLowerCase(sign);
          folded.appendCodePoint(Character.toUpperCase(small) == sign ? small : sign);
        });
    return folded.toString();
  }

  /** Whether it has the form of an address. */
  public static boolean isOne(String text) {
    return FORM.matcher(text).matches();
  }

  /** What follows the last {@code @}; empty when there is none. */
  public static String domain(String address) {
    return address.indexOf('@') < 0 ? "" : address.substring(address.lastIndexOf('@') + 1);
  }
}
