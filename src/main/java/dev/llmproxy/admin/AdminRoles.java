package dev.llmproxy.admin;

import dev.llmproxy.base.AdminSettings;
import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.SignInSettings;
import dev.llmproxy.call.Person;
import dev.llmproxy.gate.AllowedUsers;
import dev.llmproxy.keys.KeyDirectory;
import java.util.Optional;

/** Decides what a person may do on the management pages. */
public final class AdminRoles {
  /** Name of the setting: addresses and {@code @domain} entries, separated by commas. */
  public static final String SETTING = "LLMPROXY_ADMINS";

  private static final String NOBODY = "admin@localhost";

  private final AllowedUsers admins;
  private final AllowedUsers users;
  private final KeyDirectory keys;
  private final boolean links;
  private final String firstAdmin;

  /**
   * @throws Settings.SettingException when an entry of the setting is neither an address nor
   *     {@code @domain}
   */
  public AdminRoles(AdminSettings settings, SignInSettings signIn, KeyDirectory keys) {
    admins = admins(settings);
    users = new AllowedUsers(signIn);
    this.keys = keys;
    links = !settings.link().equals("off");
    firstAdmin =
        settings.admins().stream()
            .map(EmailAddress::folded)
            .filter(EmailAddress::isAddress)
            .findFirst()
            .orElse(NOBODY);
  }

  /**
   * The people listed as administrators.
   *
   * @throws Settings.SettingException when an entry is neither an address nor {@code @domain}
   */
  public static AllowedUsers admins(AdminSettings settings) {
    return new AllowedUsers(SETTING, settings.admins());
  }

  /**
   * The role of a person. It is asked for each request, so that a change of the sheet or the
   * settings applies to people who are signed in already.
   *
   * @return empty for a person who may not use the pages
   */
  public Optional<Role> of(Person person, SignInMethod method) {
    if (method == SignInMethod.LINK) {
      return links ? Optional.of(Role.ADMIN) : Optional.empty();
    }
    if (admins.allow(person)) {
      return Optional.of(Role.ADMIN);
    }
    return users.allow(person) || keys.keyHolder(person.email()).isPresent()
        ? Optional.of(Role.USER)
        : Optional.empty();
  }

  /** Whom a one-time link signs in: the first address of the setting, or admin@localhost. */
  public Person linked() {
    return new Person(firstAdmin, null);
  }
}
