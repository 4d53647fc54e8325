package dev.llmproxy.gate;

import java.util.Locale;

/** How e-mail addresses are compared. */
final class EmailAddress {
  private EmailAddress() {}

  /**
   * The form in which addresses that mean the same are equal: ASCII without regard to case. Other
   * scripts stay as they are, because some of their letters turn into others' (the sign for kelvin
   * becomes a k).
   */
  static String folded(String address) {
    String stripped = address.strip();
    return stripped.chars().allMatch(sign -> sign < 128)
        ? stripped.toLowerCase(Locale.ROOT)
        : stripped;
  }

  /** What follows the last {@code @}; empty when there is none. */
  static String domain(String address) {
    return address.indexOf('@') < 0 ? "" : address.substring(address.lastIndexOf('@') + 1);
  }
}
