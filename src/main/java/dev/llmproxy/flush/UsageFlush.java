package dev.llmproxy.flush;

import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.SheetProperties;
import dev.llmproxy.base.FlushSettings;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import dev.llmproxy.ledger.UsageRecord;
import dev.llmproxy.workbook.SheetIndex;
import dev.llmproxy.workbook.SyncTimes;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookSchema;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.camel.ExchangeException;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the ledger's settled records into the workbook, each exactly once; see {@link
 * FlushCommit}. A {@link Round} has the state of one round. This class has only the state that
 * lasts longer than a round: the pace, the health, whether this server is the writer, the open
 * commit, and what refused batches have shown. Used by one route at a time.
 */
public final class UsageFlush {
  private static final Logger LOG = LoggerFactory.getLogger(UsageFlush.class);
  private static final int BAD_REQUEST = 400;
  private static final int TOO_LARGE = 413;
  private static final int TOO_MANY = 429;
  private static final Duration LATE = Duration.ofMinutes(1);

  private final Ledger ledger;
  private final FlushBook book;
  private final SheetTitles titles;
  private final WorkbookSchema schema;
  private final KeyCounters counters;
  private final UsageRotation rotation;
  private final FlushHealth health;
  private final SyncTimes times;
  private final CommitWait commitWait;
  private final RoundPace pace;
  private final int detailRowsPerDay;
  private final Clock clock;
  private final Clock steady;

  private volatile boolean leading;
  private volatile boolean hurried;
  private Instant lateLoggedAt;

  // After a refused batch: the largest size of the next batches, the sequence up to which that
  // size applies, and the record that was refused alone.
  private int limit = Integer.MAX_VALUE;
  private long limitedUpTo;
  private UsageRecord suspect;
  private String refusal;

  /**
   * @param clock the system's clock, for dates
   * @param steady a clock that only goes forward, for waits
   */
  public UsageFlush(
      Ledger ledger,
      FlushBook book,
      Workbook workbook,
      WorkbookSchema schema,
      FlushSettings settings,
      Clock clock,
      Clock steady) {
    this.ledger = ledger;
    this.book = book;
    this.titles = new SheetTitles(ledger);
    this.schema = schema;
    this.commitWait = new CommitWait(workbook.commitWait(), ledger::noteCommitSent, clock, steady);
    this.counters = new KeyCounters(book, schema, clock);
    this.rotation = new UsageRotation(ledger, book, schema, settings, commitWait, clock, steady);
    this.health = new FlushHealth(steady, () -> ThreadLocalRandom.current().nextDouble());
    this.times = new SyncTimes(clock);
    this.pace = new RoundPace(settings.roundsPerMinute(), settings.interval(), System::nanoTime);
    this.detailRowsPerDay = settings.detailRowsPerDay().orElse(Integer.MAX_VALUE);
    this.clock = clock;
    this.steady = steady;
  }

  public KeyCounters counters() {
    return counters;
  }

  public UsageRotation rotation() {
    return rotation;
  }

  FlushHealth health() {
    return health;
  }

  /** The reason why usage is not written to the workbook, for an operator; null when it is. */
  public String problem() {
    return health.problem();
  }

  /** The number of records that the workbook refuses and that are not about to be tried again. */
  public long deadLetters() {
    return book.deadLetters();
  }

  /** The records that the workbook refuses, oldest first, at most {@code limit}. */
  public List<DeadLetter> refusedRecords(int limit) {
    return book.refusedRecords(limit);
  }

  /**
   * Tries records again that the workbook has refused, with the next rounds.
   *
   * @param requestId the id of the record's request; null for all records
   * @return the number of these records; 0 when there is no such record, or it is being tried
   */
  public int retry(String requestId) {
    return book.retry(requestId);
  }

  /** When rows were last written to the usage sheets, and when and why that last failed. */
  public SyncTimes times() {
    return times;
  }

  /** Whether this server writes to the workbook, and no other server that shares the ledger. */
  public boolean leading() {
    return leading;
  }

  /** The number of settled records that are not in the workbook. */
  public long waiting() {
    return Math.max(0, ledger.lastSequence() - book.state().checkpoint());
  }

  /**
   * The records of the ledger that are not in the workbook, whichever server writes them.
   *
   * @param oldest the time since the settlement of the oldest one; zero when there is none
   */
  public record Backlog(long records, Duration oldest) {}

  /**
   * The records that are not in the workbook, as the ledger has them.
   *
   * @throws LedgerException when the ledger cannot be read
   */
  public Backlog backlog() {
    long checkpoint = book.storedCheckpoint();
    return new Backlog(ledger.settledSince(checkpoint), behind(checkpoint));
  }

  /** The time since the settlement of the oldest record that is not in the workbook. */
  private Duration behind(long checkpoint) {
    return ledger
        .settledAfter(checkpoint)
        .map(settled -> Duration.between(settled, clock.instant()))
        .filter(age -> !age.isNegative())
        .orElse(Duration.ZERO);
  }

  /** Whether there is something to write, this server may write it, and it is time. */
  public boolean due() {
    try {
      return dueHere();
    } catch (LedgerException e) {
      LOG.warn("The records that are not in the workbook could not be read: {}", e.getMessage());
      return false;
    }
  }

  private boolean dueHere() {
    if (!pace.open(hurried)) {
      return false;
    }
    boolean led = leading;
    leading = ledger.lead();
    if (!leading) {
      return false;
    }
    if (!led) {
      LOG.info("This server writes to the workbook now");
      takeOver();
    }
    if (!health.mayTry() || !(rowsDue() || counters.due() || rotation.due())) {
      return false;
    }
    return commitWait.over(ledger.commitSentAt().orElse(null));
  }

  /** Has rounds follow without spacing, because the server stops. */
  public void hurry() {
    hurried = true;
  }

  /** Reads the state that another server, or an earlier process, has left. */
  private void takeOver() {
    book.reload();
    counters.takeOver();
    suspect = null;
    limit = Integer.MAX_VALUE;
    limitedUpTo = 0;
  }

  /**
   * Whether another round follows at once. The first round always does, after {@link #due}. A
   * further round follows only while a full batch waits, or after a round that had to find out the
   * state of the workbook before it could write.
   *
   * @param last the round that has just ended; null before the first
   */
  public boolean another(@ExchangeProperty("round") Round last) {
    return last == null || (health.mayTry() && dueAtOnce(last) && pace.open(true));
  }

  private boolean dueAtOnce(Round last) {
    return rotation.due() || ((last.fullBatchWaits || !last.wrote) && rowsDue());
  }

  /** Begins a round. */
  public Round begin() {
    pace.begin();
    return new Round();
  }

  /** Whether there are waiting records that may be written now. */
  public boolean rowsDue() {
    // After a start the counters come first: they show what the last process left in the sheet.
    return counters.hasRead()
        && !rotation.due()
        && (ledger.lastSequence() > book.state().checkpoint() || book.retrying());
  }

  /** Called when the workbook has acknowledged any other change. */
  public void answered() {
    commitWait.answered();
  }

  /** Called when a round has succeeded. */
  public void succeeded() {
    health.succeeded();
    Duration behind = waiting() == 0 ? Duration.ZERO : behind(book.state().checkpoint());
    if (behind.compareTo(LATE) > 0) {
      if (lateLoggedAt == null || !steady.instant().isBefore(lateLoggedAt.plus(LATE))) {
        lateLoggedAt = steady.instant();
        LOG.warn(
            "The workbook is {} records and {} s behind the ledger, which stores them all",
            waiting(),
            behind.toSeconds());
      }
    } else if (lateLoggedAt != null) {
      lateLoggedAt = null;
      LOG.info("The workbook has caught up with the ledger");
    }
  }

  /** Called when a round has failed, at whichever step. */
  public void failed(@ExchangeProperty("round") Round round, @ExchangeException Throwable cause) {
    int status = FlushHealth.status(cause);
    String message = FlushHealth.message(cause);
    boolean commit = round.sending();
    counters.setDue();
    times.failed(message);
    if (FlushHealth.neverApplied(cause)) {
      answered();
    }
    if (round.creating && FlushHealth.isRefusal(cause) && status != TOO_MANY) {
      rotation.cancel(message);
      return;
    }
    if (status == BAD_REQUEST && !commit && counters.refused(round)) {
      LOG.warn(
          "The sheet \"User API Keys\" refuses changes of Status or Created At; only the counters are written: {}",
          message);
      return;
    }
    boolean refused = status == 401 || status == 403 || status == 404;
    if (commit && (status == BAD_REQUEST || status == TOO_LARGE)) {
      split(round.batch, cause, message);
    } else if (refused) {
      health.refused(advice(status) + " (" + status + ": " + message + ")");
    } else {
      health.failed(cause);
    }
  }

  private void setCheckpoint(long checkpoint, long retries) {
    book.setCheckpoint(checkpoint, retries);
    counters.setDue();
  }

  /** Halves a refused batch until only the refused record is left. */
  private void split(UsageBatch batch, Throwable cause, String message) {
    if (message.contains("limit of 10000000 cells")) {
      rotation.begin("Google's limit of cells reached");
    } else if (suspect != null || batch.records().isEmpty()) {
      // Even an empty batch is refused, so no record is to blame.
      suspect = null;
      health.refused("The sheet \"_sync\" cannot be written (" + message + ")");
    } else if (batch.records().size() == 1) {
      suspect = batch.records().get(0);
      refusal = message;
    } else {
      LOG.warn(
          "The workbook refuses a batch of {} records; the server halves it to find the refused record: {}",
          batch.records().size(),
          cause.getMessage());
      limitedUpTo = Math.max(limitedUpTo, batch.checkpoint());
      limit = batch.records().size() / 2;
    }
  }

  private void park() {
    LOG.error(
        "The workbook refuses the record of the request {}; it is put aside (llmproxy dead-letters): {}",
        suspect.requestId(),
        refusal);
    book.park(suspect, refusal, clock.instant());
    suspect = null;
    limit = Integer.MAX_VALUE;
    limitedUpTo = 0;
  }

  private String advice(int status) {
    return switch (status) {
      case 401 -> "The workbook does not accept the server's credentials";
      case 403 ->
          "The server may not write to the spreadsheet "
              + receiver()
              + "; share it with the service account as editor";
      default -> "There is no spreadsheet " + receiver() + "; it may have been deleted";
    };
  }

  /** The id of the spreadsheet that receives rows. */
  private String receiver() {
    String id = book.state().spreadsheet();
    return id == null ? schema.mainId() : id;
  }

  /** The state of one round, and the rows that it writes. */
  public final class Round extends FlushRound {
    // For the rotation.
    SheetProperties indexSheet;
    SheetProperties syncSheet;
    Set<String> indexed = Set.of();
    boolean creating;

    // For the counters.
    SheetProperties keysSheet;
    SheetProperties tiersSheet;
    boolean writesStatus;

    private final Map<String, Target> targets = new HashMap<>();
    private boolean adopting;
    private UsageBatch batch;
    private boolean wrote;
    private boolean fullBatchWaits;

    private Round() {
      super(ledger.id().toString(), UsageFlush.this.commitWait);
    }

    @Override
    protected String spreadsheetId() {
      return receiver();
    }

    /** The headers of the sheets that receive rows. */
    @Override
    protected List<String> ranges() {
      adopting = book.state().spreadsheet() == null;
      if (adopting) {
        return List.of(SheetIndex.range(index().present(WorkbookSchema.INDEX_TITLE), null));
      }
      batch =
          suspect == null
              ? UsageBatch.next(ledger, book, limit, detailRowsPerDay)
              : UsageBatch.empty(book);
      List<String> ranges = new ArrayList<>();
      for (String email : batch.rows().keySet()) {
        String title = titles.of(email);
        index()
            .find(title)
            .ifPresent(sheet -> {
              ranges.add(SheetIndex.range(sheet, "1:1"));
              targets.put(title, new Target(sheet, ranges.size()));
            });
      }
      return ranges;
    }

    @Override
    protected Changes changes(SyncSheet sync, BatchGetValuesResponse values) {
      if (adopting) {
        book.use(
            UsageRotation.last(FlushCommit.cells(values, 1), schema.mainId()), clock.instant());
        return null;
      }
      FlushBook.State state = book.state();
      // If somebody has deleted the row, the ledger's own checkpoint is used.
      long checkpoint = sync.checkpoint().orElse(state.checkpoint());
      long retries = sync.retries().orElse(state.retries());
      if (checkpoint != state.checkpoint() || retries != state.retries()) {
        setCheckpoint(checkpoint, retries);
        return null;
      }
      if (rotation.begin(index())) {
        return null;
      }
      return new Changes(rows(values), new Checkpoint(batch.checkpoint(), batch.retries()));
    }

    @Override
    protected void committed() {
      wrote = true;
      times.succeeded();
      if (suspect != null) {
        park();
        return;
      }
      LOG.debug("Usage records up to {} are in the workbook", batch.checkpoint());
      setCheckpoint(batch.checkpoint(), batch.retries());
      fullBatchWaits = batch.full() && (book.retrying() || waiting() >= batch.records().size());
      if (batch.checkpoint() >= limitedUpTo && !book.retrying()) {
        limit = Integer.MAX_VALUE;
      }
    }

    private List<Request> rows(BatchGetValuesResponse values) {
      List<Request> requests = new ArrayList<>();
      batch
          .rows()
          .forEach((email, lines) -> {
            String title = titles.of(email);
            Target target = targets.get(title);
            List<?> headers = UsageLine.HEADERS;
            int columns = UsageLine.HEADERS.size();
            int sheetId;
            if (target == null) {
              SheetIndex.NewSheet made = index().add(title, UsageLine.HEADERS, false);
              requests.addAll(made.requests());
              sheetId = made.sheetId();
            } else {
              List<List<Object>> first = FlushCommit.cells(values, target.range);
              headers = first.isEmpty() ? List.of() : first.get(0);
              columns = target.sheet.getGridProperties().getColumnCount();
              sheetId = target.sheet.getSheetId();
            }
            List<RowData> rows = new ArrayList<>();
            for (UsageLine line : lines) {
              rows.add(line.row(headers, columns));
            }
            requests.add(WorkbookSchema.appendRows(sheetId, rows));
          });
      return requests;
    }
  }

  /**
   * A sheet that receives rows.
   *
   * @param range the index of its header among the ranges that were read; {@code _sync} has 0
   */
  private record Target(SheetProperties sheet, int range) {}
}
