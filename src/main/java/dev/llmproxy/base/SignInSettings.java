package dev.llmproxy.base;

import java.util.List;

/**
 * Sign-in with Google.
 *
 * @param clientIds client ids of the pages; empty when sign-in is off
 * @param allowedUsers e-mail addresses and @domain
 * @param keysUrl address of the public keys of Google
 */
public record SignInSettings(List<String> clientIds, List<String> allowedUsers, String keysUrl) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static SignInSettings of(Settings settings) {
    return settings.read(SignInSettings::read);
  }

  static SignInSettings read(SettingsReader in) {
    return new SignInSettings(
        in.list("GOOGLE_CLIENT_ID"),
        in.list("LLMPROXY_ALLOWED_USERS"),
        in.address("GOOGLE_KEYS_URL"));
  }
}
