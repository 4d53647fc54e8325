package dev.llmproxy.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Jdbc;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.ShownText;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The record of what people did on the management pages, in the ledger's database. */
public final class AdminActions {
  private static final Logger LOG = LoggerFactory.getLogger(AdminActions.class);
  private static final int LONGEST_TEXT = 300;
  private static final int LONGEST_DETAIL = 10_000;
  private static final int MOST = 200;
  private static final String COLUMNS =
      "select id, at, actor, action, subject, detail, address from admin_action";

  private final Ledger ledger;
  private final Clock clock;
  private final AtomicInteger count = new AtomicInteger();

  public AdminActions(Ledger ledger, Clock clock) {
    this.ledger = ledger;
    this.clock = clock;
  }

  /**
   * Records an action before it is done, so that no change is without a record.
   *
   * @param context the request, for the client's address
   * @param actor who did it
   * @param action what was done: words joined by dots, e.g. {@code key.revoke}
   * @param subject what it was done to, e.g. an e-mail address; may be empty
   * @param detail what changed; contains no secret
   * @throws ApiException 503 when it cannot be recorded; then it must not be done
   */
  public void record(
      RequestContext context,
      AdminSession actor,
      String action,
      String subject,
      ObjectNode detail) {
    record(context, actor.email(), action, subject, detail);
  }

  void record(
      RequestContext context, String actor, String action, String subject, ObjectNode detail) {
    long now = clock.millis();
    String address = context.reply().address();
    try {
      ledger.write(connection ->
          Jdbc.update(
              connection,
              "insert into admin_action (id, at, actor, action, subject, detail, address) values (?, ?, ?, ?, ?, ?, ?)",
              id(now),
              now,
              storable(actor),
              action,
              storable(subject),
              detail(detail),
              address));
    } catch (LedgerException e) {
      LOG.warn("An action on the management pages cannot be recorded: {}", e.getMessage());
      throw OpenAiErrors.unavailable(
              "This action cannot be recorded right now and is not done unrecorded. Try again shortly.")
          .asException();
    }
    LOG.info("{} {} {} from {}", storable(actor), action, storable(subject), address);
  }

  /**
   * The latest actions, the last one first. The query parameter {@code before} is the id of the
   * last one of the page before, {@code limit} the number of actions (at most 200).
   *
   * @throws ApiException 400 for a wrong parameter, 503 when they cannot be read
   */
  public ObjectNode list(Exchange exchange) {
    AdminQuery query = AdminQuery.of(exchange);
    String before = query.text("before", "g");
    int limit = query.number("limit", 50, 1, MOST);
    ObjectNode answer = Json.object();
    ArrayNode actions = answer.putArray("actions");
    List<ObjectNode> rows = read(connection -> rows(connection, before, limit + 1));
    rows.stream().limit(limit).forEach(actions::add);
    answer.put("more", rows.size() > limit);
    return answer;
  }

  private <T> T read(dev.llmproxy.ledger.Statements<T> statements) {
    try {
      return ledger.read(statements);
    } catch (LedgerException e) {
      throw OpenAiErrors.unavailable("The ledger cannot be read right now. Try again shortly.")
          .asException();
    }
  }

  private static List<ObjectNode> rows(Connection connection, String before, int limit)
      throws SQLException {
    return Jdbc.list(
        connection,
        COLUMNS + " where id < ? order by id desc limit ?",
        AdminActions::action,
        before,
        limit);
  }

  private static ObjectNode action(ResultSet row) throws SQLException {
    ObjectNode action =
        Json.object()
            .put("id", row.getString(1))
            .put("at", Instant.ofEpochMilli(row.getLong(2)).toString())
            .put("actor", row.getString(3))
            .put("action", row.getString(4))
            .put("subject", row.getString(5));
    try {
      action.set("detail", Json.parse(row.getString(6)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return action.put("address", row.getString(7));
  }

  /**
   * The time, this server's count and chance in hexadecimal digits, so that the order of ids is the
   * order of time.
   */
  private String id(long now) {
    return "%012x%08x%08x"
        .formatted(now, count.incrementAndGet(), ThreadLocalRandom.current().nextInt());
  }

  private static String storable(String text) {
    return ShownText.oneLine(text, LONGEST_TEXT).replace("\0", "");
  }

  private static String detail(ObjectNode detail) {
    String text = Json.text(detail);
    return text.length() <= LONGEST_DETAIL ? text : "{\"shortened\":true}";
  }
}
