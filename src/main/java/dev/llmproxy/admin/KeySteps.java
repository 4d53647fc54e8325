package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.EmailAddress;
import dev.llmproxy.base.Json;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.Limit;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.call.Tier;
import dev.llmproxy.catalogue.AllowedModels;
import dev.llmproxy.error.AdminErrors;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.keys.KeyDirectory;
import dev.llmproxy.keys.KeyExpiry;
import dev.llmproxy.keys.RevokedKeys;
import dev.llmproxy.keys.Tiers;
import dev.llmproxy.workbook.ApiKeyRow;
import dev.llmproxy.workbook.ApiKeySheet;
import dev.llmproxy.workbook.WorkbookException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * The changes of keys that the page Keys asks for. Each is recorded, and written to the sheet as
 * the commands write it. One change is written at a time, so that a change compares with the one
 * before.
 */
public final class KeySteps {
  private static final String PATH = "/admin/api/keys/";
  private static final int LONGEST_NAME = 200;
  private static final int LONGEST_NOTES = 2000;
  private static final int LONGEST_MODELS = 2000;
  private static final int LONGEST_TIER = 60;
  private static final int MOST_GRACE_HOURS = 24 * 30;

  /** A person could otherwise have many times the limits of one key. */
  private static final int MOST_OWN = 10;

  private static final String BUDGET = "budget_usd_month";
  private static final String REQUESTS_PER_MINUTE = "requests_per_minute";

  /** The names of the cells in the API, by header. */
  private static final Map<String, String> FIELDS =
      Map.of(
          ApiKeySheet.KEY_NAME, "name",
          ApiKeySheet.TIER, "tier",
          ApiKeySheet.EXPIRES_AT, "expires_at",
          ApiKeySheet.ALLOWED_MODELS, "allowed_models",
          ApiKeySheet.BUDGET, BUDGET,
          ApiKeySheet.REQUESTS_PER_MINUTE, REQUESTS_PER_MINUTE,
          ApiKeySheet.NOTES, "notes");

  private final ApiKeyBook book;
  private final KeyList list;
  private final KeyDirectory directory;
  private final Tiers tiers;
  private final RevokedKeys revokedHere;
  private final AdminActions actions;
  private final Clock clock;
  private final boolean ownKeys;
  private final SecureRandom random = new SecureRandom();

  /**
   * @param ownKeys whether people who are no administrators may create keys for themselves
   */
  KeySteps(
      ApiKeyBook book,
      KeyList list,
      KeyDirectory directory,
      Tiers tiers,
      RevokedKeys revokedHere,
      AdminActions actions,
      Clock clock,
      boolean ownKeys) {
    this.book = book;
    this.list = list;
    this.directory = directory;
    this.tiers = tiers;
    this.revokedHere = revokedHere;
    this.actions = actions;
    this.clock = clock;
    this.ownKeys = ownKeys;
  }

  /**
   * Creates a key; the answer is the only one that has it. A person who is no administrator gets a
   * key with the limits of the own key, or of the tier free without one.
   *
   * @throws ApiException 400 for wrong fields, 403 when the person may not create keys, 503 when
   *     the workbook cannot be changed
   */
  public synchronized ObjectNode create(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session,
      @ExchangeProperty("form") byte[] body) {
    JsonFields fields = JsonFields.of(body);
    String name = fields.line("name", LONGEST_NAME).orElse("API key");
    Map<String, String> cells = new LinkedHashMap<>();
    String email;
    Optional<String> model = Optional.empty();
    if (session.isAdministrator()) {
      email =
          fields
              .line("email", LONGEST_NAME)
              .filter(EmailAddress::isAddress)
              .orElseThrow(() ->
                  OpenAiErrors.invalidValue("email", "It must be an e-mail address.")
                      .asException());
      cells.put(ApiKeySheet.TIER, tier(fields).orElse("free"));
      put(cells, ApiKeySheet.EXPIRES_AT, expires(fields));
      put(cells, ApiKeySheet.ALLOWED_MODELS, models(fields));
      putLimits(cells, fields);
      put(cells, ApiKeySheet.NOTES, fields.text("notes", LONGEST_NOTES));
    } else {
      demandOwnKeys(session);
      email = session.email();
      cells.put(ApiKeySheet.TIER, "free");
      // Otherwise a new key would allow what the person's key does not.
      model = directory.keyHolder(email).map(Caller::keyHash);
    }
    fields.end();
    cells.put(ApiKeySheet.USER_EMAIL, email);
    cells.put(ApiKeySheet.KEY_NAME, name);
    return add(context, session, "key.create", cells, model, null);
  }

  /**
   * Changes cells of a key: {@code {"expected": {…}, "changes": {…}}}. The expected values are
   * those that the page showed.
   *
   * @throws ApiException 400 for wrong fields, 403 when the person may not change them, 404 without
   *     the key, 409 when the sheet has other values than expected, 503 when the workbook cannot be
   *     changed
   */
  public synchronized ObjectNode change(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session,
      Exchange exchange,
      @ExchangeProperty("form") byte[] body) {
    ApiKeyRow row = row(session, exchange);
    JsonFields fields = JsonFields.of(body);
    JsonFields changes = fields.object("changes");
    JsonFields expected = fields.object("expected");
    fields.end();
    Map<String, String> cells = new LinkedHashMap<>();
    put(cells, ApiKeySheet.KEY_NAME, changes.line("name", LONGEST_NAME));
    if (session.isAdministrator()) {
      put(cells, ApiKeySheet.TIER, tier(changes));
      put(cells, ApiKeySheet.EXPIRES_AT, expires(changes));
      put(cells, ApiKeySheet.ALLOWED_MODELS, models(changes));
      putLimits(cells, changes);
      put(cells, ApiKeySheet.NOTES, changes.text("notes", LONGEST_NOTES));
    } else if (changes.hasMore()) {
      throw AdminErrors.adminOnly().asException();
    }
    changes.end();
    if (cells.isEmpty()) {
      throw OpenAiErrors.missing("changes").asException();
    }
    Map<String, String> before = new LinkedHashMap<>();
    ObjectNode detail = Json.object();
    cells.forEach((header, value) -> {
      String field = FIELDS.get(header);
      before.put(header, expected.raw(field));
      detail.put(field, value);
    });
    actions.record(context, session, "key.change", subject(row), detail);
    written(() -> book.change(row, before, cells));
    return Json.object().put("id", hash(row));
  }

  /**
   * Revokes a key. This server refuses it at once.
   *
   * @throws ApiException 404 without the key, 503 when the workbook cannot be changed
   */
  public synchronized ObjectNode revoke(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session,
      Exchange exchange) {
    ApiKeyRow row = row(session, exchange);
    actions.record(context, session, "key.revoke", subject(row), Json.object());
    revokedHere.add(hash(row));
    directory.readRevoked();
    written(() -> book.revoke(row));
    return Json.object().put("id", hash(row));
  }

  /**
   * Replaces a key by a new one with the same limits. The old one expires after {@code
   * grace_hours}.
   *
   * @throws ApiException 400 for wrong fields or a key that is not usable, 404 without the key, 503
   *     when the workbook cannot be changed
   */
  public synchronized ObjectNode rotate(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context,
      @ExchangeProperty(AdminSession.PROPERTY) AdminSession session,
      Exchange exchange,
      @ExchangeProperty("form") byte[] body) {
    ApiKeyRow row = row(session, exchange);
    JsonFields fields = JsonFields.of(body);
    int hours = fields.number("grace_hours", 24, 0, MOST_GRACE_HOURS);
    fields.end();
    String id = hash(row);
    if (directory.caller(id).isEmpty()) {
      throw OpenAiErrors.invalidValue("id", "The key is revoked or has expired.").asException();
    }
    Instant end = clock.instant().plus(Duration.ofHours(hours)).truncatedTo(ChronoUnit.SECONDS);
    Instant before = directory.find(id).orElseThrow().expires();
    return add(
        context,
        session,
        "key.rotate",
        new LinkedHashMap<>(),
        Optional.of(id),
        before != null && before.isBefore(end) ? before : end);
  }

  private ObjectNode add(
      RequestContext context,
      AdminSession session,
      String action,
      Map<String, String> cells,
      Optional<String> model,
      Instant end) {
    String key = ApiKey.generate(random);
    String id = ApiKey.hash(key);
    ObjectNode detail = Json.object().put("key", ApiKey.mask(key));
    cells.forEach((header, value) -> detail.put(header, value));
    String subject =
        model.flatMap(list::row).map(KeySteps::subject).orElse(cells.get(ApiKeySheet.USER_EMAIL));
    actions.record(context, session, action, subject, detail);
    cells.put(ApiKeySheet.API_KEY, ApiKey.cell(key));
    cells.put(ApiKeySheet.CREATED_AT, clock.instant().truncatedTo(ChronoUnit.SECONDS).toString());
    written(() -> book.add(cells, model.orElse(null), end));
    return Json.object().put("id", id).put("key", key);
  }

  private void demandOwnKeys(AdminSession session) {
    if (!ownKeys) {
      throw AdminErrors.adminOnly().asException();
    }
    if (list.usable(session.email()) >= MOST_OWN) {
      throw OpenAiErrors.invalidValue(
              "name", "You have %d usable keys already; revoke one first.".formatted(MOST_OWN))
          .asException();
    }
  }

  /** The row of the path's key; a key of another person is as unknown as none. */
  private ApiKeyRow row(AdminSession session, Exchange exchange) {
    String id = AdminQuery.of(exchange).pathAfter(PATH);
    return list.row(id)
        .filter(row -> session.mayManage(row.email()))
        .orElseThrow(() -> AdminErrors.noSuchKey().asException());
  }

  private Optional<String> tier(JsonFields fields) {
    return fields
        .line("tier", LONGEST_TIER)
        .map(tier -> tier.isEmpty() ? "free" : tier.toLowerCase(Locale.ROOT))
        .map(tier -> {
          if (!tiers.has(tier) && !tier.equals("free")) {
            throw OpenAiErrors.invalidValue(
                    "tier",
                    "The sheet Tiers has no such tier. It has: "
                        + tiers.all().stream().map(Tier::name).collect(Collectors.joining(", "))
                        + ".")
                .asException();
          }
          return tier;
        });
  }

  private static void putLimits(Map<String, String> cells, JsonFields fields) {
    put(cells, ApiKeySheet.BUDGET, limit(fields, BUDGET, Limit::ofDollars));
    put(cells, ApiKeySheet.REQUESTS_PER_MINUTE, limit(fields, REQUESTS_PER_MINUTE, Limit::ofCount));
  }

  private static Optional<String> limit(
      JsonFields fields, String name, Function<String, Optional<Limit>> reader) {
    Optional<String> limit = fields.line(name, LONGEST_TIER);
    if (limit.filter(text -> !text.isEmpty() && reader.apply(text).isEmpty()).isPresent()) {
      throw OpenAiErrors.invalidValue(
              name, "It must be a number, unlimited, or empty for the limit of the tier.")
          .asException();
    }
    return limit;
  }

  private Optional<String> expires(JsonFields fields) {
    return fields
        .line("expires_at", LONGEST_NAME)
        .map(text ->
            text.isEmpty()
                ? text
                : KeyExpiry.cellFor(text, clock.instant())
                    .orElseThrow(() ->
                        OpenAiErrors.invalidValue(
                                "expires_at",
                                "It must be a future date such as 2027-01-31, or a number of days such as 30d.")
                            .asException()));
  }

  private static Optional<String> models(JsonFields fields) {
    Optional<String> models = fields.line("allowed_models", LONGEST_MODELS);
    if (models.filter(text -> !text.isEmpty() && AllowedModels.of(text).isEmpty()).isPresent()) {
      throw OpenAiErrors.invalidValue(
              "allowed_models", "It must be names of models, separated by commas, such as groq/*.")
          .asException();
    }
    return models;
  }

  private static void put(Map<String, String> cells, String header, Optional<String> value) {
    value.ifPresent(text -> cells.put(header, text));
  }

  private static String subject(ApiKeyRow row) {
    return row.email() + " " + ApiKey.shown(row.apiKey());
  }

  private static String hash(ApiKeyRow row) {
    return ApiKey.hashOfCell(row.apiKey()).orElseThrow();
  }

  private void written(Runnable change) {
    try {
      change.run();
    } catch (ApiKeyBook.ConflictException e) {
      list.forget();
      throw AdminErrors.changedMeanwhile(e.getMessage()).asException();
    } catch (WorkbookException e) {
      throw OpenAiErrors.unavailable("The workbook cannot be changed: " + e.getMessage())
          .asException();
    }
  }
}
