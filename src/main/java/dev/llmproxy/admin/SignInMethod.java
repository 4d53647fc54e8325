package dev.llmproxy.admin;

import java.util.Locale;

/** How a person signs in to the management pages. */
public enum SignInMethod {
  /** Google's OpenID provider. */
  GOOGLE,
  /** Another OpenID provider. */
  OIDC,
  /** A one-time link from the server's console. */
  LINK;

  /** The name in addresses and in the ledger. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The method of a name.
   *
   * @throws IllegalArgumentException when there is none
   */
  static SignInMethod of(String text) {
    return valueOf(text.toUpperCase(Locale.ROOT));
  }
}
