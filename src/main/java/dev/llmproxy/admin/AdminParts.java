package dev.llmproxy.admin;

import dev.llmproxy.base.AdminSettings;
import dev.llmproxy.base.AllSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.flush.FlushBook;
import dev.llmproxy.gate.Limits;
import dev.llmproxy.gate.WrongKeys;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.RevokedKeys;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.workbook.Workbook;
import io.github.bucket4j.TimeMeter;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/** The parts of the management pages. */
public final class AdminParts {
  private final OwnAddress ownAddress;
  private final AdminRoles roles;
  private final AdminSessions sessions;
  private final AdminActions actions;
  private final AdminLinks links;
  private final AdminGate gate;
  private final List<OpenIdProvider> providers;
  private final SignInSteps signIn;
  private final SessionSteps session;
  private final AdminPages pages;
  private final KeyList keyList;
  private final KeySteps keySteps;

  /**
   * @throws Settings.SettingException when a setting of the pages is wrong
   */
  public AdminParts(
      Settings all,
      AllSettings values,
      Ledger ledger,
      Workbook workbook,
      KeyDirectory keys,
      Tiers tiers,
      Limits limits,
      Clock clock,
      Clock steady) {
    AdminSettings settings = values.admin();
    check(settings, values.signIn().clientIds());
    ownAddress = new OwnAddress(settings, values.http());
    roles = new AdminRoles(settings, values.signIn(), keys);
    sessions = new AdminSessions(ledger, roles, clock);
    actions = new AdminActions(ledger, clock);
    links = new AdminLinks(ledger, clock);
    gate = new AdminGate(ownAddress, sessions);
    providers = providers(values, clock);
    signIn =
        new SignInSteps(
            this,
            new PendingSignIns(ledger, clock),
            new WrongKeys(values.limits().authFailuresPerMinute(), TimeMeter.SYSTEM_NANOTIME),
            settings.link());
    pages = new AdminPages(all.home().resolve("ui"), steady);
    keyList = new KeyList(keys, tiers, limits, clock, steady);
    keySteps =
        new KeySteps(
            new ApiKeyBook(workbook, FlushBook.sheetMemory(all), tiers::rows),
            keyList,
            keys,
            tiers,
            new RevokedKeys(all.path("LLMPROXY_DATA")),
            actions,
            clock,
            settings.ownKeys());
    session = new SessionSteps(sessions, actions, ownAddress);
  }

  /**
   * Checks the settings of the pages.
   *
   * @param clientIds the client ids of the sign-in by Google
   * @throws Settings.SettingException when one is wrong, or lacks another one
   */
  public static void check(AdminSettings settings, List<String> clientIds) {
    AdminRoles.admins(settings);
    settings.publicUrl().ifPresent(OwnAddress::demandOrigin);
    TrustedAddress.demand("GOOGLE_ISSUER", settings.googleIssuer());
    if (settings.googleSecret().isPresent() && clientIds.isEmpty()) {
      throw new Settings.SettingException(
          "GOOGLE_CLIENT_SECRET is set, and GOOGLE_CLIENT_ID is not; set both");
    }
    if (settings.oidcIssuer().isPresent() != settings.oidcClientId().isPresent()) {
      throw new Settings.SettingException(
          settings.oidcIssuer().isPresent()
              ? "OIDC_CLIENT_ID is not set, and OIDC_ISSUER is; set both"
              : "OIDC_ISSUER is not set, and OIDC_CLIENT_ID is; set both");
    }
    settings.oidcIssuer().ifPresent(issuer -> TrustedAddress.demand("OIDC_ISSUER", issuer));
  }

  private static List<OpenIdProvider> providers(AllSettings values, Clock clock) {
    AdminSettings settings = values.admin();
    List<OpenIdProvider> providers = new ArrayList<>();
    settings
        .googleSecret()
        .ifPresent(secret ->
            providers.add(
                new OpenIdProvider(
                    SignInMethod.GOOGLE,
                    "Google",
                    settings.googleIssuer(),
                    values.signIn().clientIds().getFirst(),
                    secret,
                    clock)));
    settings
        .oidcIssuer()
        .ifPresent(issuer ->
            providers.add(
                new OpenIdProvider(
                    SignInMethod.OIDC,
                    settings.oidcName(),
                    issuer,
                    settings.oidcClientId().orElseThrow(),
                    settings.oidcClientSecret().orElse(null),
                    clock)));
    return List.copyOf(providers);
  }

  /** Whether the start prints a one-time link: there is no OpenID provider, and links are on. */
  public boolean startsWithLink(AdminSettings settings) {
    return providers.isEmpty() && !settings.link().equals("off");
  }

  List<OpenIdProvider> providers() {
    return providers;
  }

  AdminRoles roles() {
    return roles;
  }

  public OwnAddress ownAddress() {
    return ownAddress;
  }

  public AdminSessions sessions() {
    return sessions;
  }

  public AdminActions actions() {
    return actions;
  }

  public AdminLinks links() {
    return links;
  }

  public AdminGate gate() {
    return gate;
  }

  public SignInSteps signIn() {
    return signIn;
  }

  public AdminPages pages() {
    return pages;
  }

  public KeyList keyList() {
    return keyList;
  }

  public KeySteps keySteps() {
    return keySteps;
  }

  public SessionSteps session() {
    return session;
  }
}
