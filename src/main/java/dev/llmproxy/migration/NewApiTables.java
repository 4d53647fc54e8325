package dev.llmproxy.migration;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.base.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/**
 * The tables of new-api's database, or the channels that its API lists.
 *
 * @param channels rows by column, values as texts; without the columns that are null
 * @param tokens the same of the table tokens
 * @param users the same of the table users
 */
record NewApiTables(
    List<Map<String, String>> channels,
    List<Map<String, String>> tokens,
    List<Map<String, String>> users) {
  private static final byte[] SQLITE = "SQLite format 3\0".getBytes(StandardCharsets.US_ASCII);

  /**
   * Reads a SQLite file, which is not changed, or the JSON of {@code GET /api/channel/}.
   *
   * @throws ImportException when the file is neither
   */
  static NewApiTables read(Path file) {
    try {
      byte[] head = new byte[SQLITE.length];
      int length;
      try (var in = Files.newInputStream(file)) {
        length = in.readNBytes(head, 0, head.length);
      }
      if (length == head.length && Arrays.equals(head, SQLITE)) {
        return database(file);
      }
      String text = new String(head, 0, length, StandardCharsets.UTF_8).stripLeading();
      if (text.startsWith("{") || text.startsWith("[")) {
        return json(file);
      }
    } catch (IOException e) {
      throw new ImportException(file + " cannot be read: " + e.getMessage());
    }
    throw new ImportException(file + " is neither a SQLite database nor JSON of GET /api/channel/");
  }

  private static NewApiTables database(Path file) {
    SQLiteConfig config = new SQLiteConfig();
    config.setReadOnly(true);
    SQLiteDataSource source = new SQLiteDataSource(config);
    source.setUrl("jdbc:sqlite:" + file.toAbsolutePath());
    try (Connection connection = source.getConnection()) {
      return new NewApiTables(
          rows(connection, "select * from channels order by id"),
          rows(connection, "select * from tokens where deleted_at is null order by id"),
          rows(connection, "select * from users order by id"));
    } catch (SQLException e) {
      throw new ImportException(
          "%s is not a database of new-api: %s".formatted(file, e.getMessage()));
    }
  }

  private static List<Map<String, String>> rows(Connection connection, String query)
      throws SQLException {
    List<Map<String, String>> rows = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      while (result.next()) {
        Map<String, String> row = new LinkedHashMap<>();
        for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
          String value = result.getString(i);
          if (value != null && !value.isBlank()) {
            row.put(result.getMetaData().getColumnLabel(i), value);
          }
        }
        rows.add(row);
      }
    }
    return rows;
  }

  private static NewApiTables json(Path file) throws IOException {
    JsonNode root;
    try {
      root = Json.parse(Files.readString(file));
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new ImportException(
          "%s:%d: invalid JSON: %s"
              .formatted(
                  file.getFileName(),
                  e.getLocation() == null ? 1 : e.getLocation().getLineNr(),
                  e.getOriginalMessage()));
    }
    JsonNode list = root.isArray() ? root : root.path("data");
    list = list.isArray() ? list : list.path("items");
    if (!list.isArray()) {
      throw new ImportException(file + " has no list of channels");
    }
    List<Map<String, String>> channels = new ArrayList<>();
    for (JsonNode each : list) {
      Map<String, String> row = new LinkedHashMap<>();
      each.properties()
          .forEach(field -> {
            JsonNode value = field.getValue();
            String text = value.isValueNode() ? value.asText() : Json.text(value);
            if (!value.isNull() && !text.isBlank()) {
              row.put(field.getKey(), text);
            }
          });
      channels.add(row);
    }
    return new NewApiTables(channels, List.of(), List.of());
  }
}
