package dev.llmproxy.gate;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.SignInSettings;
import dev.llmproxy.call.Person;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** People who may sign in without an API key: the setting {@code LLMPROXY_ALLOWED_USERS}. */
public final class AllowedUsers {
  /** Name of the setting: addresses and {@code @domain} entries, separated by commas. */
  public static final String SETTING = "LLMPROXY_ALLOWED_USERS";

  private static final Pattern ENTRY =
      Pattern.compile(
          "[^@\\s,*]*@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+");
  // Google's own domains: only Google gives out their addresses, and no organisation owns the
  // accounts.
  private static final Set<String> GMAIL = Set.of("gmail.com", "googlemail.com");

  private final Set<String> entries;

  /**
   * @throws Settings.SettingException when an entry is neither an address nor {@code @domain}
   */
  public AllowedUsers(SignInSettings settings) {
    entries =
        settings.allowedUsers().stream()
            .map(EmailAddress::folded)
            .collect(Collectors.toUnmodifiableSet());
    for (String entry : entries) {
      if (!ENTRY.matcher(entry).matches()) {
        throw new Settings.SettingException(
            "%s has \"%s\"; each entry must be an address (ann@example.com) or a domain (@example.com), separated by commas"
                .formatted(SETTING, entry));
      }
    }
  }

  /**
   * Whether the person's address is listed, or the address's domain is listed and owns the account.
   * The second condition shuts out private accounts: somebody who opened one with an address of the
   * domain keeps it after losing the address.
   */
  boolean allow(Person person) {
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
