package dev.llmproxy.base;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What each setting may be: the one place for ranges and words, from which the start, doctor and
 * the parts that use a setting take them. A setting of application.properties has its line here.
 */
public final class KnownSettings {
  /** What a value may be. */
  public sealed interface Kind {
    /** How the rule reads after "it must be". */
    String rule();

    /** The value in the form that everybody is given, or null when it breaks the rule. */
    String canonical(String value);

    /** Whether nothing may stand where the value is. */
    default boolean mayBeEmpty() {
      return false;
    }

    /** Values that stand for all: every word, and both ends of a range. */
    List<String> examples();
  }

  /** A whole number; both ends belong to the range. */
  public record WholeNumber(int least, int most) implements Kind {
    @Override
    public String rule() {
      return "a whole number from %d to %d".formatted(least, most);
    }

    @Override
    public String canonical(String value) {
      try {
        int number = Integer.parseInt(value);
        return number >= least && number <= most ? Integer.toString(number) : null;
      } catch (NumberFormatException e) {
        return null;
      }
    }

    @Override
    public List<String> examples() {
      return List.of(Integer.toString(least), Integer.toString(most));
    }
  }

  /** One of a few words, in small letters or capitals. */
  public record Words(List<String> words) implements Kind {
    static Words of(String... words) {
      return new Words(List.of(words));
    }

    @Override
    public String rule() {
      int last = words.size() - 1;
      return String.join(", ", words.subList(0, last)) + " or " + words.get(last);
    }

    @Override
    public String canonical(String value) {
      return words.stream().filter(value::equalsIgnoreCase).findFirst().orElse(null);
    }

    @Override
    public List<String> examples() {
      return words;
    }
  }

  /** on or off, and what people write instead. */
  public record OnOff() implements Kind {
    @Override
    public String rule() {
      return "on or off";
    }

    @Override
    public String canonical(String value) {
      return switch (value.toLowerCase(Locale.ROOT)) {
        case "on", "true", "yes", "1" -> "on";
        case "off", "false", "no", "0" -> "off";
        default -> null;
      };
    }

    @Override
    public List<String> examples() {
      return List.of("on", "off");
    }
  }

  /** The address of another server. */
  public record WebAddress(boolean mayBeEmpty) implements Kind {
    @Override
    public String rule() {
      return "an address that begins with http:// or https://";
    }

    @Override
    public String canonical(String value) {
      try {
        URI address = new URI(value);
        String scheme = address.getScheme();
        boolean web = "http".equalsIgnoreCase(scheme) || "https".equalsIgnoreCase(scheme);
        return web && address.getHost() != null ? value : null;
      } catch (URISyntaxException e) {
        return null;
      }
    }

    @Override
    public List<String> examples() {
      return List.of();
    }
  }

  /** Anything; the part that uses it says what is wrong with it. */
  public record Text(boolean mayBeEmpty) implements Kind {
    @Override
    public String rule() {
      return "set";
    }

    @Override
    public String canonical(String value) {
      return value;
    }

    @Override
    public List<String> examples() {
      return List.of();
    }
  }

  private static final int DAY_SECONDS = 86_400;
  private static final Kind PORT = new WholeNumber(0, 65_535);
  private static final Kind SECONDS = new WholeNumber(1, DAY_SECONDS);
  private static final Kind COUNT = new WholeNumber(1, Integer.MAX_VALUE);
  private static final Kind SWITCH = new OnOff();
  private static final Kind TEXT = new Text(false);
  private static final Kind OPTIONAL = new Text(true);
  private static final Kind ADDRESS = new WebAddress(false);
  private static final Kind OPTIONAL_ADDRESS = new WebAddress(true);
  private static final Kind LEVEL = Words.of("OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE");

  private static final Map<String, Setting> SETTINGS = settings();

  private KnownSettings() {}

  /**
   * A setting.
   *
   * @param kind what its value may be
   * @param environmentAlone whether it is no line of application.properties: the log is set up
   *     before that file is read
   */
  public record Setting(Kind kind, boolean environmentAlone) {}

  private static Map<String, Setting> settings() {
    Map<String, Kind> kinds = new TreeMap<>();

    // HTTP server
    kinds.put("PORT", PORT);
    kinds.put("HOST", TEXT);
    kinds.put("MAX_BODY_MB", new WholeNumber(1, 1024));
    kinds.put("BODY_MEMORY_MB", new WholeNumber(0, 1 << 20));
    kinds.put("MAX_JSON_VALUES", new WholeNumber(1000, Integer.MAX_VALUE));
    kinds.put("MAX_HEADER_KB", new WholeNumber(1, 1024));
    kinds.put("CORS_ORIGINS", OPTIONAL);
    kinds.put("STREAM_KEEPALIVE_SECONDS", new WholeNumber(5, 3600));
    kinds.put("CLIENT_HEAD_SECONDS", SECONDS);
    kinds.put("CLIENT_IDLE_SECONDS", SECONDS);
    kinds.put("CLIENT_STALL_SECONDS", SECONDS);
    kinds.put("MAX_CONNECTIONS", new WholeNumber(0, 1_000_000));
    kinds.put("MAX_CONNECTIONS_PER_ADDRESS", new WholeNumber(0, 1_000_000));

    // Limits
    kinds.put("RATE_LIMIT_FREE", new WholeNumber(1, 1_000_000));
    kinds.put("AUTH_FAILURES_PER_MINUTE", new WholeNumber(1, 1_000_000));

    // Sign-in of people
    kinds.put("GOOGLE_CLIENT_ID", OPTIONAL);
    kinds.put("LLMPROXY_ALLOWED_USERS", OPTIONAL);
    kinds.put("GOOGLE_KEYS_URL", ADDRESS);

    // Data
    kinds.put("LLMPROXY_DATA", TEXT);
    kinds.put("DATABASE_URL", OPTIONAL);
    kinds.put("LLMPROXY_FSYNC", Words.of("normal", "full"));
    kinds.put("LOG_CONVERSATIONS", Words.of("off", "ledger", "workbook"));
    kinds.put("CONVERSATION_DAYS", new WholeNumber(0, 36_500));
    kinds.put("CONVERSATION_FLUSH_SECONDS", SECONDS);

    // Providers; ProviderCatalogue judges keys and base URLs, of these and of all others
    for (String provider : List.of("GROQ", "OPENAI", "OLLAMA", "COMPATIBLE")) {
      kinds.put(provider + "_API_KEY", OPTIONAL);
      kinds.put(provider + "_BASE_URL", OPTIONAL);
    }
    kinds.put("PROVIDER_CONNECT_SECONDS", SECONDS);
    kinds.put("PROVIDER_SILENCE_SECONDS", SECONDS);
    kinds.put("PROVIDER_ANSWER_MB", new WholeNumber(1, 1024));
    kinds.put("LOCAL_MODEL", SWITCH);
    kinds.put("LOCAL_MODEL_FILE", TEXT);

    // Tools
    kinds.put("TOOL_TIMEOUT_SECONDS", SECONDS);
    kinds.put("TOOL_RESULT_CHARACTERS", COUNT);
    kinds.put("MCP_SERVERS", OPTIONAL);
    kinds.put("CHAT_TURNS", COUNT);
    kinds.put("CHAT_SECONDS", SECONDS);
    kinds.put("CHAT_COST_DOLLARS", OPTIONAL);
    kinds.put("FETCH_PORTS", TEXT);
    kinds.put("SEARXNG_URL", OPTIONAL_ADDRESS);
    kinds.put("BRAVE_API_KEY", OPTIONAL);
    kinds.put("BRAVE_BASE_URL", ADDRESS);
    kinds.put("TAVILY_API_KEY", OPTIONAL);
    kinds.put("TAVILY_BASE_URL", ADDRESS);
    kinds.put("WIKIPEDIA_BASE_URL", OPTIONAL_ADDRESS);
    kinds.put("SEARCH_DOCS", OPTIONAL);
    kinds.put("SEARCH_ENGINE_SECONDS", SECONDS);

    // Workbook
    kinds.put("GOOGLE_SHEETS_SPREADSHEET_ID", OPTIONAL);
    kinds.put("GOOGLE_APPLICATION_CREDENTIALS", OPTIONAL);
    kinds.put("SHEETS_ROOT_URL", OPTIONAL_ADDRESS);
    kinds.put("WORKBOOK_PORT", PORT);
    kinds.put("WORKBOOK_QUOTA", SWITCH);
    kinds.put("KEYS_REFRESH_SECONDS", SECONDS);
    kinds.put("KEYS_SNAPSHOT_HOURS", new WholeNumber(0, 8760));
    kinds.put("USAGE_FLUSH_SECONDS", SECONDS);
    kinds.put("SHEETS_COMMIT_WAIT_SECONDS", SECONDS);
    kinds.put("SHEETS_ROUNDS_PER_MINUTE", COUNT);
    kinds.put("SHEETS_DETAIL_ROWS_PER_DAY", new WholeNumber(0, 10_000_000));
    kinds.put("SHEETS_ROTATE_PERCENT", new WholeNumber(1, 100));
    kinds.put("SHEETS_ROTATE_MONTHLY", SWITCH);
    kinds.put("SHEETS_USAGE_SPREADSHEET_IDS", OPTIONAL);

    Map<String, Kind> environmentAlone = new TreeMap<>();
    environmentAlone.put("LLMPROXY_LOG_LEVEL", LEVEL);
    environmentAlone.put("CAMEL_LOG_LEVEL", LEVEL);
    environmentAlone.put("MCP_LOG_LEVEL", LEVEL);
    environmentAlone.put("LOG_FORMAT", Words.of("text", "json"));

    Map<String, Setting> settings = new TreeMap<>();
    kinds.forEach((name, kind) -> settings.put(name, new Setting(kind, false)));
    environmentAlone.forEach((name, kind) -> settings.put(name, new Setting(kind, true)));
    return Collections.unmodifiableMap(settings);
  }

  /** Every setting by its name. */
  public static Map<String, Setting> all() {
    return SETTINGS;
  }

  /**
   * The value as everybody is given it; as it is when the setting is unknown or the value wrong.
   */
  static String canonical(String name, String value) {
    Setting setting = SETTINGS.get(name);
    String canonical = setting == null || value.isEmpty() ? null : setting.kind().canonical(value);
    return canonical == null ? value : canonical;
  }

  /** The range of a number among the settings. */
  static WholeNumber range(String name) {
    Setting setting = SETTINGS.get(name);
    if (setting != null && setting.kind() instanceof WholeNumber range) {
      return range;
    }
    throw new IllegalArgumentException(name + " is no whole number among the known settings");
  }
}
