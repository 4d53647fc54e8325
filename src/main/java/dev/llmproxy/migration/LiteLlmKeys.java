package dev.llmproxy.migration;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Json;
import dev.llmproxy.workbook.ApiKeySheet;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;

/**
 * Reads an export of LiteLLM's table {@code LiteLLM_VerificationToken}, as CSV with a header row or
 * as a JSON list. Its column {@code token} has the hex sha256 of each key. Source of the columns:
 * LiteLLM's {@code schema.prisma}.
 */
public final class LiteLlmKeys {
  private static final Pattern HASH = Pattern.compile("[0-9a-fA-F]{64}");
  private static final Pattern MASK = Pattern.compile("[A-Za-z0-9._*-]{1,40}");
  private static final Set<String> ALL_MODELS = Set.of("all-team-models", "all-proxy-models", "*");

  private final String file;
  private final ImportPlan plan;
  private final String tier;
  private final String owner;
  private final Instant now;

  private LiteLlmKeys(String file, ImportPlan plan, String tier, String owner, Instant now) {
    this.file = file;
    this.plan = plan;
    this.tier = tier;
    this.owner = owner;
    this.now = now;
  }

  /**
   * Adds the keys of a file to a plan.
   *
   * @param tier the tier of the keys
   * @param owner the address for keys without one; null leaves them out
   * @param now keys that have expired by then are left out
   * @throws ImportException when the file cannot be read or has no column {@code token}
   */
  public static void read(Path path, ImportPlan plan, String tier, String owner, Instant now) {
    String file = path.getFileName().toString();
    LiteLlmKeys reading = new LiteLlmKeys(file, plan, tier, owner, now);
    try {
      String text = Files.readString(path);
      if (text.stripLeading().startsWith("[")) {
        reading.json(text);
      } else {
        reading.csv(text);
      }
    } catch (IOException e) {
      throw new ImportException(path + " cannot be read: " + e.getMessage());
    }
  }

  private void csv(String text) throws IOException {
    CSVFormat format =
        CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).setTrim(true).get();
    try (var parser = format.parse(new StringReader(text))) {
      if (!parser.getHeaderNames().contains("token")) {
        throw new ImportException(
            "%s:1: there is no column token; export the table LiteLLM_VerificationToken with its header"
                .formatted(file));
      }
      for (CSVRecord row : parser) {
        Map<String, String> values = new LinkedHashMap<>();
        row.toMap()
            .forEach((name, value) -> {
              if (!value.isEmpty() && !value.equals("NULL") && !value.equals("\\N")) {
                values.put(name, value);
              }
            });
        add(file + ":" + parser.getCurrentLineNumber(), values);
      }
    } catch (IllegalArgumentException | java.io.UncheckedIOException e) {
      throw new ImportException(file + " is not CSV: " + e.getMessage());
    }
  }

  private void json(String text) {
    JsonNode rows;
    try {
      rows = Json.parse(text);
    } catch (IOException e) {
      throw new ImportException(
          file + " is not JSON: " + e.getMessage().lines().findFirst().orElse(""));
    }
    int number = 0;
    for (JsonNode row : rows) {
      number++;
      Map<String, String> values = new LinkedHashMap<>();
      row.properties()
          .forEach(field -> {
            JsonNode value = field.getValue();
            if (!value.isNull()) {
              values.put(field.getKey(), value.isValueNode() ? value.asText() : Json.text(value));
            }
          });
      add("%s, row %d".formatted(file, number), values);
    }
  }

  private void add(String place, Map<String, String> row) {
    String token = row.getOrDefault("token", "");
    String name = row.getOrDefault("key_alias", row.getOrDefault("key_name", "Key from LiteLLM"));
    String what = "key " + name;
    if (!HASH.matcher(token).matches() && !token.startsWith("sk-")) {
      plan.note(place, what, "its token is neither a sha256 in hex nor a key");
      return;
    }
    if (isTrue(row.get("blocked"))) {
      plan.note(place, what, "it is blocked; a key without a row is refused");
      return;
    }
    String expires = row.containsKey("expires") ? instant(row.get("expires")) : "";
    if (expires == null) {
      plan.note(place, what, "its expires `%s` is no date".formatted(row.get("expires")));
      return;
    }
    if (!expires.isEmpty() && Instant.parse(expires).isBefore(now)) {
      plan.note(place, what, "it expired at " + expires);
      return;
    }
    String email = email(row);
    if (email == null) {
      plan.note(place, what, "it has no owner with an address; --owner gives such keys one");
      return;
    }
    Map<String, String> cells = cells(place, what, row);
    if (!expires.isEmpty()) {
      cells.put(ApiKeySheet.EXPIRES_AT, expires);
    }
    String shown = row.getOrDefault("key_name", "");
    plan.key(
        token.startsWith("sk-")
            ? ImportedKey.ofClear(token, email, name, cells)
            : new ImportedKey(
                token.toLowerCase(Locale.ROOT),
                MASK.matcher(shown).matches() ? shown.replace("...", "…") : "sk-…",
                email,
                name,
                cells));
  }

  private Map<String, String> cells(String place, String what, Map<String, String> row) {
    Map<String, String> cells = new LinkedHashMap<>();
    cells.put(ApiKeySheet.TIER, tier);
    String created = row.containsKey("created_at") ? instant(row.get("created_at")) : null;
    cells.put(
        ApiKeySheet.CREATED_AT,
        created == null ? now.truncatedTo(ChronoUnit.SECONDS).toString() : created);
    List<String> models = list(row.getOrDefault("models", ""));
    if (!models.isEmpty() && models.stream().noneMatch(ALL_MODELS::contains)) {
      cells.put(ApiKeySheet.ALLOWED_MODELS, String.join(", ", models));
    } else if (models.contains("all-team-models")) {
      plan.note(place, "models of the team of " + what, "the key may use all models of its tier");
    }
    if (row.containsKey("max_budget")) {
      cells.put(ApiKeySheet.BUDGET, plain(row.get("max_budget")));
      if (!row.getOrDefault("budget_duration", "").matches("1mo|30d|31d")) {
        plan.note(
            place,
            "budget_duration of " + what,
            "its budget is for each calendar month, UTC, and begins with what it spends from now on");
      }
    }
    if (row.containsKey("rpm_limit")) {
      cells.put(ApiKeySheet.REQUESTS_PER_MINUTE, plain(row.get("rpm_limit")));
    }
    for (String limit : List.of("tpm_limit", "max_parallel_requests", "team_id")) {
      if (row.containsKey(limit)) {
        plan.note(
            place,
            limit + " of " + what,
            "tiers have it: the sheet Tiers and --tier (docs/operation.md)");
      }
    }
    return cells;
  }

  private String email(Map<String, String> row) {
    for (String column : List.of("user_email", "user_id")) {
      String value = row.getOrDefault(column, "");
      if (EmailAddress.isAddress(value)) {
        return value;
      }
    }
    return owner;
  }

  /** A list as PostgreSQL ({@code {a,b}}), JSON or a person writes it. */
  private static List<String> list(String text) {
    String inner = text.replaceAll("^[\\[{]|[]}]$", "");
    return Arrays.stream(inner.split(","))
        .map(each -> each.strip().replaceAll("^\"|\"$", ""))
        .filter(each -> !each.isEmpty())
        .collect(Collectors.toCollection(ArrayList::new));
  }

  private static boolean isTrue(String text) {
    return text != null && (text.equalsIgnoreCase("true") || text.equals("t") || text.equals("1"));
  }

  private static String plain(String number) {
    try {
      return new BigDecimal(number).stripTrailingZeros().toPlainString();
    } catch (NumberFormatException e) {
      return number;
    }
  }

  /** An ISO-8601 time in UTC; null when the text is none. */
  static String instant(String text) {
    String iso = text.strip().replace(' ', 'T').replaceFirst("([+-]\\d\\d)$", "$1:00");
    try {
      Instant time =
          iso.matches(".*(Z|[+-]\\d\\d:\\d\\d)$")
              ? OffsetDateTime.parse(iso).toInstant()
              : LocalDateTime.parse(iso).toInstant(ZoneOffset.UTC);
      return time.truncatedTo(ChronoUnit.SECONDS).toString();
    } catch (DateTimeException e) {
      return null;
    }
  }
}
