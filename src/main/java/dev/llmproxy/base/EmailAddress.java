package dev.llmproxy.base;

import java.util.regex.Pattern;

/** Compares and checks e-mail addresses. */
public final class EmailAddress {
  private static final Pattern FORM = Pattern.compile("[^\\s@]+@[^\\s@]+\\.[^\\s@]+");

  private EmailAddress() {}

  /**
   * The form in which addresses are compared: without surrounding space, and with capitals as small
   * letters. A sign that is not the capital of its small letter stays as it is (the sign for kelvin
   * would become a k, that for ångström an å), so that nobody gets the rights of a similar address.
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

  /** Whether a text has the form of an address. */
  public static boolean isAddress(String text) {
    return FORM.matcher(text).matches();
  }

  /** The part after the last {@code @}; an empty text without {@code @}. */
  public static String domain(String address) {
    return address.indexOf('@') < 0 ? "" : address.substring(address.lastIndexOf('@') + 1);
  }
}
