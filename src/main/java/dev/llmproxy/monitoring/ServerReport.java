package dev.llmproxy.monitoring;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Version;
import dev.llmproxy.flush.UsageFlush;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import dev.llmproxy.ledger.UsageMeter;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/** The state of the server, for operators: version, keys, ledger, flush. Contains no secret. */
public final class ServerReport {
  private final KeyDirectory keys;
  private final Ledger ledger;
  private final UsageMeter meter;
  private final UsageFlush flush;
  private final Clock clock;
  private final Instant started;

  public ServerReport(
      KeyDirectory keys, Ledger ledger, UsageMeter meter, UsageFlush flush, Clock clock) {
    this.keys = keys;
    this.ledger = ledger;
    this.meter = meter;
    this.flush = flush;
    this.clock = clock;
    started = clock.instant();
  }

  /** The report. What the ledger cannot tell now is absent. */
  ObjectNode report() {
    Instant now = clock.instant();
    ObjectNode report =
        Json.object()
            .put("version", Version.current())
            .put("java", Runtime.version().toString())
            .put("started_at", started.toString())
            .put("uptime_seconds", Duration.between(started, now).toSeconds());
    ObjectNode directory =
        report.putObject("keys").put("usable", keys.loaded()).put("count", keys.size());
    keys.readAt()
        .ifPresent(read -> directory.put("age_seconds", Duration.between(read, now).toSeconds()));
    ObjectNode records =
        report
            .putObject("ledger")
            .put("works", ledger.works())
            .put("queue", ledger.queue())
            .put("requests_under_way", meter.running().size());
    ObjectNode workbook =
        report
            .putObject("flush")
            .put("writes_here", flush.leading())
            .put("problem", flush.problem());
    try {
      UsageFlush.Backlog backlog = flush.backlog();
      workbook
          .put("waiting", backlog.records())
          .put("oldest_waiting_seconds", backlog.oldest().toSeconds())
          .put("dead_letters", flush.deadLetters());
    } catch (LedgerException e) {
      records.put("problem", e.getMessage());
    }
    return report;
  }
}
