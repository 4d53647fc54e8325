package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Limit;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.Status;
import dev.llmproxy.error.AdminErrors;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.ledger.LedgerException;
import dev.llmproxy.ledger.UsageBy;
import dev.llmproxy.ledger.UsageFilter;
import dev.llmproxy.ledger.UsageOrder;
import dev.llmproxy.ledger.UsagePage;
import dev.llmproxy.ledger.UsageRow;
import dev.llmproxy.ledger.UsageStatistics;
import dev.llmproxy.ledger.UsageSum;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Usage and cost for the management pages. A person who is no administrator gets the sums of the
 * own requests alone. Days and months are in UTC. Every method fails with 400 for a wrong
 * parameter, 403 for another person's usage, and 503 when the ledger cannot be read.
 */
public final class UsageReport {
  private static final int DAYS = 30;
  private static final int ROWS = 50;
  private static final int MOST_ROWS = 1000;
  private static final int MOST_CSV_ROWS = 100_000;
  private static final int CENTS = 2;
  private static final String CSV = "csv";

  private final UsageStatistics statistics;
  private final KeyDirectory keys;
  private final Tiers tiers;
  private final Clock clock;

  public UsageReport(UsageStatistics statistics, KeyDirectory keys, Tiers tiers, Clock clock) {
    this.statistics = statistics;
    this.keys = keys;
    this.tiers = tiers;
    this.clock = clock;
  }

  /** Whether the request asks for a CSV file. */
  public boolean wantsCsv(Exchange exchange) {
    return AdminQuery.of(exchange).word("format", "json", List.of(CSV)).equals(CSV);
  }

  /** Rows by day, model, key, user or status, and their total. */
  public ObjectNode rows(
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session, Exchange exchange) {
    AdminQuery query = AdminQuery.of(exchange);
    UsageBy by = by(query);
    UsageFilter filter = filter(query, session);
    UsagePage page =
        page(
            query,
            by,
            filter,
            query.number("offset", 0, 0, Integer.MAX_VALUE),
            query.number("limit", ROWS, 1, MOST_ROWS));
    ObjectNode answer =
        Json.object()
            .put("by", word(by))
            .put("from", filter.from().toString())
            .put("to", filter.to().toString())
            .put("count", page.count());
    ArrayNode rows = answer.putArray("rows");
    page.rows().forEach(row -> rows.add(row(row)));
    answer.set("total", UsageRows.sum(Json.object(), read(() -> statistics.sum(filter))));
    return answer;
  }

  /** The same rows as a CSV file. */
  public String csv(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session,
      Exchange exchange) {
    context.reply().header("Cache-Control", "no-store");
    context.reply().header("X-Content-Type-Options", "nosniff");
    AdminQuery query = AdminQuery.of(exchange);
    UsageBy by = by(query);
    UsagePage page = page(query, by, filter(query, session), 0, MOST_CSV_ROWS);
    return UsageRows.csv(by, page.rows(), this::keyName, "\r\n");
  }

  /** A month's cost by user or key; for the current month with budgets and a forecast. */
  public ObjectNode billing(
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session, Exchange exchange) {
    AdminQuery query = AdminQuery.of(exchange);
    YearMonth month = month(query);
    UsageBy by =
        query.word("by", "user", List.of("key")).equals("key") ? UsageBy.KEY : UsageBy.USER;
    UsageFilter filter =
        UsageFilter.of(month.atDay(1), month.atEndOfMonth()).ofPerson(own(session));
    Instant now = clock.instant();
    ObjectNode answer =
        Json.object()
            .put("month", month.toString())
            .put("by", word(by))
            .put("current", month.equals(YearMonth.from(now.atOffset(ZoneOffset.UTC))));
    UsageSum total = read(() -> statistics.sum(filter));
    answer.set("total", forecast(UsageRows.sum(Json.object(), total), total, month, now));
    UsagePage page =
        page(
            query,
            by,
            filter,
            query.number("offset", 0, 0, Integer.MAX_VALUE),
            query.number("limit", ROWS, 1, MOST_ROWS));
    answer.put("count", page.count());
    ArrayNode rows = answer.putArray("rows");
    Function<UsageRow, Limit> budget =
        answer.path("current").booleanValue() ? budgets(by) : row -> Limit.UNLIMITED;
    for (UsageRow row : page.rows()) {
      ObjectNode json = forecast(row(row), row.sum(), month, now);
      Limit most = budget.apply(row);
      rows.add(most.unlimited() ? json : json.put("budget", most.toString()));
    }
    ArrayNode unpriced = answer.putArray("unpriced_models");
    if (total.unpriced() > 0) {
      read(() -> statistics.page(UsageBy.MODEL, filter, UsageOrder.REQUESTS, true, 0, MOST_ROWS))
          .rows()
          .stream()
          .filter(row -> row.sum().unpriced() > 0)
          .forEach(row ->
              unpriced
                  .addObject()
                  .put("model", row.name())
                  .put("unpriced_requests", row.sum().unpriced()));
    }
    return answer;
  }

  /** The address whose usage a session may see; null for everybody's. */
  static String own(AdminSession session) {
    return session.isAdministrator() ? null : session.email();
  }

  /**
   * The wanted address; that of the session for a person who is no administrator; null for
   * everybody.
   */
  static String email(AdminQuery query, AdminSession session) {
    String email = query.text("email", null);
    if (email != null && !session.mayManage(email)) {
      throw AdminErrors.adminOnly().asException();
    }
    return email == null ? own(session) : email;
  }

  static Status status(AdminQuery query) {
    String status =
        query.word("status", "", Arrays.stream(Status.values()).map(Enum::name).toList());
    return status.isEmpty() ? null : Status.valueOf(status);
  }

  /** The result; 503 when the ledger cannot be read. */
  static <T> T read(Supplier<T> reading) {
    try {
      return reading.get();
    } catch (LedgerException e) {
      throw OpenAiErrors.unavailable("The ledger cannot be read right now. Try again shortly.")
          .asException();
    }
  }

  private UsagePage page(AdminQuery query, UsageBy by, UsageFilter filter, int offset, int limit) {
    UsageOrder order =
        enumOf(
            UsageOrder.class, query, "sort", by == UsageBy.DAY ? UsageOrder.NAME : UsageOrder.COST);
    boolean descending =
        query
            .word("order", order == UsageOrder.NAME ? "asc" : "desc", List.of("asc", "desc"))
            .equals("desc");
    return read(() -> statistics.page(by, filter, order, descending, offset, limit));
  }

  private UsageFilter filter(AdminQuery query, AdminSession session) {
    LocalDate to = query.day("to").orElse(LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC));
    LocalDate from = query.day("from").orElse(to.minusDays(DAYS - 1));
    if (from.isAfter(to)) {
      throw OpenAiErrors.invalidValue("from", "It must not be after the last day.").asException();
    }
    return new UsageFilter(
        from,
        to,
        email(query, session),
        query.text("key", null),
        query.text("model", null),
        status(query));
  }

  private YearMonth month(AdminQuery query) {
    try {
      return query
          .text("month")
          .map(YearMonth::parse)
          .orElseGet(() -> YearMonth.from(clock.instant().atOffset(ZoneOffset.UTC)));
    } catch (DateTimeException e) {
      throw OpenAiErrors.invalidValue("month", "It must be a month such as 2026-11.").asException();
    }
  }

  /** The budget of a row: that of its key, or of all usable keys of its user together. */
  private Function<UsageRow, Limit> budgets(UsageBy by) {
    if (by == UsageBy.KEY) {
      return row -> keys.caller(row.keyHash()).map(this::budget).orElse(Limit.UNLIMITED);
    }
    Map<String, Limit> ofUsers = new HashMap<>();
    keys.callers()
        .forEach(caller ->
            ofUsers.merge(EmailAddress.folded(caller.email()), budget(caller), UsageReport::sum));
    return row -> ofUsers.getOrDefault(EmailAddress.folded(row.name()), Limit.UNLIMITED);
  }

  private Limit budget(Caller caller) {
    return caller.within(tiers.of(caller.tier())).limits().budget();
  }

  private static Limit sum(Limit one, Limit other) {
    return one.unlimited() || other.unlimited()
        ? Limit.UNLIMITED
        : new Limit(one.most().add(other.most()));
  }

  private ObjectNode row(UsageRow row) {
    return UsageRows.json(row, this::keyName);
  }

  private String keyName(UsageRow row) {
    return row.keyHash() == null
        ? ""
        : keys.find(row.keyHash()).map(key -> key.caller().keyName()).orElse("");
  }

  /** The cost at the month's end if the rest of the month is like the part that has passed. */
  private static ObjectNode forecast(ObjectNode json, UsageSum sum, YearMonth month, Instant now) {
    Instant begin = month.atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant();
    Instant end = month.plusMonths(1).atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant();
    if (now.isBefore(end) && !now.isBefore(begin) && !sum.costUnknown()) {
      // The first hours of a month say little about it.
      long passed =
          Math.max(Duration.between(begin, now).toMillis(), Duration.ofDays(1).toMillis());
      json.put(
          "forecast",
          sum.cost()
              .multiply(BigDecimal.valueOf(Duration.between(begin, end).toMillis()))
              .divide(BigDecimal.valueOf(passed), CENTS, RoundingMode.HALF_UP)
              .toPlainString());
    }
    return json;
  }

  private static UsageBy by(AdminQuery query) {
    return enumOf(UsageBy.class, query, "by", UsageBy.DAY);
  }

  private static <E extends Enum<E>> E enumOf(
      Class<E> type, AdminQuery query, String name, E absent) {
    List<String> words = Arrays.stream(type.getEnumConstants()).map(UsageReport::word).toList();
    return Enum.valueOf(type, query.word(name, word(absent), words).toUpperCase(Locale.ROOT));
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
