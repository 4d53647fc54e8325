package dev.llmproxy.conversation;

import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.SheetProperties;
import dev.llmproxy.conversation.ConversationTable.Erasure;
import dev.llmproxy.conversation.ConversationTable.FlushState;
import dev.llmproxy.flush.CommitWait;
import dev.llmproxy.flush.FlushCommit;
import dev.llmproxy.flush.FlushHealth;
import dev.llmproxy.flush.FlushRound;
import dev.llmproxy.flush.SyncSheet;
import dev.llmproxy.ledger.Conversation;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import dev.llmproxy.ledger.Statements;
import dev.llmproxy.workbook.SheetIndex;
import dev.llmproxy.workbook.SyncTimes;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookSchema;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.camel.ExchangeException;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes conversations into the sheet {@code Conversations} of the workbook, each exactly once, and
 * deletes them from it; see {@link FlushCommit}. Checkpoint, commits and failures are separate from
 * those of usage records, so neither flush can harm the other. A {@link Round} has the state of one
 * round. This class has only the state that lasts longer than a round: the back-off, the open
 * commit, the time of the next cleaning, the headers that were read last, and the conversation that
 * the workbook has refused. Used by one route at a time.
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
  private final SyncTimes times;
  private final Clock steady;

  private List<?> headers = ConversationSheet.HEADERS;
  private Instant nextCleaning = Instant.EPOCH;
  private Instant notBefore = Instant.EPOCH;
  private int failures;
  private int limit = MOST_ROWS;
  private String skipped;

  /**
   * @param clock the system's clock
   * @param steady a clock that only goes forward, for waits
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
    this.commitWait = new CommitWait(workbook.commitWait(), this::noteCommitSent, clock, steady);
    this.times = new SyncTimes(clock);
    this.steady = steady;
  }

  /** When conversations were last written to the workbook, and when and why that last failed. */
  public SyncTimes times() {
    return times;
  }

  /**
   * The number of stored conversations that are for the workbook and have ended, and are not in it.
   *
   * @throws LedgerException when the ledger cannot be read
   */
  public long waiting() {
    return ledger.read(ConversationTable::waiting);
  }

  /** Whether there is something to write or delete and it is time. */
  public boolean due() {
    if (steady.instant().isBefore(notBefore) || !ledger.lead()) {
      return false;
    }
    try {
      FlushState state = ledger.read(ConversationTable::flushState);
      return (cleaningDue() || state.waiting()) && commitWait.over(state.commitSentAt());
    } catch (LedgerException e) {
      backOff(e);
      return false;
    }
  }

  /** Begins a round. */
  public Round begin() {
    return new Round();
  }

  /** Called when a round has failed, at whichever step. */
  public void failed(@ExchangeProperty("round") Round round, @ExchangeException Throwable cause) {
    int status = FlushHealth.status(cause);
    if (round.sending() && FlushHealth.neverApplied(cause)) {
      commitWait.answered();
    }
    if (round.sending() && (status == BAD_REQUEST || status == TOO_LARGE)) {
      skipped = round.batch.size() == 1 ? round.batch.getFirst().requestId() : null;
      limit = Math.max(1, round.batch.size() / 2);
    }
    backOff(cause);
  }

  private void backOff(Throwable cause) {
    times.failed(FlushHealth.message(cause));
    failures++;
    Duration wait = Duration.ofSeconds(1L << Math.min(failures, LONGEST_EXPONENT));
    notBefore = steady.instant().plus(wait);
    LOG.warn(
        "Conversations could not be written to the workbook; the ledger stores them. Next try in {} s: {}",
        wait.toSeconds(),
        FlushHealth.message(cause));
  }

  private boolean cleaningDue() {
    return !log.keptSince().equals(Instant.EPOCH) && !steady.instant().isBefore(nextCleaning);
  }

  /**
   * At least one conversation, and otherwise as many as fit into a request of the size that Google
   * recommends.
   */
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

  private void setCheckpoint(long checkpoint) {
    ledger.write(connection -> ConversationTable.setCheckpoint(connection, checkpoint));
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

  /** The state of one round, and the conversations that it writes and deletes. */
  public final class Round extends FlushRound {
    private SheetProperties sheet;
    private boolean cleaning;
    private List<Erasure> erasures = List.of();
    private boolean cleaned;
    private List<Conversation> batch = List.of();

    private Round() {
      super(ledger.id() + CHECKPOINT_NAME, commitWait);
    }

    @Override
    protected String spreadsheetId() {
      return schema.mainId();
    }

    /**
     * The ranges to read: the sheet's header, and the columns of time and user when rows are to be
     * deleted.
     */
    @Override
    protected List<String> ranges() {
      erasures = ledger.read(ConversationTable::erasures);
      cleaning = cleaningDue() || !erasures.isEmpty();
      sheet = index().find(ConversationSheet.TITLE).orElse(null);
      List<String> ranges = new ArrayList<>();
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

    @Override
    protected Changes changes(SyncSheet sync, BatchGetValuesResponse values) {
      FlushState state = ledger.read(ConversationTable::flushState);
      long checkpoint = sync.checkpoint().orElse(state.checkpoint());
      if (checkpoint != state.checkpoint()) {
        setCheckpoint(checkpoint);
      }
      ledger.write(connection -> ConversationTable.number(connection, MOST_ROWS));
      batch = fitting(ledger.read(c -> ConversationTable.after(c, checkpoint, limit)));
      List<Request> requests = new ArrayList<>(deletions(values));
      requests.addAll(additions());
      if (requests.isEmpty() && batch.isEmpty()) {
        committed();
        return null;
      }
      return new Changes(
          requests, batch.isEmpty() ? null : new Checkpoint(batch.getLast().sequence(), 0));
    }

    @Override
    protected void committed() {
      if (!batch.isEmpty()) {
        times.succeeded();
        setCheckpoint(batch.getLast().sequence());
        if (skipping()) {
          LOG.warn(
              "{} the workbook refuses its conversation, which stays in the ledger only",
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
      failures = 0;
      notBefore = Instant.EPOCH;
    }

    /** Whether the batch is the one conversation that was refused alone; it is skipped. */
    private boolean skipping() {
      return batch.size() == 1 && batch.getFirst().requestId().equals(skipped);
    }

    /** Appends rows in the order of the headers that were just read. */
    private List<Request> additions() {
      List<Request> requests = new ArrayList<>();
      if (batch.isEmpty() || skipping()) {
        return requests;
      }
      List<RowData> rows = new ArrayList<>();
      if (sheet == null) {
        SheetIndex.NewSheet made =
            index().add(ConversationSheet.TITLE, ConversationSheet.HEADERS, false);
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
      List<List<Object>> first = FlushCommit.cells(values, 1);
      headers = first.isEmpty() ? ConversationSheet.HEADERS : first.get(0);
      if (!cleaning || values.getValueRanges().size() < 4) {
        return List.of();
      }
      List<List<Object>> timestamps = FlushCommit.cells(values, 2);
      List<List<Object>> emails = FlushCommit.cells(values, 3);
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
              row -> isDeleted(moment(cell(timestamps, row)), cell(emails, row), keptSince),
              MOST_DELETIONS);
      cleaned = requests.size() < MOST_DELETIONS;
      return requests;
    }

    /** A row with an unreadable time never expires, but an erasure of its user deletes it. */
    private boolean isDeleted(Optional<Instant> moment, String email, Instant keptSince) {
      return moment.filter(at -> at.isBefore(keptSince)).isPresent()
          || erasures.stream()
              .anyMatch(erasure ->
                  ConversationTable.sameUser(erasure.email(), email)
                      && moment.filter(at -> at.isAfter(erasure.askedAt())).isEmpty());
    }
  }
}
