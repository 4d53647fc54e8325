package dev.llmproxy.flush;

import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.UsageRecord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The records of one commit, as rows. Records beyond a user's daily cap of detail rows are rolled
 * up. The order of settlement alone decides which records these are, so the same checkpoint always
 * gives the same rows.
 */
final class UsageBatch {
  private static final int MOST_BYTES = 2_000_000;
  private static final int MOST_RECORDS = 50_000;
  private static final int PAGE = 2_000;

  private final Map<List<Object>, UsageLine> lines = new LinkedHashMap<>();
  private final Map<List<Object>, Long> dayCounts = new HashMap<>();
  private final List<UsageRecord> records = new ArrayList<>();
  private long checkpoint;
  private long retries;
  private int bytes;
  private boolean full;

  private UsageBatch(FlushBook.State state) {
    checkpoint = state.checkpoint();
    retries = state.retries();
  }

  /** A batch that writes nothing and does not move the checkpoint. */
  static UsageBatch empty(FlushBook book) {
    return new UsageBatch(book.state());
  }

  /**
   * The next records: those to be tried again, or else those after the checkpoint, as many as fit
   * into a request.
   *
   * @param limit the largest number of records
   * @param detailRowsPerDay a user's cap of detail rows
   */
  static UsageBatch next(Ledger ledger, FlushBook book, int limit, int detailRowsPerDay) {
    UsageBatch batch = new UsageBatch(book.state());
    if (book.retrying()) {
      int most = Math.min(limit, PAGE);
      book.retries(most).forEach(batch::retry);
      batch.full = batch.records.size() == most;
      return batch;
    }
    var parked = book.parkedAfter(batch.checkpoint);
    int most = Math.min(limit, MOST_RECORDS);
    List<UsageRecord> page;
    do {
      page = ledger.after(batch.checkpoint, PAGE);
      for (UsageRecord record : page) {
        if (batch.full(most)) {
          batch.full = true;
          return batch;
        }
        if (!parked.contains(record.requestId())) {
          batch.add(record, book, detailRowsPerDay);
        }
        batch.checkpoint = record.sequence();
      }
    } while (page.size() == PAGE);
    return batch;
  }

  /** The records, in the order of settlement. */
  List<UsageRecord> records() {
    return records;
  }

  /** Whether the batch is full and more records follow. */
  boolean full() {
    return full;
  }

  /** The rows for each user, by address. */
  Map<String, List<UsageLine>> rows() {
    Map<String, List<UsageLine>> rows = new LinkedHashMap<>();
    lines
        .values()
        .forEach(line -> rows.computeIfAbsent(line.email(), email -> new ArrayList<>()).add(line));
    return rows;
  }

  /** The checkpoint's sequence after this batch is written. */
  long checkpoint() {
    return checkpoint;
  }

  /** The checkpoint's retry number after this batch is written. */
  long retries() {
    return retries;
  }

  private boolean full(int most) {
    return records.size() >= most || bytes >= MOST_BYTES;
  }

  private void retry(long number, UsageRecord record) {
    records.add(record);
    lines.put(List.of(number), UsageLine.of(record));
    retries = number;
  }

  private void add(UsageRecord record, FlushBook book, int detailRowsPerDay) {
    records.add(record);
    long day = FlushBook.day(record.timestamp());
    long number =
        dayCounts.compute(
            List.of(record.email(), day),
            (user, count) -> 1 + (count == null ? book.recordsOfDay(record.email(), day) : count));
    UsageLine line = UsageLine.of(record);
    boolean detail = number <= detailRowsPerDay;
    UsageLine added = detail ? line : line.rolledUp();
    List<Object> group = detail ? List.of(record.requestId()) : added.group();
    if (!lines.containsKey(group)) {
      bytes += added.bytes();
    }
    lines.merge(group, added, UsageLine::plus);
  }
}
