package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.attempt.ModelHealth;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.flush.UsageFlush;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.ledger.Spending;
import dev.llmproxy.ledger.UsageEvents;
import dev.llmproxy.ledger.UsageFilter;
import dev.llmproxy.ledger.UsageStatistics;
import dev.llmproxy.ledger.UsageSum;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.apache.camel.ExchangeProperty;

/** What happens today, and what needs attention. */
public final class Overview {
  private static final int HOURS = 24;
  private static final int MOST_PROBLEMS = 20;
  private static final long MANY_WAITING = 10_000;
  private static final BigDecimal NEAR = new BigDecimal("0.8");
  private static final String CLOSED = "closed";

  private final UsageStatistics statistics;
  private final ModelHealth models;
  private final KeyDirectory keys;
  private final Tiers tiers;
  private final UsageFlush flush;
  private final UsageEvents events;
  private final Clock clock;

  public Overview(
      UsageStatistics statistics,
      ModelHealth models,
      KeyDirectory keys,
      Tiers tiers,
      UsageFlush flush,
      UsageEvents events,
      Clock clock) {
    this.statistics = statistics;
    this.models = models;
    this.keys = keys;
    this.tiers = tiers;
    this.flush = flush;
    this.events = events;
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
      UsageRows.sum(
          list.addObject().put("hour", hour.toString()), hours.getOrDefault(hour, UsageSum.NONE));
    }
    ArrayNode attention = answer.putArray("attention");
    if (session.isAdministrator()) {
      addModels(attention);
      addKeys(attention);
      addTiers(attention);
      addBudgets(attention, YearMonth.from(today));
      addWorkbook(attention);
      addUndelivered(attention);
    }
    return answer;
  }

  private ObjectNode day(LocalDate day, String email) {
    UsageFilter filter = UsageFilter.of(day, day).ofPerson(email);
    return UsageRows.sum(Json.object(), UsageReport.read(() -> statistics.sum(filter)));
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

  private void addTiers(ArrayNode attention) {
    tiers.problems().stream()
        .limit(MOST_PROBLEMS)
        .forEach(problem -> add(attention, "tier_sheet", "Sheet of tiers, " + problem));
  }

  /** Keys that have spent most of their budget, those with the least left first. */
  private void addBudgets(ArrayNode attention, YearMonth month) {
    List<Caller> limited =
        keys.callers().stream()
            .map(caller -> caller.within(tiers.of(caller.tier())))
            .filter(caller -> !caller.limits().budget().unlimited())
            .toList();
    if (limited.isEmpty()) {
      return;
    }
    Map<String, Spending> spent = UsageReport.read(() -> statistics.spent(month));
    record Near(Caller caller, BigDecimal spent, BigDecimal budget) {
      BigDecimal left() {
        return budget.subtract(spent);
      }
    }
    limited.stream()
        .filter(caller -> spent.containsKey(caller.keyHash()))
        .map(caller ->
            new Near(caller, spent.get(caller.keyHash()).cost(), caller.limits().budget().most()))
        .filter(near -> near.spent.compareTo(near.budget.multiply(NEAR)) >= 0)
        .sorted(Comparator.comparing(Near::left))
        .limit(MOST_PROBLEMS)
        .forEach(near ->
            add(
                attention,
                "budget",
                "%s, key \"%s\": $%s of the budget of $%s of this month is spent."
                    .formatted(
                        near.caller.email(),
                        near.caller.keyName(),
                        near.spent.setScale(2, RoundingMode.HALF_UP).toPlainString(),
                        near.budget.toPlainString())));
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
              + " records are refused by the workbook. The page System shows them, and tries them again.");
    }
  }

  private void addUndelivered(ArrayNode attention) {
    UsageReport.read(events::consumers).stream()
        .filter(consumer -> consumer.problem() != null)
        .forEach(consumer ->
            add(
                attention,
                "usage_events",
                "The route %s has not delivered %d settled requests, and tries them again: %s"
                    .formatted(consumer.name(), consumer.waiting(), consumer.problem())));
  }

  private static void add(ArrayNode attention, String about, String text) {
    attention.addObject().put("about", about).put("text", text);
  }
}
