package dev.llmproxy.keys;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.PrivateFile;
import dev.llmproxy.base.Sha256;
import dev.llmproxy.call.Caller;
import dev.llmproxy.call.ConversationStorage;
import dev.llmproxy.call.Limit;
import dev.llmproxy.call.OwnLimits;
import dev.llmproxy.catalogue.AllowedModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file with the keys of the last successful reading, for a start while the workbook cannot be
 * read. Its lines: a JSON object with the spreadsheet's id and the time, a JSON object for each key
 * (hash, not the key itself), and the sha256 of the lines before.
 */
public final class KeySnapshot {
  private static final Logger LOG = LoggerFactory.getLogger(KeySnapshot.class);
  private static final String FILE = "keys-snapshot.jsonl";
  private static final int VERSION = 1;
  private static final int CHECKSUM = 64;
  private static final String BUDGET = "budget";
  private static final String REQUESTS_PER_MINUTE = "requestsPerMinute";

  private final Path file;
  private final String spreadsheetId;

  /**
   * @param folder the folder of the file {@code keys-snapshot.jsonl}; it must exist
   * @param spreadsheetId the keys' spreadsheet; a file of another spreadsheet is not read
   */
  public KeySnapshot(Path folder, String spreadsheetId) {
    this.file = folder.resolve(FILE);
    this.spreadsheetId = spreadsheetId;
  }

  /**
   * The accepted keys at a point in time.
   *
   * @param records by the hash of their key: the sheet's keys in its order, then held ones
   * @param held the hashes of keys that the sheet has lost; they stay valid until somebody confirms
   *     the loss
   * @param heldSince since when keys are held or keep values of a lost column; null when none do
   * @param readAt when the sheet was read
   */
  record Content(
      Map<String, KeyRecord> records, Set<String> held, Instant heldSince, Instant readAt) {}

  /** Deletes the file, if there is one. */
  public static void remove(Path folder) {
    try {
      Files.deleteIfExists(folder.resolve(FILE));
    } catch (IOException e) {
      LOG.warn("The key snapshot in {} cannot be deleted: {}", folder, e.getMessage());
    }
  }

  /**
   * Replaces the file.
   *
   * @return false when that failed; the failure is logged, and the earlier file stays
   */
  boolean write(Content content) {
    StringBuilder lines = new StringBuilder();
    ObjectNode head =
        Json.object()
            .put("version", VERSION)
            .put("spreadsheet", spreadsheetId)
            .put("readAt", content.readAt().toString())
            .put("keys", content.records().size());
    if (content.heldSince() != null) {
      head.put("heldSince", content.heldSince().toString());
    }
    append(lines, head);
    content
        .records()
        .forEach((hash, record) -> {
          ObjectNode key = json(record);
          append(lines, content.held().contains(hash) ? key.put("held", true) : key);
        });
    try {
      PrivateFile.write(file, lines + Sha256.hex(lines.toString()) + "\n");
      return true;
    } catch (IOException e) {
      LOG.warn(
          "The key snapshot {} cannot be written: {}. If the server restarts while the workbook is down, it will not"
              + " have newer keys than those in this file.",
          file,
          e.toString());
      return false;
    }
  }

  /** Whether keys are held, or keep values of a column that the sheet has lost. */
  public boolean holding() {
    return read().filter(content -> content.heldSince() != null).isPresent();
  }

  /** The held keys, sorted, each as its owner's address, two spaces and the key's name. */
  public List<String> heldOwners() {
    return read().stream()
        .flatMap(content -> content.held().stream().map(content.records()::get))
        .map(record -> record.caller().email() + "  " + record.caller().keyName())
        .sorted()
        .toList();
  }

  /** The names of the keys, by the lower-case hex SHA-256 of each. */
  public Map<String, String> names() {
    Map<String, String> names = new HashMap<>();
    read()
        .ifPresent(content ->
            content
                .records()
                .forEach((hash, record) -> names.put(hash, record.caller().keyName())));
    return names;
  }

  /** The file's content. Empty when it is damaged or of another spreadsheet; that is logged. */
  Optional<Content> read() {
    try {
      return parse(Files.readString(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException | DateTimeException e) {
      LOG.warn("The key snapshot {} cannot be read and is not used: {}", file, e.toString());
      return Optional.empty();
    }
  }

  private Optional<Content> parse(String text) throws IOException {
    int end = text.length() - CHECKSUM - 1;
    if (end < 0 || !text.substring(end).strip().equals(Sha256.hex(text.substring(0, end)))) {
      throw new IOException("it is damaged or not complete");
    }
    List<String> lines = text.substring(0, end).lines().toList();
    JsonNode head = Json.parse(lines.get(0));
    if (head.path("version").asInt() != VERSION) {
      throw new IOException("it is of another version of llmproxy");
    }
    if (!head.path("spreadsheet").asText().equals(spreadsheetId)) {
      LOG.warn("The key snapshot {} is of another spreadsheet and is not used.", file);
      return Optional.empty();
    }
    Map<String, KeyRecord> records = new LinkedHashMap<>();
    Set<String> held = new HashSet<>();
    for (String line : lines.subList(1, lines.size())) {
      JsonNode key = Json.parse(line);
      KeyRecord record = record(key);
      records.put(record.caller().keyHash(), record);
      if (key.path("held").asBoolean()) {
        held.add(record.caller().keyHash());
      }
    }
    return Optional.of(
        new Content(
            Collections.unmodifiableMap(records),
            Set.copyOf(held),
            head.has("heldSince") ? Instant.parse(head.path("heldSince").asText()) : null,
            Instant.parse(head.path("readAt").asText())));
  }

  private static void append(StringBuilder lines, JsonNode node) {
    lines.append(Json.text(node)).append('\n');
  }

  private static ObjectNode json(KeyRecord record) {
    Caller caller = record.caller();
    ObjectNode key =
        Json.object()
            .put("sha256", caller.keyHash())
            .put("email", caller.email())
            .put("name", caller.keyName())
            .put("tier", caller.tier())
            .put("revoked", record.revoked());
    if (caller.conversations() != null) {
      key.put("conversations", caller.conversations().name());
    }
    if (caller.models() != null) {
      key.put("models", caller.models().toString());
    }
    putLimit(key, BUDGET, caller.ownLimits().budget());
    putLimit(key, REQUESTS_PER_MINUTE, caller.ownLimits().requestsPerMinute());
    return record.expires() == null ? key : key.put("expires", record.expires().toString());
  }

  private static ConversationStorage conversations(JsonNode key) {
    return key.has("conversations")
        ? ConversationStorage.of(key.path("conversations").asText()).orElse(ConversationStorage.OFF)
        : null;
  }

  private static AllowedModels models(JsonNode key) {
    return key.has("models")
        ? AllowedModels.of(key.path("models").asText()).orElse(AllowedModels.NONE)
        : null;
  }

  private static void putLimit(ObjectNode key, String name, Limit limit) {
    if (limit != null) {
      key.put(name, limit.toString());
    }
  }

  private static OwnLimits ownLimits(JsonNode key) {
    return key.has(BUDGET) || key.has(REQUESTS_PER_MINUTE)
        ? new OwnLimits(limit(key.path(BUDGET)), limit(key.path(REQUESTS_PER_MINUTE)))
        : OwnLimits.NONE;
  }

  private static Limit limit(JsonNode text) {
    return text.isMissingNode() ? null : Limit.ofDollars(text.asText()).orElse(Limit.NOTHING);
  }

  private static KeyRecord record(JsonNode key) {
    return new KeyRecord(
        new Caller(
            key.path("email").asText(),
            key.path("name").asText(),
            key.path("sha256").asText(),
            key.path("tier").asText(),
            conversations(key),
            models(key),
            ownLimits(key),
            null),
        key.path("revoked").asBoolean(true),
        key.has("expires") ? Instant.parse(key.path("expires").asText()) : null);
  }
}
