package dev.llmproxy.doctor;

import dev.llmproxy.base.Settings;
import dev.llmproxy.ledger.LedgerException;
import dev.llmproxy.ledger.LedgerState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Checks that the ledger is undamaged and that its records reach the workbook. */
final class LedgerCheck {
  private static final String CHECK = "ledger";
  private static final long MANY_UNFLUSHED = 10_000;

  private final Settings settings;

  LedgerCheck(Settings settings) {
    this.settings = settings;
  }

  List<Finding> run() {
    Optional<LedgerState> state;
    try {
      state = LedgerState.of(settings);
    } catch (LedgerException e) {
      return List.of(
          Finding.problem(
              CHECK,
              e.getMessage(),
              "Check LLMPROXY_DATA or DATABASE_URL; restore a damaged file from a backup"));
    }
    return state
        .map(LedgerCheck::findings)
        .orElse(List.of(Finding.ok(CHECK, "will be created by the first start")));
  }

  static List<Finding> findings(LedgerState ledger) {
    List<Finding> findings = new ArrayList<>();
    if (!ledger.damage().equals("ok")) {
      findings.add(
          Finding.problem(
              CHECK,
              ledger.name() + " is damaged: " + ledger.damage(),
              "Stop the server and restore the file from a backup"));
    }
    if (ledger.pendingMigrations() > 0) {
      findings.add(
          Finding.ok(
              CHECK,
              "the next start will run %d migrations".formatted(ledger.pendingMigrations())));
    } else if (ledger.pendingMigrations() < 0) {
      findings.add(
          Finding.problem(
              CHECK,
              ledger.name() + " was created by a newer llmproxy",
              "Run that version, or set LLMPROXY_DATA to another folder"));
    }
    findings.add(
        Finding.ok(
            CHECK,
            "%s: %d records, %d requests under way"
                .formatted(ledger.name(), ledger.settled(), ledger.underWay())));
    ledger
        .flushed()
        .ifPresent(flushed -> {
          long waiting = ledger.settled() - flushed;
          String what =
              waiting == 0
                  ? "all records are in the workbook"
                  : "%d records are not in the workbook yet, the oldest for %d s"
                      .formatted(waiting, ledger.behind().toSeconds());
          findings.add(
              waiting >= MANY_UNFLUSHED
                  ? Finding.warning(CHECK, what, "See the log for the reason")
                  : Finding.ok(CHECK, what));
        });
    if (ledger.deadLetters() > 0) {
      findings.add(
          Finding.warning(
              CHECK,
              "the workbook has refused %d records".formatted(ledger.deadLetters()),
              "./llmproxy dead-letters shows them and the reasons"));
    }
    for (String undelivered : ledger.undelivered()) {
      findings.add(
          Finding.problem(
              CHECK, undelivered, "The server tries it again and skips none; see the log"));
    }
    return findings;
  }
}
