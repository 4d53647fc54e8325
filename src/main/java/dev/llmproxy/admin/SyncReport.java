package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.conversation.ConversationFlush;
import dev.llmproxy.flush.UsageFlush;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.ledger.LedgerException;
import dev.llmproxy.workbook.SyncTimes;
import dev.llmproxy.workbook.Workbook;
import java.time.Instant;

/** How far this server and the workbook agree: what was read and written, and what waits. */
public final class SyncReport {
  private final Workbook workbook;
  private final KeyDirectory keys;
  private final UsageFlush usage;
  private final ConversationFlush conversations;

  public SyncReport(
      Workbook workbook, KeyDirectory keys, UsageFlush usage, ConversationFlush conversations) {
    this.workbook = workbook;
    this.keys = keys;
    this.usage = usage;
    this.conversations = conversations;
  }

  /** The report. The numbers of records are absent while the ledger cannot be read. */
  ObjectNode report() {
    ObjectNode report =
        Json.object()
            .put("workbook", workbook.address())
            .put("kind", kind())
            .put("writes_here", usage.leading());
    put(report.putObject("keys"), keys.times());
    ObjectNode rows = put(report.putObject("usage"), usage.times());
    rows.put("problem", usage.problem());
    ObjectNode stored = put(report.putObject("conversations"), conversations.times());
    try {
      UsageFlush.Backlog backlog = usage.backlog();
      rows.put("waiting", backlog.records())
          .put("oldest_waiting_seconds", backlog.oldest().toSeconds())
          .put("dead_letters", usage.deadLetters());
      stored.put("waiting", conversations.waiting());
    } catch (LedgerException e) {
      report.put("ledger_problem", e.getMessage());
    }
    return report;
  }

  private String kind() {
    return workbook.account().isPresent() ? "google" : workbook.runsHere() ? "embedded" : "other";
  }

  private static ObjectNode put(ObjectNode part, SyncTimes times) {
    part.put("succeeded_at", times.success().map(Instant::toString).orElse(null));
    return part.put("failed_at", times.failure().map(failed -> failed.at().toString()).orElse(null))
        .put("failure", times.failure().map(SyncTimes.Failure::why).orElse(null));
  }
}
