package dev.llmproxy.base;

import java.time.Duration;
import java.util.Optional;

/**
 * Stored conversations.
 *
 * @param store off, ledger or workbook
 * @param age age at which a conversation is deleted; empty for never
 * @param flush time between two writes to the workbook
 */
public record ConversationSettings(String store, Optional<Duration> age, Duration flush) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static ConversationSettings of(Settings settings) {
    return settings.read(ConversationSettings::read);
  }

  static ConversationSettings read(SettingsReader in) {
    return new ConversationSettings(
        in.word("LOG_CONVERSATIONS", "off", "ledger", "workbook"),
        in.daysOrUnlimited("CONVERSATION_DAYS", 36_500),
        in.seconds("CONVERSATION_FLUSH_SECONDS"));
  }
}
