package dev.llmproxy.base;

import java.util.List;

/** All settings, one record for each concern. Read once, at the start. */
public record AllSettings(
    HttpSettings http,
    LifecycleSettings lifecycle,
    RouteSettings routes,
    GuardSettings guards,
    MonitoringSettings monitoring,
    CallbackSettings callbacks,
    LimitSettings limits,
    SignInSettings signIn,
    AdminSettings admin,
    LedgerSettings ledger,
    ConversationSettings conversations,
    ProviderSettings providers,
    CacheSettings cache,
    ResponsesSettings responses,
    RoutingSettings routing,
    ModelListSettings modelLists,
    ToolSettings tools,
    SearchSettings search,
    WorkbookSettings workbook,
    KeySettings keys,
    FlushSettings flush,
    KafkaSettings kafka) {
  private static final String[] LEVELS = {"OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

  /**
   * Reads all settings.
   *
   * @throws Settings.SettingException that lists every wrong value
   */
  public static AllSettings of(Settings settings) {
    return settings.read(AllSettings::read);
  }

  static AllSettings read(SettingsReader in) {
    // Only defined here: ProviderCatalogue reads the providers' settings, log4j2.properties the
    // log's.
    for (String provider : List.of("GROQ", "OPENAI", "OLLAMA", "COMPATIBLE")) {
      in.optionalText(provider + "_API_KEY");
      in.optionalText(provider + "_BASE_URL");
    }
    in.environmentWord("LLMPROXY_LOG_LEVEL", LEVELS);
    in.environmentWord("CAMEL_LOG_LEVEL", LEVELS);
    in.environmentWord("MCP_LOG_LEVEL", LEVELS);
    in.environmentWord("LOG_FORMAT", "text", "json");
    return new AllSettings(
        HttpSettings.read(in),
        LifecycleSettings.read(in),
        RouteSettings.read(in),
        GuardSettings.read(in),
        MonitoringSettings.read(in),
        CallbackSettings.read(in),
        LimitSettings.read(in),
        SignInSettings.read(in),
        AdminSettings.read(in),
        LedgerSettings.read(in),
        ConversationSettings.read(in),
        ProviderSettings.read(in),
        CacheSettings.read(in),
        ResponsesSettings.read(in),
        RoutingSettings.read(in),
        ModelListSettings.read(in),
        ToolSettings.read(in),
        SearchSettings.read(in),
        WorkbookSettings.read(in),
        KeySettings.read(in),
        FlushSettings.read(in),
        KafkaSettings.read(in));
  }
}
