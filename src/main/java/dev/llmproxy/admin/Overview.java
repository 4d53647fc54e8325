package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.base.Json;
import dev.llmproxy.flush.UsageFlush;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.ledger.UsageFilter;
import dev.llmproxy.ledger.UsageStatistics;
import dev.llmproxy.ledger.UsageSum;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import org.apache.camel.ExchangeProperty;

/** What happens today, and what needs attention. */
public final class Overview {
  private static final int HOURS = 24;
  private static final int MOST_PROBLEMS = 20;
  private static final long MANY_WAITING = 10_000;
  private static final String CLOSED = "closed";

  private final UsageStatistics statistics;
  private final ModelHealth models;
  private final KeyDirectory keys;
  private final UsageFlush flush;
  private final Clock clock;

  public Overview(
      UsageStatistics statistics,
      ModelHealth models,
      KeyDirectory keys,
      UsageFlush flush,
      Clock clock) {
    this.statistics = statistics;
    this.models = models;
    this.keys = keys;
    this.flush = flush;
    this.clock = clock;
  }

  /**
   * The sums of today and yesterday (UTC days), of each of the last 24 hours, and what an
   * administrator should look at. A person who is no administrator gets the sums of the own
   * requests alone.
   *
   * @throws dev.llmproxy.error.ApiException 503 when the ledger cannot be read
   */
  public ObjectNode report(@ExchangeProperty(AdminSession.PROPERTY) AdminSession session) {
    Instant now = clock.instant();
    LocalDate today = LocalDate.ofInstant(now, ZoneOffset.UTC);
    String own = UsageReport.own(session);
    ObjectNode answer = Json.object().put("at", now.toString());
    answer.set("today", day(today, own));
    answer.set("yesterday", day(today.minusDays(1), own));
    Instant first = now.truncatedTo(ChronoUnit.HOURS).minus(HOURS - 1L, ChronoUnit.HOURS);
    Map<Instant, UsageSum> hours = UsageReport.read(() -> statistics.hours(first, now, own));
    ArrayNode list = answer.putArray("hours");
    for (int i = 0; i < HOURS; i++) {
      Instant hour = first.plus(i, ChronoUnit.HOURS);
      UsageReport.sum(
          list.addObject().put("hour", hour.toString()), hours.getOrDefault(hour, UsageSum.NONE));
    }
    ArrayNode attention = answer.putArray("attention");
    if (session.isAdministrator()) {
      addModels(attention);
      addKeys(attention);
      addWorkbook(attention);
    }
    return answer;
  }

  private ObjectNode day(LocalDate day, String email) {
    UsageFilter filter = UsageFilter.of(day, day).ofPerson(email);
    return UsageReport.sum(Json.object(), UsageReport.read(() -> statistics.sum(filter)));
  }

  private void addModels(ArrayNode attention) {
    models.views().stream()
        .filter(view -> !view.breaker().equals(CLOSED))
        .limit(MOST_PROBLEMS)
        .forEach(view ->
            add(
                attention,
                "provider",
                "%s fails and is asked only now and then: %s"
                    .formatted(view.model(), view.lastError())));
  }

  private void addKeys(ArrayNode attention) {
    keys.problems().stream()
        .limit(MOST_PROBLEMS)
        .forEach(problem -> add(attention, "key_sheet", "Sheet of keys, " + problem));
    int others = keys.problems().size() - MOST_PROBLEMS;
    if (others > 0) {
      add(attention, "key_sheet", others + " more rows of the sheet of keys have problems.");
    }
  }

  private void addWorkbook(ArrayNode attention) {
    if (flush.problem() != null) {
      add(
          attention,
          "workbook",
          "Usage is not written to the workbook; the ledger stores it. " + flush.problem());
    } else if (flush.waiting() > MANY_WAITING) {
      add(
          attention,
          "workbook",
          "The workbook is %d requests behind the ledger.".formatted(flush.waiting()));
    }
    long deadLetters = UsageReport.read(flush::deadLetters);
    if (deadLetters > 0) {
      add(
          attention,
          "dead_letters",
          deadLetters
              + " records are refused by the workbook. ./llmproxy dead-letters shows them, and tries them again.");
    }
  }

  private static void add(ArrayNode attention, String about, String text) {
    attention.addObject().put("about", about).put("text", text);
  }
}
