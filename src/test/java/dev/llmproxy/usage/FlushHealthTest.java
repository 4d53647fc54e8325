package dev.llmproxy.usage;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.client.googleapis.json.GoogleJsonResponseException;
import com.google.api.client.http.HttpHeaders;
import com.google.api.client.http.HttpResponseException;
import dev.llmproxy.workbook.WorkbookException;
import java.net.SocketException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FlushHealthTest {
  @ParameterizedTest
  @ValueSource(ints = {401, 403, 408, 429, 500, 503})
  void aWorkbookThatCannotBeUsedHasItsSheetsStill(int status) {
    assertThat(FlushHealth.sheetGone(answered(status))).isFalse();
    assertThat(FlushHealth.sheetGone(new RuntimeException(new SocketException()))).isFalse();
  }

  @Test
  void aSheetThatIsNotFoundMayBeGone() {
    assertThat(FlushHealth.sheetGone(answered(400))).isTrue();
    assertThat(FlushHealth.sheetGone(answered(404))).isTrue();
    assertThat(
            FlushHealth.sheetGone(
                new RuntimeException(new WorkbookException("The sheet is gone."))))
        .isTrue();
  }

  private static Exception answered(int status) {
    return new RuntimeException(
        new GoogleJsonResponseException(
            new HttpResponseException.Builder(status, "", new HttpHeaders()), null));
  }
}
