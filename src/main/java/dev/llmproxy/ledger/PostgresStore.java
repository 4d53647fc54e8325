package dev.llmproxy.ledger;

import dev.llmproxy.base.Jdbc;
import dev.llmproxy.base.Settings.SettingException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A PostgreSQL database, which several servers share. */
final class PostgresStore implements LedgerStore {
  private static final Logger LOG = LoggerFactory.getLogger(PostgresStore.class);
  private static final Pattern URL =
      Pattern.compile(
          "(?:jdbc:)?postgres(?:ql)?:(?://(?<authority>[^/?#]*)/?)?(?<database>[^?#]*)(?:\\?(?<query>.*))?");
  private static final int CONNECT_SECONDS = 2;

  /** After this time without an answer the request is refused. */
  private static final int ANSWER_SECONDS = 5;

  /** "llmproxy" as a number, so that no other program uses the same lock. */
  private static final long LEADER_LOCK = 0x6c6c_6d70_726f_7879L;

  /** The application name of the session that asks for the lock, before the server's id. */
  private static final String WRITER = "llmproxy writer ";

  /** The session that has the lock in this database. */
  private static final String HOLDER =
      "from (select a.pid, substr(a.application_name, "
          + (WRITER.length() + 1)
          + ") as writer from pg_locks l join pg_stat_activity a on a.pid = l.pid"
          + " where l.locktype = 'advisory' and l.granted and l.objsubid = 1"
          + " and l.database = (select oid from pg_database where datname = current_database())"
          + " and l.classid = "
          + (LEADER_LOCK >>> 32)
          + " and l.objid = "
          + (LEADER_LOCK & 0xffff_ffffL)
          + " and a.application_name like '"
          + WRITER
          + "%') h";

  /** The others delete the row of a server in the table instance when it has died. */
  private static final String END_DEAD_WRITER =
      "select pg_terminate_backend(h.pid) "
          + HOLDER
          + " where not exists (select 1 from instance i where i.id = h.writer)";

  private static final String NO_SUCH_TABLE = "42P01";

  private final String servers;
  private final String database;
  private final Map<String, String> properties = new LinkedHashMap<>();
  private final boolean fullSync;
  private volatile Connection session;
  private volatile boolean leading;

  /**
   * @param url {@code postgres://user:password@host:port/database?…}, {@code postgresql://…} or
   *     {@code jdbc:postgresql:…}; parameters are those of the JDBC driver, e.g. {@code sslmode}
   * @param fullSync whether a commit reaches the server's disk before it returns. If not, a commit
   *     survives the death of this process, but a crash of the database server may lose the last
   *     moments.
   * @throws SettingException when the URL has another form; the message does not repeat the URL,
   *     because it may contain a password
   */
  PostgresStore(String url, boolean fullSync) {
    this.fullSync = fullSync;
    Matcher parts = URL.matcher(url);
    if (!parts.matches()) {
      throw wrong();
    }
    String authority = parts.group("authority") == null ? "" : parts.group("authority");
    int at = authority.lastIndexOf('@');
    if (at >= 0) {
      String[] user = authority.substring(0, at).split(":", 2);
      properties.put("user", decode(user[0].replace("+", "%2B")));
      if (user.length == 2) {
        properties.put("password", decode(user[1].replace("+", "%2B")));
      }
    }
    servers = at + 1 < authority.length() ? authority.substring(at + 1) : "localhost";
    database = parts.group("database").isEmpty() ? properties.get("user") : parts.group("database");
    if (parts.group("query") != null) {
      for (String parameter : parts.group("query").split("&", -1)) {
        String[] sides = parameter.split("=", 2);
        if (sides.length == 2) {
          properties.put(decode(sides[0]), decode(sides[1]));
        }
      }
    }
    if (database == null) {
      throw wrong();
    }
    source(ANSWER_SECONDS);
  }

  @Override
  public String name() {
    return "postgresql://" + servers + "/" + database;
  }

  @Override
  public boolean shared() {
    return true;
  }

  @Override
  public void claim() {}

  @Override
  public void release() {
    stepDown();
  }

  /**
   * A session's advisory lock ends with the connection, so a dead server never stays the writer. A
   * server that hangs keeps its connection; its session is ended once its lease has.
   */
  @Override
  public boolean lead(String instance) {
    if (leads()) {
      return true;
    }
    leading = false;
    try {
      if (session == null || !session.isValid(ANSWER_SECONDS)) {
        stepDown();
        session = reading();
        session.setClientInfo("ApplicationName", WRITER + instance);
      }
      leading = asked("select pg_try_advisory_lock(" + LEADER_LOCK + ")");
      if (!leading) {
        asked(END_DEAD_WRITER);
      }
    } catch (SQLException e) {
      LOG.debug("The lock for writing to the workbook cannot be requested", e);
      stepDown();
    }
    return leading;
  }

  private boolean asked(String select) throws SQLException {
    try (Statement statement = session.createStatement();
        ResultSet row = statement.executeQuery(select)) {
      return row.next() && row.getBoolean(1);
    }
  }

  /** The id of the server that writes to the workbook; empty when none does. */
  static Optional<String> writer(Connection connection) throws SQLException {
    return Jdbc.list(connection, "select writer " + HOLDER, row -> row.getString(1)).stream()
        .findFirst();
  }

  @Override
  public boolean leads() {
    try {
      Connection now = session;
      return leading && now != null && now.isValid(ANSWER_SECONDS);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private void stepDown() {
    leading = false;
    if (session == null) {
      return;
    }
    try {
      session.close();
    } catch (SQLException e) {
      LOG.debug("A connection to the ledger did not close cleanly", e);
    }
    session = null;
  }

  @Override
  public void sync(Connection transaction) throws SQLException {
    try (Statement statement = transaction.createStatement()) {
      statement.execute("set local synchronous_commit = on");
    }
  }

  @Override
  public void synced() {}

  @Override
  public DataSource migrating() {
    return source(0);
  }

  @Override
  public Connection reading() throws SQLException {
    return source(ANSWER_SECONDS).getConnection();
  }

  @Override
  public Connection writing() throws SQLException {
    Connection connection = reading();
    try (Statement statement = connection.createStatement()) {
      statement.execute("set synchronous_commit = " + (fullSync ? "on" : "off"));
      connection.setAutoCommit(false);
      return connection;
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  @Override
  public Optional<Connection> inspecting() throws SQLException {
    Connection connection = source(0).getConnection();
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select 1 from request limit 0")) {
      row.next();
      return Optional.of(connection);
    } catch (SQLException e) {
      connection.close();
      if (NO_SUCH_TABLE.equals(e.getSQLState())) {
        return Optional.empty();
      }
      throw e;
    }
  }

  @Override
  public String now() {
    return "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";
  }

  /** Classes 22, data exception, and 23, integrity constraint violation, of the SQL standard. */
  @Override
  public boolean isCausedByValues(SQLException failure) {
    String state = failure.getSQLState();
    return state != null && (state.startsWith("22") || state.startsWith("23"));
  }

  @Override
  public String reason(SQLException failure) {
    if (failure instanceof BatchUpdateException && failure.getNextException() != null) {
      // The driver's message starts with the statement and its values; the error comes after them.
      return reason(failure.getNextException());
    }
    String state = failure.getSQLState() == null ? "" : failure.getSQLState();
    return switch (state) {
      case "28P01", "28000", "08004" ->
          "it refuses this user or password (" + failure.getMessage() + ")";
      case "3D000" -> "there is no such database; create it first (" + failure.getMessage() + ")";
      case "08001" -> "it cannot be reached (" + failure.getMessage() + ")";
      default -> failure.getMessage();
    };
  }

  private DataSource source(int answerSeconds) {
    PGSimpleDataSource source = new PGSimpleDataSource();
    try {
      source.setUrl("jdbc:postgresql://" + servers + "/" + database);
      source.setConnectTimeout(CONNECT_SECONDS);
      source.setLoginTimeout(CONNECT_SECONDS);
      source.setSocketTimeout(answerSeconds);
      source.setTcpKeepAlive(true);
      source.setLogServerErrorDetail(false);
      source.setApplicationName("llmproxy");
      for (Map.Entry<String, String> property : properties.entrySet()) {
        source.setProperty(property.getKey(), property.getValue());
      }
    } catch (SQLException | IllegalArgumentException e) {
      throw wrong();
    }
    return source;
  }

  private static String decode(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new SettingException(
          "DATABASE_URL is wrong: a percent sign in it must be followed by two hex digits (write %25 for the sign itself)");
    }
  }

  private static SettingException wrong() {
    return new SettingException(
        "DATABASE_URL is wrong; it must be postgresql://user:password@host:port/database?parameters or jdbc:postgresql:…");
  }
}
