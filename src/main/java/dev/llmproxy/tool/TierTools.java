package dev.llmproxy.tool;

import dev.llmproxy.base.Settings;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The server's tools that chats of a tier under {@code /v1} are offered without asking for them,
 * from the settings {@code TOOLS_<TIER>}, read once.
 */
public final class TierTools {
  /** What the names of these settings begin with; the tier follows. */
  public static final String PREFIX = "TOOLS_";

  private final Map<String, List<String>> bySetting = new HashMap<>();
  private final ConcurrentHashMap<String, List<String>> byTier = new ConcurrentHashMap<>();

  public TierTools(Settings settings) {
    for (String name : settings.asMap().keySet()) {
      if (name.startsWith(PREFIX)) {
        List<String> names = names(settings, name);
        if (!names.isEmpty()) {
          bySetting.put(name, names);
        }
      }
    }
  }

  /** The names of tools in one of these settings; empty when it is not set. */
  public static List<String> names(Settings settings, String setting) {
    return Arrays.stream(settings.find(setting).orElse("").split(",", -1))
        .map(String::strip)
        .filter(tool -> !tool.isEmpty())
        .toList();
  }

  /** Names of tools, as the setting has them; empty for most tiers. */
  public List<String> of(String tier) {
    if (bySetting.isEmpty()) {
      return List.of();
    }
    return byTier.computeIfAbsent(
        tier, name -> bySetting.getOrDefault(Settings.ofTier(PREFIX, name), List.of()));
  }
}
