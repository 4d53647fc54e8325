package dev.llmproxy.admin;

import dev.llmproxy.base.Settings;
import java.net.URI;
import java.util.Set;

/** Addresses to which nobody on the way can put answers: https, or http on this machine. */
final class TrustedAddress {
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

  private TrustedAddress() {}

  /** Whether an address is one; false for null. */
  static boolean isTrusted(URI address) {
    return address != null
        && address.getHost() != null
        && ("https".equals(address.getScheme())
            || ("http".equals(address.getScheme()) && LOOPBACK.contains(address.getHost())));
  }

  /**
   * Demands such an address.
   *
   * @param setting the setting's name, for the message
   * @throws Settings.SettingException when it is none
   */
  static String demand(String setting, String address) {
    // The settings' reader has checked that it is an address.
    if (!isTrusted(URI.create(address))) {
      throw new Settings.SettingException(
          "%s is \"%s\"; it must be an https URL, or an http URL on this machine"
              .formatted(setting, address));
    }
    return address;
  }
}
