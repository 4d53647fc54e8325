package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Json;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.gate.Limits;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.KeyRecord;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rows of the sheet of keys for the page Keys. They are in memory while somebody uses the page:
 * each reading of the sheet replaces them.
 */
public final class KeyList {
  private static final Logger LOG = LoggerFactory.getLogger(KeyList.class);
  private static final Duration USED = Duration.ofMinutes(10);
  private static final int MOST = 500;
  private static final String ALL = "all";
  private static final List<String> STATES = List.of("usable", "revoked", "expired", "refused");
  private static final Map<String, Function<Entry, Comparable<?>>> ORDERS =
      Map.of(
          "email", entry -> EmailAddress.folded(entry.row.email()),
          "name", entry -> entry.row.keyName().toLowerCase(Locale.ROOT),
          "tier", entry -> entry.row.tier(),
          "created", entry -> entry.row.createdAt(),
          "last_used", entry -> entry.row.lastUsed(),
          "requests", entry -> entry.row.requests(),
          "tokens", entry -> entry.row.tokens(),
          "expires", entry -> entry.row.expiresAt());

  private final KeyDirectory directory;
  private final Tiers tiers;
  private final Limits limits;
  private final Clock clock;
  private final Clock steady;
  private volatile Map<String, ApiKeyRow> rows;
  private volatile Instant usedUntil = Instant.MIN;

  KeyList(KeyDirectory directory, Tiers tiers, Limits limits, Clock clock, Clock steady) {
    this.directory = directory;
    this.tiers = tiers;
    this.limits = limits;
    this.clock = clock;
    this.steady = steady;
  }

  /** Whether the sheet must be read first. The rows stay in memory for some minutes from now. */
  public boolean missing() {
    usedUntil = steady.instant().plus(USED);
    return rows == null;
  }

  /**
   * Takes the rows of a reading, unless nobody uses the page.
   *
   * @param values as in {@link KeyDirectory#load}
   */
  public void load(List<List<Object>> values) {
    if (!steady.instant().isBefore(usedUntil)) {
      rows = null;
      return;
    }
    Map<String, ApiKeyRow> fresh = new LinkedHashMap<>();
    for (ApiKeyRow row : new ApiKeySheet(values == null ? List.of() : values).rows()) {
      ApiKey.hashOfCell(row.apiKey()).ifPresent(hash -> fresh.putIfAbsent(hash, row));
    }
    rows = Collections.unmodifiableMap(fresh);
  }

  /** Has the sheet read before the next use. */
  void forget() {
    rows = null;
  }

  /**
   * Refuses a request because the sheet cannot be read.
   *
   * @throws ApiException 503, always
   */
  public void unavailable(@ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception why) {
    LOG.warn("The page Keys cannot be shown: {}", why.toString());
    throw OpenAiErrors.unavailable("The workbook cannot be read right now. Try again shortly.")
        .asException();
  }

  /** The row of a key; empty when the last reading had none. */
  Optional<ApiKeyRow> row(String id) {
    Map<String, ApiKeyRow> now = rows;
    return Optional.ofNullable(now == null ? null : now.get(id));
  }

  /** The number of usable keys of an address. */
  long usable(String email) {
    return entries()
        .filter(entry -> EmailAddress.folded(entry.row.email()).equals(email))
        .filter(entry -> entry.state.equals("usable"))
        .count();
  }

  /**
   * A page of the keys that the person may see. Query: {@code search} (in address, name, notes, the
   * masked key), {@code status}, {@code sort}, {@code order}, {@code page} (from 1), {@code size}.
   * Administrators also get the names of the tiers.
   *
   * @throws ApiException 400 for a wrong parameter
   */
  public ObjectNode list(
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session, Exchange exchange) {
    AdminQuery query = AdminQuery.of(exchange);
    String search = query.text("search", "").toLowerCase(Locale.ROOT);
    String status = query.word("status", ALL, STATES);
    String sort = query.word("sort", "", List.copyOf(ORDERS.keySet()));
    boolean down = query.word("order", "asc", List.of("asc", "desc")).equals("desc");
    int page = query.number("page", 1, 1, Integer.MAX_VALUE);
    int size = query.number("size", 50, 1, MOST);
    Predicate<Entry> wanted =
        entry ->
            session.mayManage(entry.row.email())
                && (status.equals(ALL) || entry.state.equals(status))
                && entry.has(search);
    List<Entry> found = entries().filter(wanted).sorted(order(sort, down)).toList();
    ObjectNode answer =
        Json.object().put("total", found.size()).put("page", page).put("size", size);
    ArrayNode keys = answer.putArray("keys");
    found.stream()
        .skip((long) (page - 1) * size)
        .limit(size)
        .forEach(one -> keys.add(withUse(one)));
    if (session.isAdministrator()) {
      ArrayNode names = answer.putArray("tiers");
      tiers.all().forEach(tier -> names.add(tier.name()));
    }
    return answer;
  }

  /** The key with what it has used of its limits now. */
  private ObjectNode withUse(Entry entry) {
    ObjectNode key = entry.json();
    ArrayNode use = key.putArray("use");
    directory
        .caller(entry.id)
        .map(caller -> limits.use(caller.within(tiers.of(caller.tier()))))
        .orElse(List.of())
        .forEach(one ->
            use.addObject()
                .put("limit", one.limit())
                .put("most", one.most())
                .put("used", one.used()));
    return key;
  }

  @SuppressWarnings("unchecked")
  private static Comparator<Entry> order(String sort, boolean down) {
    Function<Entry, Comparable<?>> by =
        sort.isEmpty() ? entry -> entry.row.number() : ORDERS.get(sort);
    Comparator<Entry> order = Comparator.comparing(entry -> (Comparable<Object>) by.apply(entry));
    return (down ? order.reversed() : order).thenComparingInt(entry -> entry.row.number());
  }

  private Stream<Entry> entries() {
    Map<String, ApiKeyRow> now = rows;
    Instant time = clock.instant();
    return now == null
        ? Stream.of()
        : now.entrySet().stream()
            .map(each -> new Entry(each.getKey(), each.getValue(), state(each.getKey(), time)));
  }

  private String state(String id, Instant now) {
    Optional<KeyRecord> record = directory.find(id);
    if (record.isEmpty()) {
      return "refused";
    }
    return record.get().revoked() ? "revoked" : record.get().validAt(now) ? "usable" : "expired";
  }

  private record Entry(String id, ApiKeyRow row, String state) {
    boolean has(String search) {
      return search.isEmpty()
          || Stream.of(row.email(), row.keyName(), row.notes(), row.tier(), shown())
              .anyMatch(text -> text.toLowerCase(Locale.ROOT).contains(search));
    }

    String shown() {
      return ApiKey.shown(row.apiKey());
    }

    ObjectNode json() {
      return Json.object()
          .put("id", id)
          .put("key", shown())
          .put("email", row.email())
          .put("name", row.keyName())
          .put("tier", row.tier())
          .put("state", state)
          .put("created_at", row.createdAt())
          .put("last_used", row.lastUsed())
          .put("requests", row.requests())
          .put("tokens", row.tokens())
          .put("expires_at", row.expiresAt())
          .put("allowed_models", row.allowedModels())
          .put("budget_usd_month", row.budget())
          .put("requests_per_minute", row.requestsPerMinute())
          .put("notes", row.notes())
          .put("status", row.status());
    }
  }
}
