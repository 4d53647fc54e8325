package dev.llmproxy.gate;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Settings;
import dev.llmproxy.call.Person;
import java.util.Arrays;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Who may sign in without having a key: the setting {@code LLMPROXY_ALLOWED_USERS}, read once. */
public final class AllowedUsers {
  /** The setting: addresses and {@code @domain}, separated by commas. */
  public static final String SETTING = "LLMPROXY_ALLOWED_USERS";

  private static final Pattern ENTRY =
      Pattern.compile(
          "[^@\\s,*]*@[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+");
  // Google's own, of which nobody else gives out addresses, and whose accounts belong to nobody.
  private static final Set<String> GMAIL = Set.of("gmail.com", "googlemail.com");

  private final Set<String> entries;

  /**
   * @throws Settings.SettingException when an entry is neither an address nor {@code @domain}
   */
  public AllowedUsers(Settings settings) {
    entries =
        Arrays.stream(settings.find(SETTING).orElse("").split(",", -1))
            .map(EmailAddress::folded)
            .filter(entry -> !entry.isEmpty())
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
   * Whether the person's address is listed, or its very domain is and rules the account: somebody
   * who once had an address there, and opened an account of his own with it, keeps that account
   * when the address is taken from him.
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
