package dev.llmproxy.base;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The ledger.
 *
 * @param data folder of the embedded stores
 * @param databaseUrl PostgreSQL; empty for SQLite in the folder
 * @param fullSync whether a record survives a loss of power
 */
public record LedgerSettings(Path data, Optional<String> databaseUrl, boolean fullSync) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static LedgerSettings of(Settings settings) {
    return settings.read(LedgerSettings::read);
  }

  static LedgerSettings read(SettingsReader in) {
    return new LedgerSettings(
        in.path("LLMPROXY_DATA"),
        in.optionalText("DATABASE_URL"),
        in.word("LLMPROXY_FSYNC", "normal", "full").equals("full"));
  }
}
