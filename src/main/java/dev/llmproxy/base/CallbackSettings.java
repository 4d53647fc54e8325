package dev.llmproxy.base;

/**
 * The optional routes {@code callback-*}, which read most of these settings themselves.
 *
 * @param webhookUrl receives settled requests; empty while callback-webhook is off
 * @param webhookSecret signs them; secret
 */
public record CallbackSettings(String webhookUrl, String webhookSecret) {
  private static final int DAY_SECONDS = 86_400;

  static CallbackSettings read(SettingsReader in) {
    in.optionalAddress("CALLBACK_SLACK_WEBHOOK");
    for (String name : new String[] {"SERVER", "USER", "PASSWORD", "FROM", "TO"}) {
      in.optionalText("CALLBACK_MAIL_" + name);
    }
    in.seconds("CALLBACK_MAIL_SECONDS", 1, DAY_SECONDS);
    CallbackSettings settings =
        new CallbackSettings(
            in.optionalAddress("CALLBACK_WEBHOOK_URL").orElse(""),
            in.optionalText("CALLBACK_WEBHOOK_SECRET").orElse(""));
    in.neededBy("callback-webhook", "CALLBACK_WEBHOOK_URL", "CALLBACK_WEBHOOK_SECRET");
    in.neededBy("callback-slack", "CALLBACK_SLACK_WEBHOOK");
    in.neededBy("callback-mail", "CALLBACK_MAIL_SERVER", "CALLBACK_MAIL_FROM", "CALLBACK_MAIL_TO");
    return settings;
  }
}
