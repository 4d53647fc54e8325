package dev.llmproxy.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.ledger.LedgerState;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the checks say about states that are hard to bring about. */
class ChecksTest {
  @ParameterizedTest
  @CsvSource({"10, PROBLEM", "500, WARNING", "5000, OK"})
  void lowDiskSpaceIsReported(long megabytes, Finding.Level level) {
    assertThat(DataCheck.space(megabytes).level()).isEqualTo(level);
  }

  @Test
  void manyUnflushedAndRefusedRecordsAreWarnings() {
    LedgerState behind =
        new LedgerState(
            "in data",
            "ok",
            0,
            20_000,
            0,
            OptionalLong.of(5_000),
            Duration.ofSeconds(90),
            3,
            List.of("usage-kafka has not delivered 7 settled requests: no broker"));

    assertThat(LedgerCheck.findings(behind))
        .anySatisfy(finding -> {
          assertThat(finding.level()).isEqualTo(Finding.Level.WARNING);
          assertThat(finding.what()).startsWith("15000 records are not in the workbook");
        })
        .anySatisfy(finding -> {
          assertThat(finding.level()).isEqualTo(Finding.Level.WARNING);
          assertThat(finding.what()).isEqualTo("the workbook has refused 3 records");
        })
        .anySatisfy(finding -> {
          assertThat(finding.level()).isEqualTo(Finding.Level.PROBLEM);
          assertThat(finding.what()).startsWith("usage-kafka has not delivered 7 settled requests");
        });
  }
}
