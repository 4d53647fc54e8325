package dev.llmproxy.workbook;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.services.sheets.v4.model.ExtendedValue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkbookSchemaTest {
  @ParameterizedTest
  @ValueSource(strings = {"=1+1", "+1", "-1", "@x", "'x", "TRUE", "007", "a\tb\nc", "😀"})
  void textIsStoredUnchanged(String text) {
    ExtendedValue cell = WorkbookSchema.text(text).getUserEnteredValue();

    assertThat(cell.getStringValue()).isEqualTo(text);
    assertThat(cell.getFormulaValue()).isNull();
  }

  @Test
  void controlCharactersAreReplacedAndLongTextIsCut() {
    assertThat(shown("a\u0000b\u001bc\ud83d")).isEqualTo("a�b�c�");
    assertThat(shown("x".repeat(50_000))).hasSize(50_000).endsWith("x");
    assertThat(shown("x".repeat(50_001))).hasSize(50_000).endsWith("x…");
    assertThat(shown("😀".repeat(30_000))).hasSizeLessThanOrEqualTo(50_000).endsWith("😀…");
  }

  private static String shown(String text) {
    return WorkbookSchema.text(text).getUserEnteredValue().getStringValue();
  }
}
