package dev.llmproxy.workbook;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ApiKeySheetTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "API Key\u00a0",
        "API\u00a0Key",
        "API\nKey",
        "API  Key",
        "\ufeffAPI Key",
        "\u200bAPI\u2003Key",
        "api key",
        "APIKey"
      })
  void headerIsFoundDespiteOddWhiteSpace(String header) {
    ApiKeySheet sheet =
        new ApiKeySheet(
            List.of(List.of(header, "User Email", "Revoked"), List.of("sk-1", "a@x.io", "FALSE")));

    assertThat(sheet.rows().getFirst().apiKey()).isEqualTo("sk-1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Expires At\u00a0", "Expires\u00a0At", "Expires\r\nAt", "ExpiresAt", "expires_at"})
  void expiryIsReadDespiteOddWhiteSpaceInItsHeader(String header) {
    ApiKeySheet sheet =
        new ApiKeySheet(
            List.of(
                List.of("API Key", "User Email", "Revoked", header),
                List.of("sk-1", "a@x.io", "FALSE", "\u00a02020-01-01\u00a0")));

    assertThat(sheet.rows().getFirst().expiresAt()).isEqualTo("2020-01-01");
  }

  @Test
  void invisibleCharactersAreRemovedFromCellsWithRules() {
    ApiKeySheet sheet =
        new ApiKeySheet(
            List.of(
                List.of("API Key", "User Email", "Revoked", "Tier", "Notes"),
                List.of(
                    "sk-1\u200b", "\u00a0a@x.io\n", "\u00a0TRUE", "PRO\u00a0plus ", "für   Ann")));

    ApiKeyRow row = sheet.rows().getFirst();
    assertThat(row.apiKey()).isEqualTo("sk-1");
    assertThat(row.email()).isEqualTo("a@x.io");
    assertThat(row.revoked()).isEqualTo("TRUE");
    assertThat(row.tier()).isEqualTo("pro plus");
    assertThat(row.notes()).as("people's own words").isEqualTo("für   Ann");
  }
}
