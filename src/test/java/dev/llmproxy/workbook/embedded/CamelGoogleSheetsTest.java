package dev.llmproxy.workbook.embedded;

import static dev.llmproxy.workbook.embedded.WorkbookFixture.ID;
import static dev.llmproxy.workbook.embedded.WorkbookFixture.row;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.services.sheets.v4.Sheets;
import com.google.api.services.sheets.v4.model.AppendCellsRequest;
import com.google.api.services.sheets.v4.model.BatchGetValuesResponse;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetResponse;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.component.google.sheets.GoogleSheetsClientFactory;
import org.apache.camel.component.google.sheets.GoogleSheetsComponent;
import org.apache.camel.component.google.sheets.GoogleSheetsConfiguration;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real camel-google-sheets component, pointed at an embedded workbook by its client factory.
 */
class CamelGoogleSheetsTest {
  @Test
  void shouldServeTheCamelComponent(@TempDir Path folder) throws Exception {
    try (EmbeddedWorkbook workbook = EmbeddedWorkbook.open(folder, 0);
        DefaultCamelContext camel = new DefaultCamelContext()) {
      camel.addComponent("google-sheets", component(new WorkbookFixture(workbook).sheets));
      camel.start();
      ProducerTemplate template = camel.createProducerTemplate();

      var append =
          new AppendCellsRequest()
              .setSheetId(0)
              .setFields("userEnteredValue")
              .setRows(List.of(row("key", 1, true)));
      var batch =
          new BatchUpdateSpreadsheetRequest()
              .setRequests(List.of(new Request().setAppendCells(append)));
      var updated =
          template.requestBody(
              "google-sheets:spreadsheets/batchUpdate?inBody=batchUpdateSpreadsheetRequest"
                  + "&spreadsheetId="
                  + ID,
              batch,
              BatchUpdateSpreadsheetResponse.class);
      assertThat(updated.getReplies()).hasSize(1);

      Map<String, Object> ranges =
          Map.of(
              "CamelGoogleSheets.ranges",
              List.of("A1:J"),
              "CamelGoogleSheets.valueRenderOption",
              "UNFORMATTED_VALUE");
      var read =
          template.requestBodyAndHeaders(
              "google-sheets:data/batchGet?spreadsheetId=" + ID,
              null,
              ranges,
              BatchGetValuesResponse.class);
      assertThat(read.getValueRanges().getFirst().getValues().getFirst())
          .hasToString("[key, 1, true]");

      var masked =
          template.requestBodyAndHeader(
              "google-sheets:spreadsheets/get?spreadsheetId=" + ID,
              null,
              "CamelGoogleSheets.fields",
              "sheets/properties/title",
              Spreadsheet.class);
      assertThat(masked).containsOnlyKeys("sheets");
    }
  }

  private static GoogleSheetsComponent component(Sheets sheets) {
    GoogleSheetsComponent component = new GoogleSheetsComponent();
    component.setClientFactory(new FixedClientFactory(sheets));
    // The component requires these options, even if the factory ignores them.
    GoogleSheetsConfiguration configuration = new GoogleSheetsConfiguration();
    configuration.setClientId("unused");
    configuration.setClientSecret("unused");
    component.setConfiguration(configuration);
    return component;
  }

  private record FixedClientFactory(Sheets sheets) implements GoogleSheetsClientFactory {
    @Override
    public Sheets makeClient(
        String clientId,
        String clientSecret,
        Collection<String> scopes,
        String applicationName,
        String refreshToken,
        String accessToken) {
      return sheets;
    }

    @Override
    public Sheets makeClient(
        CamelContext camelContext,
        String serviceAccountKey,
        Collection<String> scopes,
        String applicationName,
        String delegate) {
      return sheets;
    }
  }
}
