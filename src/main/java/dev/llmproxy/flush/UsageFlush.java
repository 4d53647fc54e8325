package dev.llmproxy.flush;

import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.RowData;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import dev.llmproxy.base.Settings;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.ledger.LedgerException;
import dev.llmproxy.ledger.UsageRecord;
import dev.llmproxy.workbook.SheetIndex;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookSchema;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the ledger's settled records into the workbook, each exactly once. One {@code batchUpdate}
 * carries the rows and, in the sheet {@code _sync}, how far this ledger has come; it is applied
 * whole or not at all. Whatever happens to it, the next round reads {@code _sync} and goes on from
 * there. A commit without an answer may still be applied for a while, so the next round waits until
 * it cannot. Used by one route at a time.
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
  private final CommitWait commitWait;
  private final RoundPace pace;
  private final int detailRowsPerDay;
  private final Clock clock;
  private final Clock steady;

  private boolean leading;
  private boolean firstRound;
  private boolean wrote;
  private boolean fullBatchWaits;
  private Instant saidLate;
  private SheetIndex index;
  private boolean adopting;
  private UsageBatch batch;
  private final Map<String, Target> targets = new HashMap<>();
  private boolean sending;

  // After a refused batch: how many records the next may have, up to which sequence that holds, and
  // the record that was refused alone.
  private int limit = Integer.MAX_VALUE;
  private long limitedUpTo;
  private UsageRecord suspect;
  private String refusal;

  /**
   * @param clock what people and calendars go by
   * @param steady what waits go by: it only goes forward
   * @throws Settings.SettingException when a setting is missing or wrong
   */
  public UsageFlush(
      Ledger ledger,
      FlushBook book,
      Workbook workbook,
      WorkbookSchema schema,
      Settings settings,
      Clock clock,
      Clock steady) {
    this.ledger = ledger;
    this.book = book;
    this.titles = new SheetTitles(ledger);
    this.schema = schema;
    this.counters = new KeyCounters(book, schema, clock);
    this.rotation = new UsageRotation(ledger, book, schema, settings, clock, steady);
    this.health = new FlushHealth(steady, () -> ThreadLocalRandom.current().nextDouble());
    this.commitWait = new CommitWait(workbook.commitWait(), clock, steady);
    this.pace =
        new RoundPace(
            settings.integer("SHEETS_ROUNDS_PER_MINUTE"),
            settings.seconds("USAGE_FLUSH_SECONDS"),
            System::nanoTime);
    this.detailRowsPerDay = settings.integer("SHEETS_DETAIL_ROWS_PER_DAY");
    this.clock = clock;
    this.steady = steady;
  }

  public KeyCounters counters() {
    return counters;
  }

  public UsageRotation rotation() {
    return rotation;
  }

  /** How it stands. */
  public FlushStatus status() {
    return health.status(waiting(), behind(), book.parked());
  }

  private long waiting() {
    return Math.max(0, ledger.lastSequence() - book.state().checkpoint());
  }

  /** For how long the oldest record that the workbook has not has been settled. */
  private Duration behind() {
    return ledger
        .settledAfter(book.state().checkpoint())
        .map(settled -> Duration.between(settled, clock.instant()))
        .filter(age -> !age.isNegative())
        .orElse(Duration.ZERO);
  }

  /** Whether there is something to do here and now is the time to. */
  public boolean due() {
    try {
      return dueHere();
    } catch (LedgerException e) {
      LOG.warn("What there is to write to the workbook cannot be told: {}", e.getMessage());
      return false;
    }
  }

  private boolean dueHere() {
    firstRound = true;
    if (!pace.open(false)) {
      return false;
    }
    boolean led = leading;
    leading = ledger.lead();
    if (!leading) {
      return false;
    }
    if (!led) {
      takeOver();
    }
    if (!health.mayTry() || !(rowsDue() || counters.due() || rotation.due())) {
      return false;
    }
    return commitWait.over(ledger.commitSentAt().orElse(null));
  }

  /** What another server, or this one before, has left. */
  private void takeOver() {
    book.reload();
    counters.takeOver();
    suspect = null;
    limit = Integer.MAX_VALUE;
    limitedUpTo = 0;
  }

  /**
   * Whether another round is to follow at once, which then has begun. The first is, after {@link
   * #due}; a further one only while a full batch waits, or after one that had to find something out
   * before it could write.
   */
  public boolean another() {
    boolean first = firstRound;
    firstRound = false;
    boolean follows = first || (health.mayTry() && dueAtOnce() && pace.open(true));
    if (follows) {
      pace.begin();
      wrote = false;
      fullBatchWaits = false;
    }
    return follows;
  }

  private boolean dueAtOnce() {
    return rotation.due() || ((fullBatchWaits || !wrote) && rowsDue());
  }

  /** Whether records are waiting that may be written now. */
  public boolean rowsDue() {
    // The counters come first after a start: they tell what the last process left in the sheet.
    return counters.lookedOnce()
        && !rotation.due()
        && (ledger.lastSequence() > book.state().checkpoint() || book.retrying());
  }

  /** The spreadsheet that receives rows. */
  public String spreadsheetId() {
    String id = book.state().spreadsheet();
    return id == null ? schema.mainId() : id;
  }

  /**
   * What a commit has to know before: the checkpoint, and the headers of the sheets that it adds
   * rows to.
   *
   * @param spreadsheet the one that receives rows, with the properties of all its sheets
   */
  public List<String> ranges(@ExchangeProperty("spreadsheet") Spreadsheet spreadsheet) {
    index = schema.index(spreadsheetId(), spreadsheet);
    adopting = book.state().spreadsheet() == null;
    if (adopting) {
      return List.of(SheetIndex.range(find(WorkbookSchema.INDEX_TITLE), null));
    }
    batch =
        suspect == null
            ? UsageBatch.next(ledger, book, limit, detailRowsPerDay)
            : UsageBatch.empty(book);
    targets.clear();
    List<String> ranges = new ArrayList<>();
    ranges.add(SheetIndex.range(find(WorkbookSchema.SYNC_TITLE), null));
    for (String email : batch.rows().keySet()) {
      String title = titles.of(email);
      index
          .find(title)
          .ifPresent(sheet -> {
            targets.put(title, new Target(sheet, ranges.size()));
            ranges.add(SheetIndex.range(sheet, "1:1"));
          });
    }
    return ranges;
  }

  /**
   * The commit that brings the next records in.
   *
   * @param values the cells of the ranges that {@link #ranges} gave
   * @return null when there is none this time
   */
  public BatchUpdateSpreadsheetRequest commit(@Body BatchGetValuesResponse values) {
    ledger.noteCommitSent(null);
    if (adopting) {
      book.use(UsageRotation.last(cells(values, 0), schema.mainId()), clock.instant());
      return null;
    }
    SyncSheet sync = new SyncSheet(cells(values, 0), ledger.id().toString());
    FlushBook.State state = book.state();
    // A row that somebody has deleted is replaced by what the ledger knows.
    long checkpoint = sync.checkpoint().orElse(state.checkpoint());
    long retries = sync.retries().orElse(state.retries());
    if (checkpoint != state.checkpoint() || retries != state.retries()) {
      stands(checkpoint, retries);
      return null;
    }
    if (rotation.begin(index)) {
      return null;
    }
    List<Request> requests = new ArrayList<>(rows(values));
    requests.addAll(
        sync.update(
            find(WorkbookSchema.SYNC_TITLE).getSheetId(),
            batch.checkpoint(),
            batch.retries(),
            clock.instant()));
    Instant now = clock.instant();
    commitWait.sent(now);
    ledger.noteCommitSent(now);
    sending = true;
    return new BatchUpdateSpreadsheetRequest().setRequests(requests);
  }

  /** To be called when the commit was acknowledged. */
  public void committed() {
    answered();
    sending = false;
    wrote = true;
    if (suspect != null) {
      park();
      return;
    }
    LOG.debug("Usage records up to {} are in the workbook", batch.checkpoint());
    stands(batch.checkpoint(), batch.retries());
    fullBatchWaits = batch.full() && (book.retrying() || waiting() >= batch.records().size());
    if (batch.checkpoint() >= limitedUpTo && !book.retrying()) {
      limit = Integer.MAX_VALUE;
    }
  }

  /** To be called when any other change was acknowledged. */
  public void answered() {
    ledger.noteCommitSent(null);
  }

  /** To be called when a round went through. */
  public void well() {
    health.well();
    Duration behind = waiting() == 0 ? Duration.ZERO : behind();
    if (behind.compareTo(LATE) > 0) {
      if (saidLate == null || !steady.instant().isBefore(saidLate.plus(LATE))) {
        saidLate = steady.instant();
        LOG.warn(
            "The workbook is {} records and {} s behind the ledger, which keeps them all",
            waiting(),
            behind.toSeconds());
      }
    } else if (saidLate != null) {
      saidLate = null;
      LOG.info("The workbook has caught up with the ledger");
    }
  }

  /** To be called when a round failed, whichever call it was that did. */
  public void failed(Throwable cause) {
    int status = FlushHealth.status(cause);
    String message = FlushHealth.message(cause);
    boolean commit = sending;
    sending = false;
    counters.setDue();
    if (FlushHealth.neverApplied(cause)) {
      answered();
    }
    if (rotation.createFailed() && FlushHealth.saidNo(cause) && status != TOO_MANY) {
      rotation.cancel(message);
      return;
    }
    if (status == BAD_REQUEST && !commit && counters.refused()) {
      LOG.warn(
          "The sheet \"User API Keys\" refuses what is to be said in Status or Created At; the counters go on without it: {}",
          message);
      return;
    }
    boolean refused = status == 401 || status == 403 || status == 404;
    if (commit && (status == BAD_REQUEST || status == TOO_LARGE)) {
      split(cause, message);
    } else if (refused) {
      health.refused(advice(status) + " (" + status + ": " + message + ")");
    } else {
      health.failed(cause);
    }
  }

  /** The cells of one range; empty rows at the end are absent. */
  public static List<List<Object>> cells(BatchGetValuesResponse values, int range) {
    List<List<Object>> cells = values.getValueRanges().get(range).getValues();
    return cells == null ? List.of() : cells;
  }

  private void stands(long checkpoint, long retries) {
    book.stands(checkpoint, retries);
    counters.setDue();
  }

  private SheetProperties find(String title) {
    return index.present(title);
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
            SheetIndex.NewSheet made = index.add(title, UsageLine.HEADERS, false);
            requests.addAll(made.requests());
            sheetId = made.sheetId();
          } else {
            List<List<Object>> first = cells(values, target.range);
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

  /** Halves a batch that was refused, down to the one record that is to blame. */
  private void split(Throwable cause, String message) {
    if (message.contains("limit of 10000000 cells")) {
      rotation.begin("Google's limit of cells reached");
    } else if (suspect != null || batch.records().isEmpty()) {
      // Even nothing is refused: no record is to blame.
      suspect = null;
      health.refused("The sheet \"_sync\" cannot be written (" + message + ")");
    } else if (batch.records().size() == 1) {
      suspect = batch.records().get(0);
      refusal = message;
    } else {
      LOG.warn(
          "The workbook refuses {} records at once; they are halved to find out which: {}",
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
              + spreadsheetId()
              + "; share it with the service account as editor";
      default -> "There is no spreadsheet " + spreadsheetId() + "; it may have been deleted";
    };
  }

  /** A sheet that rows are added to, and the place of its header among the ranges. */
  private record Target(SheetProperties sheet, int range) {}
}
