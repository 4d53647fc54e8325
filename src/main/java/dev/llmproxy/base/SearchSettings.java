package dev.llmproxy.base;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Web search. The routes search-* read these settings as placeholders.
 *
 * @param searxngUrl empty when it is not asked
 * @param braveApiKey empty when it is not asked
 * @param braveBaseUrl address of its API
 * @param tavilyApiKey empty when it is not asked
 * @param tavilyBaseUrl address of its API
 * @param wikipediaBaseUrl empty when it is not asked
 * @param documents folder of documents
 * @param engineTimeout time limit for connecting to an engine, and for its silence
 */
public record SearchSettings(
    Optional<String> searxngUrl,
    Optional<String> braveApiKey,
    String braveBaseUrl,
    Optional<String> tavilyApiKey,
    String tavilyBaseUrl,
    Optional<String> wikipediaBaseUrl,
    Optional<Path> documents,
    Duration engineTimeout) {

  /**
   * @throws Settings.SettingException that lists every wrong value
   */
  public static SearchSettings of(Settings settings) {
    return settings.read(SearchSettings::read);
  }

  static SearchSettings read(SettingsReader in) {
    return new SearchSettings(
        in.optionalAddress("SEARXNG_URL"),
        in.optionalText("BRAVE_API_KEY"),
        in.address("BRAVE_BASE_URL"),
        in.optionalText("TAVILY_API_KEY"),
        in.address("TAVILY_BASE_URL"),
        in.optionalAddress("WIKIPEDIA_BASE_URL"),
        in.optionalPath("SEARCH_DOCS"),
        in.seconds("SEARCH_ENGINE_SECONDS"));
  }
}
