package dev.llmproxy.base;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Connections to providers, and the local models.
 *
 * @param connect time limit for a connection
 * @param silence time limit for silence before and within an answer
 * @param answerBytes limit for one answer
 * @param localModel whether the local models run
 * @param localModelFile weights of the chat model
 * @param modelAliases the setting MODEL_ALIASES as it is; empty for none
 */
public record ProviderSettings(
    Duration connect,
    Duration silence,
    long answerBytes,
    boolean localModel,
    Path localModelFile,
    String modelAliases) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static ProviderSettings of(Settings settings) {
    return settings.read(ProviderSettings::read);
  }

  /** Whether the local models run. */
  public static boolean localModel(Settings settings) {
    return settings.read(ProviderSettings::localModel);
  }

  /** The setting MODEL_ALIASES as it is; empty for none. */
  public static String modelAliases(Settings settings) {
    return settings.read(ProviderSettings::modelAliases);
  }

  private static String modelAliases(SettingsReader in) {
    return in.optionalText("MODEL_ALIASES").orElse("");
  }

  private static boolean localModel(SettingsReader in) {
    return in.on("LOCAL_MODEL");
  }

  static ProviderSettings read(SettingsReader in) {
    return new ProviderSettings(
        in.seconds("PROVIDER_CONNECT_SECONDS"),
        in.seconds("PROVIDER_SILENCE_SECONDS"),
        in.megabytes("PROVIDER_ANSWER_MB", 1, 1024),
        localModel(in),
        in.path("LOCAL_MODEL_FILE"),
        modelAliases(in));
  }
}
