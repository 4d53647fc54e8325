package dev.llmproxy.migration;

import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.workbook.ApiKeySheet;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/**
 * Reads the SQLite database of new-api, or the JSON of its {@code GET /api/channel/}. Source of the
 * tables: new-api's {@code model/channel.go}, {@code model/token.go} and {@code model/user.go}.
 */
public final class NewApiImport {
  private static final String ENABLED = "1";
  private static final String NEVER = "-1";
  private static final String KEY_PREFIX = "sk-";

  /** new-api's common.QuotaPerUnit: so much quota is a US dollar. */
  private static final BigDecimal QUOTA_PER_DOLLAR = BigDecimal.valueOf(500_000);

  private final ImportPlan plan = new ImportPlan("new-api");
  private final String tier;
  private final String owner;
  private final Instant now;
  private final TreeSet<String> tiers = new TreeSet<>();

  private NewApiImport(String tier, String owner, Instant now) {
    this.tier = tier;
    this.owner = owner;
    this.now = now;
  }

  /**
   * Reads a file.
   *
   * @param home the folder with {@code providers/}
   * @param tier the tier of keys of the group default
   * @param owner the address for keys whose user has none; null leaves them out
   * @param now keys that have expired by then are left out
   * @throws ImportException when the file cannot be read or is something else
   */
  public static ImportPlan read(Path home, Path file, String tier, String owner, Instant now) {
    NewApiTables tables = NewApiTables.read(file);
    NewApiImport reading = new NewApiImport(tier, owner, now);
    Connections connections = new Connections(home, reading.plan);
    Aliases aliases = new Aliases();
    NewApiChannels channels = new NewApiChannels(reading.plan, connections, aliases);
    tables.channels().forEach(channels::add);
    connections.assign();
    aliases.write(connections, reading.plan);
    Map<String, Map<String, String>> users = new LinkedHashMap<>();
    tables.users().forEach(user -> users.put(user.get("id"), user));
    tables.tokens().forEach(token -> reading.token(token, users));
    reading.tiers.forEach(name ->
        reading.plan.note(
            "groups",
            "group " + name,
            "its keys have the tier %s, with the limits of the tier free until the sheet Tiers has a row for it"
                .formatted(name)));
    return reading.plan;
  }

  private void token(Map<String, String> token, Map<String, Map<String, String>> users) {
    String place = "token " + token.get("id");
    String name = token.getOrDefault("name", "Key from new-api");
    String what = "key " + name;
    Map<String, String> user = users.getOrDefault(token.getOrDefault("user_id", ""), Map.of());
    boolean unlimited = isTrue(token.get("unlimited_quota"));
    BigDecimal quota = new BigDecimal(token.getOrDefault("remain_quota", "0"));
    String expired = token.getOrDefault("expired_time", NEVER);
    String refusal = null;
    if (!token.getOrDefault("status", ENABLED).equals(ENABLED)) {
      refusal = "it is switched off, expired or used up; a key without a row is refused";
    } else if (!user.getOrDefault("status", ENABLED).equals(ENABLED)) {
      refusal = "its user is switched off";
    } else if (!unlimited && quota.signum() <= 0) {
      refusal = "its quota is used up";
    } else if (!expired.equals(NEVER) && Long.parseLong(expired) < now.getEpochSecond()) {
      refusal = "it has expired";
    } else if (token.getOrDefault("key", "").isEmpty()) {
      refusal = "it has no key";
    }
    String email =
        EmailAddress.isAddress(user.getOrDefault("email", "")) ? user.get("email") : owner;
    if (refusal == null && email == null) {
      refusal =
          "its user %s has no address; --owner gives such keys one"
              .formatted(user.getOrDefault("username", token.getOrDefault("user_id", "")));
    }
    if (refusal != null) {
      plan.note(place, what, refusal);
      return;
    }
    Map<String, String> cells = new LinkedHashMap<>();
    cells.put(ApiKeySheet.TIER, tier(token, user));
    cells.put(ApiKeySheet.CREATED_AT, created(token));
    if (!expired.equals(NEVER)) {
      cells.put(ApiKeySheet.EXPIRES_AT, Instant.ofEpochSecond(Long.parseLong(expired)).toString());
    }
    if (isTrue(token.get("model_limits_enabled")) && token.containsKey("model_limits")) {
      cells.put(
          ApiKeySheet.ALLOWED_MODELS,
          String.join(", ", NewApiChannels.list(token.get("model_limits"))));
    }
    if (!unlimited) {
      cells.put(
          ApiKeySheet.BUDGET,
          quota.divide(QUOTA_PER_DOLLAR, 2, RoundingMode.UP).stripTrailingZeros().toPlainString());
      plan.note(
          place,
          "quota of " + what,
          "the rest of its quota in US dollars is its budget for each calendar month; lower it by hand when it must not renew");
    }
    if (token.containsKey("allow_ips")) {
      plan.note(place, "allow_ips of " + what, "keys are not limited to addresses");
    }
    plan.key(ImportedKey.ofClear(KEY_PREFIX + token.get("key"), email, name, cells));
  }

  private String tier(Map<String, String> token, Map<String, String> user) {
    String group = token.getOrDefault("group", user.getOrDefault("group", "default"));
    if (group.equals("default") || group.equals("auto")) {
      return tier;
    }
    String name = group.toLowerCase(Locale.ROOT);
    tiers.add(name);
    return name;
  }

  private String created(Map<String, String> token) {
    return token.containsKey("created_time")
        ? Instant.ofEpochSecond(Long.parseLong(token.get("created_time"))).toString()
        : now.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private static boolean isTrue(String text) {
    return text != null && List.of("1", "true").contains(text.toLowerCase(Locale.ROOT));
  }
}
