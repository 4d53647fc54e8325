package dev.llmproxy.base;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Web search. The routes search-* read these settings as placeholders.
 *
 * @param searxngUrl empty when SearXNG is not used
 * @param braveApiKey empty when Brave is not used
 * @param braveBaseUrl address of Brave's API
 * @param tavilyApiKey empty when Tavily is not used
 * @param tavilyBaseUrl address of Tavily's API
 * @param wikipediaBaseUrl empty when Wikipedia is not used
 * @param documents folder of documents; empty for none
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
