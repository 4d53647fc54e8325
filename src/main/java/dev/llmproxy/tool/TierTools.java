package dev.llmproxy.tool;

import dev.llmproxy.base.Settings;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The tools that all chats of a tier under {@code /v1} are offered, from the settings {@code
 * TOOLS_<TIER>}. The settings are read once.
 */
public final class TierTools {
  /** Prefix of the settings' names; the tier follows. */
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

  /** The tool names in a setting; empty when the setting is absent. */
  public static List<String> names(Settings settings, String setting) {
    return Arrays.stream(settings.find(setting).orElse("").split(",", -1))
        .map(String::strip)
        .filter(tool -> !tool.isEmpty())
        .toList();
  }

  /** The tool names for a tier, in the order of the setting; empty for most tiers. */
  public List<String> of(String tier) {
    if (bySetting.isEmpty()) {
      return List.of();
    }
    return byTier.computeIfAbsent(
        tier, name -> bySetting.getOrDefault(Settings.ofTier(PREFIX, name), List.of()));
  }
}
