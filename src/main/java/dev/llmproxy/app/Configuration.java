package dev.llmproxy.app;

import dev.llmproxy.attempt.AttemptPolicy;
import dev.llmproxy.base.AllSettings;
import dev.llmproxy.base.LiveSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.catalogue.ProviderCatalogue;
import dev.llmproxy.doctor.SettingsCheck;
import dev.llmproxy.prompt.Prompts;
import dev.llmproxy.provider.LiveModels;
import java.time.Clock;
import java.util.Set;
import java.util.function.Function;

/**
 * What an edit may change while the server runs: settings, providers, aliases, and the parts that
 * are made of them alone. Each generation of routes has one.
 *
 * @param settings those that need a restart have the values of the start
 * @param needRestart the settings that were edited and need a restart, sorted
 */
record Configuration(
    Settings settings,
    AllSettings values,
    ProviderCatalogue providers,
    Prompts prompts,
    LiveModels liveModels,
    AttemptPolicy attemptPolicy,
    Set<String> needRestart) {

  /**
   * @param providers the catalogue of the settings
   * @param policy creates the policy of attempts
   */
  static Configuration of(
      Settings settings,
      ProviderCatalogue providers,
      Clock clock,
      Function<AllSettings, AttemptPolicy> policy) {
    AllSettings values = AllSettings.of(settings);
    return new Configuration(
        settings,
        values,
        providers,
        new Prompts(settings, providers),
        new LiveModels(values.modelLists(), providers, settings.path("LLMPROXY_DATA"), clock),
        policy.apply(values),
        Set.of());
  }

  /**
   * Reads application.properties and providers/ again.
   *
   * @throws Settings.SettingException when one of them is wrong
   */
  Configuration reread(Clock clock, Function<AllSettings, AttemptPolicy> policy) {
    Settings edited = settings.reread();
    new SettingsCheck(edited).requireValidValues();
    Set<String> restart = LiveSettings.needRestart(settings, edited);
    Settings effective = edited.keeping(settings, restart);
    ProviderCatalogue catalogue = new ProviderCatalogue(effective);
    catalogue.takeLists(providers);
    Configuration next = of(effective, catalogue, clock, policy);
    next.liveModels.take(liveModels);
    return new Configuration(
        next.settings,
        next.values,
        next.providers,
        next.prompts,
        next.liveModels,
        next.attemptPolicy,
        restart);
  }
}
