package dev.llmproxy.flush;

import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.UsageRecord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The records that one commit brings in, as rows. Beyond a user's cap of detail rows a day, records
 * are rolled up; which ones follows from the order of settlement alone, so that the same checkpoint
 * always gives the same rows.
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

  /** A batch that writes nothing and leaves the checkpoint where it is. */
  static UsageBatch empty(FlushBook book) {
    return new UsageBatch(book.state());
  }

  /**
   * The next records: those to be tried again, else those after the checkpoint, as many as fit a
   * request.
   *
   * @param limit at most so many
   * @param detailRowsPerDay a user's cap
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

  /** Whether it has as many as it may have, and there were more. */
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

  /** The sequence that the checkpoint has when the batch is in. */
  long checkpoint() {
    return checkpoint;
  }

  /** The retry number that the checkpoint has when the batch is in. */
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
