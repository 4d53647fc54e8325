package dev.llmproxy.workbook.embedded;

import static dev.llmproxy.workbook.embedded.WorkbookFixture.row;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.services.sheets.v4.model.AddSheetRequest;
import com.google.api.services.sheets.v4.model.AppendCellsRequest;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.SheetProperties;
import java.io.BufferedReader;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process with an embedded workbook that is killed while batches come in. */
class KilledWorkbookTest {
  private static final int KILLS = 3;
  private static final int BATCHES_BEFORE_A_KILL = 20;
  private static final int ROWS = 200;

  @TempDir private Path folder;

  @Test
  void shouldApplyEachBatchAsAWholeOrNotAtAllWhenKilled() throws Exception {
    List<Integer> answered = Collections.synchronizedList(new ArrayList<>());
    AtomicInteger next = new AtomicInteger(1);
    for (int kill = 0; kill < KILLS; kill++) {
      killInTheMiddle(answered, next);
    }
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(folder, 0)) {
      WorkbookFixture fixture = new WorkbookFixture(workbook);
      var rows =
          fixture.values("Sheet1").stream()
              .collect(
                  Collectors.groupingBy(
                      row -> ((BigDecimal) row.getFirst()).intValue(), Collectors.counting()));
      assertThat(answered).hasSizeGreaterThanOrEqualTo(KILLS * BATCHES_BEFORE_A_KILL);
      assertThat(rows.keySet()).containsAll(answered);
      assertThat(rows.values()).containsOnly((long) ROWS);
      var sheets =
          fixture.sheets.spreadsheets().get(WorkbookFixture.ID).execute().getSheets().stream()
              .map(sheet -> sheet.getProperties().getSheetId())
              .filter(id -> id != 0);
      assertThat(sheets).containsExactlyInAnyOrderElementsOf(rows.keySet());
    }
  }

  private void killInTheMiddle(List<Integer> answered, AtomicInteger next) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                EmbeddedWorkbookMain.class.getName(),
                folder.toString(),
                "0")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader out = process.inputReader()) {
      WorkbookFixture fixture = new WorkbookFixture(out.readLine());
      CountDownLatch enough = new CountDownLatch(BATCHES_BEFORE_A_KILL);
      Thread sender =
          Thread.ofVirtual().start(() -> sendUntilRefused(fixture, answered, next, enough));
      enough.await();
      process.destroyForcibly().waitFor();
      sender.join();
    } finally {
      process.destroyForcibly();
    }
  }

  /** Each batch adds a sheet with the batch's number, and rows with it to the first sheet. */
  private static void sendUntilRefused(
      WorkbookFixture fixture, List<Integer> answered, AtomicInteger next, CountDownLatch enough) {
    try {
      while (true) {
        int number = next.getAndIncrement();
        fixture.batch(
            Stream.of(append(number), addSheet(number), append(number)).toArray(Request[]::new));
        answered.add(number);
        enough.countDown();
      }
    } catch (IOException e) {
      // The process is dead; the outcome of this batch is checked afterwards.
    }
  }

  private static Request addSheet(int id) {
    var properties = new SheetProperties().setSheetId(id).setTitle("batch " + id);
    return new Request().setAddSheet(new AddSheetRequest().setProperties(properties));
  }

  private static Request append(int number) {
    return new Request()
        .setAppendCells(
            new AppendCellsRequest()
                .setSheetId(0)
                .setFields("userEnteredValue")
                .setRows(Collections.nCopies(ROWS / 2, row(number))));
  }
}
