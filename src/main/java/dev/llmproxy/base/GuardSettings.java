package dev.llmproxy.base;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The guards of routes/optional/.
 *
 * @param patterns the file of the patterns of guard-patterns
 * @param judgeModel the model that guard-judge asks
 * @param judgeKey the API key with which it asks
 * @param judgeUrl the base URL with which it asks; empty for this server
 */
public record GuardSettings(
    Path patterns,
    Optional<String> judgeModel,
    Optional<String> judgeKey,
    Optional<String> judgeUrl) {

  static GuardSettings read(SettingsReader in) {
    return new GuardSettings(
        in.path("GUARD_PATTERNS"),
        in.optionalText("GUARD_JUDGE_MODEL"),
        in.optionalText("GUARD_JUDGE_KEY"),
        in.optionalAddress("GUARD_JUDGE_URL"));
  }
}
