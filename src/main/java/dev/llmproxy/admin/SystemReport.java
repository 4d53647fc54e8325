package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.KnownSettings;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.Version;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.KeyProblem;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.ledger.Ledger;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Properties;
import java.util.regex.Pattern;

/** The state of this server for administrators: versions, sheets, settings. */
public final class SystemReport {
  private static final int MOST_PROBLEMS = 200;

  /** Names of settings whose value is never shown. */
  private static final Pattern SECRET =
      Pattern.compile(
          ".*(KEY|KEYS|SECRET|TOKEN|PASSWORD|WEBHOOK|WEBHOOK_URL|JAAS_CONFIG)|DATABASE_URL|REDIS_URL");

  /** The part of an address that may have a password or a key. */
  private static final Pattern PRIVATE = Pattern.compile("//[^/@\\s]*@|\\?\\S*");

  private final Settings settings;
  private final KeyDirectory keys;
  private final Tiers tiers;
  private final Ledger ledger;
  private final SyncReport sync;
  private final LiveEdits live;
  private final Clock clock;
  private final Instant started;
  private final Properties defaults = defaults();

  public SystemReport(
      Settings settings,
      KeyDirectory keys,
      Tiers tiers,
      Ledger ledger,
      SyncReport sync,
      LiveEdits live,
      Instant started,
      Clock clock) {
    this.settings = settings;
    this.keys = keys;
    this.tiers = tiers;
    this.ledger = ledger;
    this.sync = sync;
    this.clock = clock;
    this.live = live;
    this.started = started;
  }

  /** The report. Contains no secret. */
  public ObjectNode report() {
    ObjectNode report =
        Json.object()
            .put("version", Version.current())
            .put("java", Runtime.version().toString())
            .put("started_at", started.toString())
            .put("uptime_seconds", Duration.between(started, clock.instant()).toSeconds());
    report
        .putObject("ledger")
        .put("database", settings.find("DATABASE_URL").isPresent() ? "PostgreSQL" : "SQLite")
        .put("settled", ledger.lastSequence());
    ObjectNode sheet =
        report
            .putObject("keys")
            .put("read_at", keys.readAt().map(Instant::toString).orElse(null))
            .put("usable", keys.loaded())
            .put("count", keys.size());
    put(sheet.putArray("problems"), keys.problems());
    put(report.putObject("tiers").putArray("problems"), tiers.problems());
    report.set("sync", sync.report());
    report.set("generation", live.report());
    ArrayNode list = report.putArray("settings");
    KnownSettings.all().keySet().forEach(name -> list.add(setting(name)));
    return report;
  }

  private static void put(ArrayNode list, List<KeyProblem> problems) {
    for (KeyProblem problem : problems.stream().limit(MOST_PROBLEMS).toList()) {
      list.addObject()
          .put("row", problem.row())
          .put("what", problem.what())
          .put("remedy", problem.remedy());
    }
  }

  private ObjectNode setting(String name) {
    String value = settings.find(name).orElse("");
    boolean secret = SECRET.matcher(name).matches();
    String shown =
        PRIVATE.matcher(value).replaceAll(found -> found.group().charAt(0) == '/' ? "//…@" : "?…");
    return Json.object()
        .put("name", name)
        .put("value", secret && !value.isEmpty() ? "…" : shown)
        .put("secret", secret)
        .put("origin", origin(name, value));
  }

  private String origin(String name, String value) {
    String where = settings.where(name);
    boolean standard = value.equals(defaults.getProperty(name, "").strip());
    return standard && (where.startsWith("application.properties") || where.equals("not set"))
        ? "default"
        : where;
  }

  private static Properties defaults() {
    try (InputStream in =
        SystemReport.class.getResourceAsStream("/dev/llmproxy/settings/application.properties")) {
      Properties properties = new Properties();
      properties.load(new InputStreamReader(in, StandardCharsets.UTF_8));
      return properties;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
