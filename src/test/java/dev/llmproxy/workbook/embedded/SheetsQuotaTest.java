package dev.llmproxy.workbook.embedded;

import static dev.llmproxy.workbook.embedded.WorkbookFixture.ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.api.client.googleapis.json.GoogleJsonResponseException;
import io.github.bucket4j.TimeMeter;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SheetsQuotaTest {
  @TempDir private Path folder;

  @Test
  void shouldRefuseTheSixtyFirstCallOfAMinuteAsGoogleDoes() throws IOException {
    Clock clock = new Clock();
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(folder, 0, SheetsQuota.google(clock))) {
      WorkbookFixture fixture = new WorkbookFixture(workbook);
      for (int i = 0; i < 60; i++) {
        fixture.values("A1");
      }
      var refusal =
          catchThrowableOfType(
              GoogleJsonResponseException.class,
              () -> fixture.sheets.spreadsheets().get(ID).execute());
      assertThat(refusal.getStatusCode()).isEqualTo(429);
      assertThat(refusal.getDetails().getMessage())
          .isEqualTo(
              "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute"
                  + " per user' of service 'sheets.googleapis.com' for consumer 'project_number:0'.");
      assertThat(refusal.getDetails()).containsEntry("status", "RESOURCE_EXHAUSTED");
      assertThat(refusal.getDetails().getDetails().getFirst().getReason())
          .isEqualTo("RATE_LIMIT_EXCEEDED");
      assertThat(refusal.getContent()).contains("\"ReadRequestsPerMinutePerUser\"");

      fixture.update("A1", List.of(List.of("writings are counted apart")));
      clock.move(Duration.ofMinutes(1));
      assertThat(fixture.values("A1")).hasSize(1);
    }
  }

  @Test
  void shouldCountABatchOnce() throws IOException {
    try (EmbeddedWorkbook workbook =
        EmbeddedWorkbook.open(folder, 0, SheetsQuota.google(new Clock()))) {
      WorkbookFixture fixture = new WorkbookFixture(workbook);
      for (int i = 0; i < 60; i++) {
        fixture
            .sheets
            .spreadsheets()
            .values()
            .batchGet(ID)
            .setRanges(List.of("A1", "A2", "A3"))
            .execute();
      }
      var refusal =
          catchThrowableOfType(GoogleJsonResponseException.class, () -> fixture.values("A1"));
      assertThat(refusal.getStatusCode()).isEqualTo(429);
    }
  }

  /** A clock that a test moves. */
  private static final class Clock implements TimeMeter {
    private final AtomicLong nanos = new AtomicLong();

    void move(Duration by) {
      nanos.addAndGet(by.toNanos());
    }

    @Override
    public long currentTimeNanos() {
      return nanos.get();
    }

    @Override
    public boolean isWallClockBased() {
      return false;
    }
  }
}
