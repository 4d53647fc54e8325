package dev.llmproxy.gate;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.SignInSettings;
import dev.llmproxy.call.Person;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** People who are listed in a setting, e.g. {@code LLMPROXY_ALLOWED_USERS}. */
public final class AllowedUsers {
  /** The setting of the people who may sign in without an API key. */
  public static final String SETTING = "LLMPROXY_ALLOWED_USERS";

  private static final Pattern ENTRY =
      Pattern.compile(
          "[^@\\s,*]*@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+");
  // Google's own domains: only Google gives out their addresses, and no organisation owns the
  // accounts.
  private static final Set<String> GMAIL = Set.of("gmail.com", "googlemail.com");

  private final Set<String> entries;

  /**
   * The people who may sign in without an API key.
   *
   * @throws Settings.SettingException when an entry is neither an address nor {@code @domain}
   */
  public AllowedUsers(SignInSettings settings) {
    this(SETTING, settings.allowedUsers());
  }

  /**
   * @param setting the setting's name, for messages
   * @param listed addresses and {@code @domain} entries
   * @throws Settings.SettingException when an entry is neither an address nor {@code @domain}
   */
  public AllowedUsers(String setting, List<String> listed) {
    entries = listed.stream().map(EmailAddress::folded).collect(Collectors.toUnmodifiableSet());
    for (String entry : entries) {
      if (!ENTRY.matcher(entry).matches()) {
        throw new Settings.SettingException(
            "%s has \"%s\"; each entry must be an address (ann@example.com) or a domain (@example.com), separated by commas"
                .formatted(setting, entry));
      }
    }
  }

  /**
   * Whether the person's address is listed, or the address's domain is listed and owns the account.
   * The second condition shuts out private accounts: somebody who opened one with an address of the
   * domain keeps it after losing the address.
   */
  public boolean allow(Person person) {
    String email = EmailAddress.folded(person.email());
    if (entries.contains(email)) {
      return true;
    }
    String domain = EmailAddress.domain(email);
    return entries.contains("@" + domain)
        && (GMAIL.contains(domain)
            || (person.domain() != null && EmailAddress.folded(person.domain()).equals(domain)));
  }
}
