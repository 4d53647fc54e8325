package dev.llmproxy.flush;

import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import com.google.api.services.sheets.v4.model.SpreadsheetProperties;
import dev.llmproxy.base.FlushSettings;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.workbook.SheetIndex;
import dev.llmproxy.workbook.WorkbookSchema;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts a new spreadsheet for the users' rows when the current one is nearly full, or when a month
 * has ended. A rotation begins only when the checkpoint is certain. Until it has ended no row is
 * written, so the new spreadsheet's checkpoint is that of the old one. Each step first checks
 * whether it is already done, so a rotation may be interrupted anywhere.
 */
public final class UsageRotation {
  private static final Logger LOG = LoggerFactory.getLogger(UsageRotation.class);
  private static final long MOST_CELLS = 10_000_000;
  private static final Duration AFTER_REFUSAL = Duration.ofHours(1);

  private final Ledger ledger;
  private final FlushBook book;
  private final WorkbookSchema schema;
  private final CommitWait commitWait;
  private final Clock clock;
  private final Clock steady;
  private final int percent;
  private final boolean monthly;
  private final List<String> prepared;
  private Instant notBefore = Instant.EPOCH;

  UsageRotation(
      Ledger ledger,
      FlushBook book,
      WorkbookSchema schema,
      FlushSettings settings,
      CommitWait commitWait,
      Clock clock,
      Clock steady) {
    this.ledger = ledger;
    this.book = book;
    this.schema = schema;
    this.commitWait = commitWait;
    this.clock = clock;
    this.steady = steady;
    this.percent = settings.rotatePercent();
    this.monthly = settings.rotateMonthly();
    this.prepared = settings.spreadsheets();
  }

  /** Whether a rotation is in progress. */
  public boolean due() {
    return book.state().rotationReason() != null;
  }

  /**
   * Begins a rotation if one is due. Call it only when the checkpoint is certain.
   *
   * @return whether a rotation has begun
   */
  boolean begin(SheetIndex current) {
    if (steady.instant().isBefore(notBefore)) {
      return false;
    }
    if (current.cells() * 100 >= MOST_CELLS * percent) {
      begin(percent + " % of Google's limit of cells used");
    } else if (monthly && !month(book.state().since()).equals(month(clock.instant()))) {
      begin("A new month");
    }
    return due();
  }

  /** Begins a rotation. */
  void begin(String reason) {
    LOG.info("A new spreadsheet for usage is being started: {}", reason);
    book.rotate(reason, null);
  }

  /** The range of {@code _index}. */
  public List<String> indexRanges(
      @ExchangeProperty("round") UsageFlush.Round round,
      @ExchangeProperty("spreadsheet") Spreadsheet main) {
    round.indexSheet = schema.index(schema.mainId(), main).present(WorkbookSchema.INDEX_TITLE);
    return List.of(SheetIndex.range(round.indexSheet, null));
  }

  /** Reads {@code _index}, and takes the next prepared spreadsheet if there is one. */
  public void choose(
      @ExchangeProperty("round") UsageFlush.Round round, @Body BatchGetValuesResponse values) {
    Set<String> used = new HashSet<>();
    FlushCommit.cells(values, 0).stream()
        .filter(row -> !row.isEmpty())
        .forEach(row -> used.add(String.valueOf(row.get(0))));
    round.indexed = Set.copyOf(used);
    used.add(schema.mainId());
    used.add(book.state().spreadsheet());
    if (book.state().nextSpreadsheet() == null) {
      prepared.stream()
          .filter(id -> !id.isEmpty() && !used.contains(id))
          .findFirst()
          .ifPresent(id -> book.rotate(book.state().rotationReason(), id));
    }
  }

  /** Whether the server must create a spreadsheet because none is prepared. */
  public boolean createDue(@ExchangeProperty("round") UsageFlush.Round round) {
    round.creating = book.state().nextSpreadsheet() == null;
    return round.creating;
  }

  /** The spreadsheet to create. */
  public Spreadsheet fresh() {
    return new Spreadsheet()
        .setProperties(
            new SpreadsheetProperties().setTitle("llmproxy usage from " + clock.instant()));
  }

  /**
   * Stores the id of the created spreadsheet. If the process dies just before, an empty spreadsheet
   * remains.
   */
  public void created(
      @ExchangeProperty("round") UsageFlush.Round round, @Body Spreadsheet spreadsheet) {
    round.creating = false;
    book.rotate(book.state().rotationReason(), spreadsheet.getSpreadsheetId());
  }

  /** The id of the spreadsheet that is being started. */
  public String target() {
    return book.state().nextSpreadsheet();
  }

  /** The range of {@code _sync} in the new spreadsheet. */
  public List<String> syncRanges(
      @ExchangeProperty("round") UsageFlush.Round round,
      @ExchangeProperty("spreadsheet") Spreadsheet target) {
    round.syncSheet = schema.index(target(), target).present(WorkbookSchema.SYNC_TITLE);
    return List.of(SheetIndex.range(round.syncSheet, null));
  }

  /**
   * The changes that copy the old spreadsheet's checkpoint.
   *
   * @return null when the new spreadsheet has it already
   */
  public BatchUpdateSpreadsheetRequest copyCheckpoint(
      @ExchangeProperty("round") UsageFlush.Round round, @Body BatchGetValuesResponse values) {
    commitWait.answered();
    SyncSheet sync = new SyncSheet(FlushCommit.cells(values, 0), ledger.id().toString());
    FlushBook.State state = book.state();
    if (sync.checkpoint().orElse(-1) == state.checkpoint()
        && sync.retries().orElse(0) == state.retries()) {
      return null;
    }
    commitWait.sent(clock.instant());
    return new BatchUpdateSpreadsheetRequest()
        .setRequests(
            sync.update(
                round.syncSheet.getSheetId(),
                state.checkpoint(),
                state.retries(),
                clock.instant()));
  }

  /**
   * The changes that add the new spreadsheet to {@code _index}.
   *
   * @return null when it is listed already
   */
  public BatchUpdateSpreadsheetRequest entry(@ExchangeProperty("round") UsageFlush.Round round) {
    FlushBook.State state = book.state();
    if (round.indexed.contains(state.nextSpreadsheet())) {
      return null;
    }
    commitWait.sent(clock.instant());
    return new BatchUpdateSpreadsheetRequest()
        .setRequests(
            List.of(
                WorkbookSchema.appendRows(
                    round.indexSheet.getSheetId(),
                    List.of(
                        WorkbookSchema.row(
                            List.of(
                                WorkbookSchema.text(state.nextSpreadsheet()),
                                WorkbookSchema.text(UsageLine.iso(clock.instant())),
                                WorkbookSchema.text(state.rotationReason()),
                                WorkbookSchema.number(state.checkpoint()),
                                WorkbookSchema.text(ledger.id().toString())))))));
  }

  /** Sends rows to the new spreadsheet from now on. */
  public void done() {
    LOG.info("Usage goes to the spreadsheet {} from now on", target());
    book.use(target(), clock.instant());
  }

  /** Stops trying for a while; rows continue in the old spreadsheet. */
  void cancel(String why) {
    book.rotate(null, null);
    notBefore = steady.instant().plus(AFTER_REFUSAL);
    LOG.error(
        "A new spreadsheet for usage could not be created; rows continue in the old one. Prepare an empty one, share"
            + " it with the service account as editor and name it in SHEETS_USAGE_SPREADSHEET_IDS: {}",
        why);
  }

  /** The last spreadsheet in {@code _index}, or else the main one. */
  static String last(List<List<Object>> index, String mainId) {
    String last = mainId;
    for (List<Object> row : index.subList(Math.min(1, index.size()), index.size())) {
      if (!row.isEmpty() && !String.valueOf(row.get(0)).isBlank()) {
        last = String.valueOf(row.get(0));
      }
    }
    return last;
  }

  private static YearMonth month(Instant instant) {
    return YearMonth.from(instant.atZone(ZoneOffset.UTC));
  }
}
