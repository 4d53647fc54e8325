package dev.llmproxy.base;

import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Which settings a running server takes from an edited application.properties. The others belong to
 * parts that live as long as the process: port, data, limits, workbook.
 */
public final class LiveSettings {
  private static final Set<String> LIVE =
      Set.of(
          "BRAVE_BASE_URL",
          "CHAT_COST_DOLLARS",
          "CHAT_SECONDS",
          "CHAT_TURNS",
          "CONVERSATION_FLUSH_SECONDS",
          "FETCH_PORTS",
          "FIND_LOCAL_PROVIDERS",
          "GUARD_JUDGE_KEY",
          "GUARD_JUDGE_MODEL",
          "GUARD_JUDGE_URL",
          "GUARD_PATTERNS",
          "KEYS_REFRESH_SECONDS",
          "LIVE_MODELS",
          "MODELS_REFRESH_SECONDS",
          "MODEL_ALIASES",
          "OPTIONAL_ROUTES",
          "PROVIDER_ANSWER_MB",
          "PROVIDER_CONNECT_SECONDS",
          "PROVIDER_FIRST_TOKEN_SECONDS",
          "PROVIDER_PATIENCE_SECONDS",
          "PROVIDER_RETRIES",
          "PROVIDER_SILENCE_SECONDS",
          "PROVIDER_TOTAL_SECONDS",
          "SEARCH_DOCS",
          "SEARCH_ENGINE_SECONDS",
          "SEARXNG_URL",
          "TAVILY_BASE_URL",
          "TOOL_RESULT_CHARACTERS",
          "TOOL_TIMEOUT_SECONDS",
          "WIKIPEDIA_BASE_URL");

  /** Keys and addresses of providers and search engines. */
  private static final Pattern OF_PROVIDERS = Pattern.compile("[A-Z0-9_]+_(API_KEY|BASE_URL)");

  /** Settings that only optional routes read. */
  private static final Pattern OF_ROUTES = Pattern.compile("(CALLBACK|KAFKA)_[A-Z_]+");

  private static final String LIMITS = "RATE_LIMIT_";

  private LiveSettings() {}

  /** Whether an edit of the setting takes effect while the server runs. */
  public static boolean isLive(String name) {
    // Names that only files of providers and routes use, and camel.*, are read by each generation.
    return LIVE.contains(name)
        || OF_PROVIDERS.matcher(name).matches()
        || OF_ROUTES.matcher(name).matches()
        || (!KnownSettings.all().containsKey(name) && !name.startsWith(LIMITS));
  }

  /** The names of the settings that differ and need a restart, sorted. */
  public static Set<String> needRestart(Settings running, Settings edited) {
    Predicate<String> differs =
        name -> !running.find(name).equals(edited.find(name)) && !isLive(name);
    Set<String> names = new TreeSet<>(running.asMap().keySet());
    names.addAll(edited.asMap().keySet());
    names.removeIf(differs.negate());
    return names;
  }
}
