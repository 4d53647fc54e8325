package dev.llmproxy.flush;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.services.sheets.v4.model.CellData;
import com.google.api.services.sheets.v4.model.ExtendedValue;
import dev.llmproxy.call.Status;
import dev.llmproxy.ledger.UsageRecord;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class UsageLineTest {
  private static final UsageLine LINE =
      UsageLine.of(
          new UsageRecord(
              1,
              "request-1",
              Instant.parse("2026-03-01T10:00:30.5Z"),
              "ann@example.com",
              "hash",
              "chat",
              "openai/x",
              "rest-api",
              3,
              4,
              1,
              0,
              new BigDecimal("0.5"),
              70,
              Status.SUCCESS));

  @Test
  void valuesFollowTheOrderOfTheHeaders() {
    assertThat(cells(List.of("Note", " request id ", "TOKENS IN", "", "Request ID"), 26))
        .containsExactly(null, "request-1", 3.0, null, null);
  }

  @Test
  void sheetWithoutHeadersGetsTheUsualOrderWithinItsColumns() {
    assertThat(cells(List.of(), 3))
        .containsExactly("2026-03-01T10:00:30.500Z", "ann@example.com", "chat");
  }

  @Test
  void rowsOfOneMinuteAreSummedUp() {
    UsageLine two = LINE.rolledUp().plus(LINE.rolledUp());

    assertThat(two.row(UsageLine.HEADERS, 26).getValues().get(11).getUserEnteredValue())
        .isEqualTo(new ExtendedValue().setNumberValue(2.0));
    assertThat(two.cost()).isEqualByComparingTo("1");
    assertThat(two.timestamp()).isEqualTo(Instant.parse("2026-03-01T10:00:00Z"));
  }

  private static List<Object> cells(List<?> headers, int columns) {
    List<Object> shown = new ArrayList<>();
    for (CellData cell : LINE.row(headers, columns).getValues()) {
      ExtendedValue value = cell.getUserEnteredValue();
      shown.add(
          value == null
              ? null
              : value.getStringValue() == null ? value.getNumberValue() : value.getStringValue());
    }
    return shown;
  }
}
