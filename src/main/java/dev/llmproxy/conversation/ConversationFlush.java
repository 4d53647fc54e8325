package dev.llmproxy.conversation;

import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import dev.llmproxy.conversation.ConversationTable.Erasure;
import dev.llmproxy.conversation.ConversationTable.FlushState;
import dev.llmproxy.flush.CommitWait;
import dev.llmproxy.flush.FlushHealth;
import dev.llmproxy.flush.SyncSheet;
import dev.llmproxy.flush.UsageFlush;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import dev.llmproxy.ledger.Statements;
import dev.llmproxy.workbook.SheetIndex;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookSchema;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings conversations into the sheet {@code Conversations} of the workbook, each exactly once, and
 * deletes them from it. It works as {@link UsageFlush} does, with a checkpoint, calls and failures
 * of its own, so that neither can do harm to the other. Used by one route at a time.
 */
public final class ConversationFlush {
  private static final Logger LOG = LoggerFactory.getLogger(ConversationFlush.class);
  private static final String CHECKPOINT_NAME = "/conversations";
  private static final int MOST_ROWS = 200;
  private static final int MOST_CHARACTERS = 1_000_000;
  private static final int MOST_DELETIONS = 200;
  private static final int BAD_REQUEST = 400;
  private static final int TOO_LARGE = 413;
  private static final int LONGEST_EXPONENT = 6;
  private static final Duration BETWEEN_CLEANINGS = Duration.ofHours(1);

  private final Ledger ledger;
  private final ConversationLog log;
  private final WorkbookSchema schema;
  private final CommitWait commitWait;
  private final Clock clock;
  private final Clock steady;

  private List<?> headers = ConversationSheet.HEADERS;
  private Instant nextCleaning = Instant.EPOCH;
  private Instant notBefore = Instant.EPOCH;
  private int failures;
  private int limit = MOST_ROWS;
  private String skipped;

  // Of the round that is under way.
  private SheetIndex index;
  private SheetProperties sheet;
  private boolean cleaning;
  private List<Erasure> erasures = List.of();
  private boolean cleaned;
  private List<Conversation> batch = List.of();
  private boolean sending;

  /**
   * @param clock what people and calendars go by
   * @param steady what waits go by: it only goes forward
   */
  public ConversationFlush(
      Ledger ledger,
      ConversationLog log,
      Workbook workbook,
      WorkbookSchema schema,
      Clock clock,
      Clock steady) {
    this.ledger = ledger;
    this.log = log;
    this.schema = schema;
    this.commitWait = new CommitWait(workbook.commitWait(), clock, steady);
    this.clock = clock;
    this.steady = steady;
  }

  /** Whether there is something to do and now is the time to. */
  public boolean due() {
    if (steady.instant().isBefore(notBefore) || !ledger.lead()) {
      return false;
    }
    try {
      FlushState state = ledger.read(ConversationTable::flushState);
      return (cleaningDue() || state.waiting()) && commitWait.over(state.commitSentAt());
    } catch (LedgerException e) {
      failed(e);
      return false;
    }
  }

  /**
   * What a commit has to know before: the checkpoint, the sheet's header, and when rows are to be
   * deleted, whose they are and of when.
   *
   * @param spreadsheet the main one, with the properties of all its sheets
   */
  public List<String> ranges(@ExchangeProperty("spreadsheet") Spreadsheet spreadsheet) {
    erasures = ledger.read(ConversationTable::erasures);
    cleaning = cleaningDue() || !erasures.isEmpty();
    index = schema.index(schema.mainId(), spreadsheet);
    sheet = index.find(ConversationSheet.TITLE).orElse(null);
    List<String> ranges = new ArrayList<>();
    ranges.add(SheetIndex.range(sync(), null));
    if (sheet != null) {
      ranges.add(SheetIndex.range(sheet, "1:1"));
      String timestamps = ConversationSheet.column(headers, ConversationSheet.TIMESTAMP);
      String emails = ConversationSheet.column(headers, ConversationSheet.EMAIL);
      if (cleaning && timestamps != null && emails != null) {
        ranges.add(SheetIndex.range(sheet, timestamps));
        ranges.add(SheetIndex.range(sheet, emails));
      }
    }
    return ranges;
  }

  /**
   * The commit that brings the next conversations in, and deletes what is to go.
   *
   * @param values the cells of the ranges that {@link #ranges} gave
   * @return null when there is none this time
   */
  public BatchUpdateSpreadsheetRequest commit(@Body BatchGetValuesResponse values) {
    noteCommitSent(null);
    SyncSheet sync = new SyncSheet(UsageFlush.cells(values, 0), ledger.id() + CHECKPOINT_NAME);
    FlushState state = ledger.read(ConversationTable::flushState);
    long checkpoint = sync.checkpoint().orElse(state.checkpoint());
    if (checkpoint != state.checkpoint()) {
      stands(checkpoint);
    }
    ledger.write(connection -> ConversationTable.number(connection, MOST_ROWS));
    batch = fitting(ledger.read(c -> ConversationTable.after(c, checkpoint, limit)));
    List<Request> requests = new ArrayList<>(deletions(values));
    requests.addAll(additions());
    if (requests.isEmpty() && batch.isEmpty()) {
      done();
      return null;
    }
    if (!batch.isEmpty()) {
      requests.addAll(
          sync.update(sync().getSheetId(), batch.getLast().sequence(), 0, clock.instant()));
    }
    Instant now = clock.instant();
    commitWait.sent(now);
    noteCommitSent(now);
    sending = true;
    return new BatchUpdateSpreadsheetRequest().setRequests(requests);
  }

  /** To be called when the commit was acknowledged. */
  public void committed() {
    noteCommitSent(null);
    done();
  }

  /** To be called when a round failed, whichever call it was that did. */
  public void failed(Throwable cause) {
    int status = FlushHealth.status(cause);
    if (sending && FlushHealth.neverApplied(cause)) {
      noteCommitSent(null);
    }
    if (sending && (status == BAD_REQUEST || status == TOO_LARGE)) {
      skipped = batch.size() == 1 ? batch.getFirst().requestId() : null;
      limit = Math.max(1, batch.size() / 2);
    }
    sending = false;
    failures++;
    Duration wait = Duration.ofSeconds(1L << Math.min(failures, LONGEST_EXPONENT));
    notBefore = steady.instant().plus(wait);
    LOG.warn(
        "Conversations could not be written to the workbook; the ledger keeps them, next try in {} s: {}",
        wait.toSeconds(),
        FlushHealth.message(cause));
  }

  private boolean cleaningDue() {
    return !log.keptSince().equals(Instant.EPOCH) && !steady.instant().isBefore(nextCleaning);
  }

  /** A round has gone through, with or without a commit. */
  private void done() {
    if (!batch.isEmpty()) {
      stands(batch.getLast().sequence());
      if (skipping()) {
        LOG.warn(
            "{} its conversation is not in the workbook, which refuses it; the ledger keeps it",
            batch.getLast().requestId());
      }
      skipped = null;
      limit = MOST_ROWS;
    }
    if (cleaned) {
      nextCleaning = steady.instant().plus(BETWEEN_CLEANINGS);
      erasures.forEach(
          erasure -> ledger.write(connection -> ConversationTable.erased(connection, erasure)));
    }
    sending = false;
    failures = 0;
    notBefore = Instant.EPOCH;
  }

  /** Whether the batch is the one conversation that was refused alone: only the checkpoint goes. */
  private boolean skipping() {
    return batch.size() == 1 && batch.getFirst().requestId().equals(skipped);
  }

  /** Rows are appended in the order of the headers that were read just now. */
  private List<Request> additions() {
    List<Request> requests = new ArrayList<>();
    if (batch.isEmpty() || skipping()) {
      return requests;
    }
    List<RowData> rows = new ArrayList<>();
    if (sheet == null) {
      SheetIndex.NewSheet made =
          index.add(ConversationSheet.TITLE, ConversationSheet.HEADERS, false);
      requests.addAll(made.requests());
      batch.forEach(one -> rows.add(ConversationSheet.row(one, ConversationSheet.HEADERS)));
      requests.add(WorkbookSchema.appendRows(made.sheetId(), rows));
    } else {
      batch.forEach(one -> rows.add(ConversationSheet.row(one, headers)));
      requests.add(WorkbookSchema.appendRows(sheet.getSheetId(), rows));
    }
    return requests;
  }

  private List<Request> deletions(BatchGetValuesResponse values) {
    cleaned = cleaning && sheet == null;
    if (sheet == null) {
      return List.of();
    }
    List<List<Object>> first = UsageFlush.cells(values, 1);
    headers = first.isEmpty() ? ConversationSheet.HEADERS : first.get(0);
    if (!cleaning || values.getValueRanges().size() < 4) {
      return List.of();
    }
    List<List<Object>> timestamps = UsageFlush.cells(values, 2);
    List<List<Object>> emails = UsageFlush.cells(values, 3);
    // Somebody may have moved the columns since their headers were read.
    if (!ConversationSheet.is(cell(timestamps, 0), ConversationSheet.TIMESTAMP)
        || !ConversationSheet.is(cell(emails, 0), ConversationSheet.EMAIL)) {
      return List.of();
    }
    Instant keptSince = log.keptSince();
    List<Request> requests =
        ConversationSheet.deletions(
            sheet.getSheetId(),
            Math.max(timestamps.size(), emails.size()),
            row -> goes(moment(cell(timestamps, row)), cell(emails, row), keptSince),
            MOST_DELETIONS);
    cleaned = requests.size() < MOST_DELETIONS;
    return requests;
  }

  /** Rows whose time cannot be read are not ours to expire, but a user's all the same. */
  private boolean goes(Optional<Instant> moment, String email, Instant keptSince) {
    return moment.filter(at -> at.isBefore(keptSince)).isPresent()
        || erasures.stream()
            .anyMatch(erasure ->
                erasure.email().equalsIgnoreCase(email)
                    && moment.filter(at -> at.isAfter(erasure.askedAt())).isEmpty());
  }

  /** As many as fit into a request of a size that Google likes, but one at least. */
  private List<Conversation> fitting(List<Conversation> conversations) {
    long characters = 0;
    for (int i = 0; i < conversations.size(); i++) {
      characters += Math.min(conversations.get(i).bytes(), MOST_CHARACTERS / 5);
      if (i > 0 && characters > MOST_CHARACTERS) {
        return conversations.subList(0, i);
      }
    }
    return conversations;
  }

  private SheetProperties sync() {
    return index.present(WorkbookSchema.SYNC_TITLE);
  }

  private void stands(long checkpoint) {
    ledger.write(connection -> ConversationTable.stands(connection, checkpoint));
  }

  private void noteCommitSent(Instant at) {
    Statements<Integer> note = connection -> ConversationTable.noteCommitSent(connection, at);
    if (at == null) {
      ledger.write(note);
    } else {
      ledger.noteSent(note);
    }
  }

  private static String cell(List<List<Object>> column, int row) {
    return row >= column.size() || column.get(row).isEmpty()
        ? ""
        : String.valueOf(column.get(row).get(0));
  }

  private static Optional<Instant> moment(String text) {
    try {
      return Optional.of(Instant.parse(text));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }
}
