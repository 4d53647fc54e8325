package dev.llmproxy.base;

import java.util.List;
import java.util.Optional;

/**
 * The management pages and the sign-in to them.
 *
 * @param admins e-mail addresses and @domain of administrators
 * @param publicUrl the address under which people open the server; empty for the one it listens on
 * @param link from where a one-time link is accepted: loopback, any or off
 * @param googleSecret secret of the first client id of GOOGLE_CLIENT_ID; empty without sign-in by
 *     Google
 * @param googleIssuer address of Google as an OpenID provider
 * @param oidcIssuer address of another OpenID provider
 * @param oidcClientId client id at that provider
 * @param oidcClientSecret secret of that client; empty for a public client
 * @param oidcName name of that provider, as people know it
 * @param ownKeys whether people who are no administrators may create keys for themselves
 */
public record AdminSettings(
    List<String> admins,
    Optional<String> publicUrl,
    String link,
    Optional<String> googleSecret,
    String googleIssuer,
    Optional<String> oidcIssuer,
    Optional<String> oidcClientId,
    Optional<String> oidcClientSecret,
    String oidcName,
    boolean ownKeys) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static AdminSettings of(Settings settings) {
    return settings.read(AdminSettings::read);
  }

  static AdminSettings read(SettingsReader in) {
    return new AdminSettings(
        in.list("LLMPROXY_ADMINS"),
        in.optionalAddress("LLMPROXY_PUBLIC_URL"),
        in.word("ADMIN_LINK", "loopback", "any", "off"),
        in.optionalText("GOOGLE_CLIENT_SECRET"),
        in.address("GOOGLE_ISSUER"),
        in.optionalAddress("OIDC_ISSUER"),
        in.optionalText("OIDC_CLIENT_ID"),
        in.optionalText("OIDC_CLIENT_SECRET"),
        in.text("OIDC_NAME"),
        in.on("USER_KEYS"));
  }

  /** No secret. */
  @Override
  public String toString() {
    return "AdminSettings[admins=%s, publicUrl=%s]".formatted(admins, publicUrl);
  }
}
