package dev.llmproxy.workbook.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.filter.FilteringGeneratorDelegate;
import com.fasterxml.jackson.core.filter.TokenFilter.Inclusion;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.api.services.sheets.v4.model.Spreadsheet;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FieldsMaskTest {
  private static final String JSON =
      "{'a':{'b':1,'c':{'d':2,'e':3}},'f':[{'b':4,'d':5},{},{'d':6}]}";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "*            | " + JSON,
        "a/b          | {'a':{'b':1}}",
        "a.c.d        | {'a':{'c':{'d':2}}}",
        "a(b,c/e)     | {'a':{'b':1,'c':{'e':3}}}",
        "a(b, c(d,e)) | {'a':{'b':1,'c':{'d':2,'e':3}}}",
        "a/b,a/c/d    | {'a':{'b':1,'c':{'d':2}}}",
        "a/*/d        | {'a':{'c':{'d':2}}}",
        "f/b          | {'f':[{'b':4},{},{}]}",
        "f(b,d)       | {'f':[{'b':4,'d':5},{},{'d':6}]}",
        "*/b          | {'a':{'b':1},'f':[{'b':4},{},{}]}",
        "a,a/b        | {'a':{'b':1,'c':{'d':2,'e':3}}}",
      })
  void shouldFilterAnAnswer(String mask, String expected) throws Exception {
    StringWriter text = new StringWriter();
    var plain = Json.MAPPER.getFactory().createGenerator(text);
    var filter = FieldsMask.parse(mask).toTokenFilter();
    try (var out =
        new FilteringGeneratorDelegate(plain, filter, Inclusion.INCLUDE_ALL_AND_PATH, true)) {
      out.setCodec(Json.MAPPER);
      Json.MAPPER.writeTree(out, json(JSON));
    }
    assertThat(Json.read(text.toString())).isEqualTo(json(expected));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "*       | {'a':{'b':9},'z':0}",
        "a/b     | {'a':{'b':9,'c':2},'y':1}",
        "a       | {'a':{'b':9},'y':1}",
        "y       | {'a':{'b':1,'c':2}}",
        "z,a/c   | {'a':{'b':1},'y':1,'z':0}",
        "a(b,c)  | {'a':{'b':9},'y':1}",
      })
  void shouldUpdateOnlySelectedFields(String mask, String expected) {
    ObjectNode target = json("{'a':{'b':1,'c':2},'y':1}");
    FieldsMask.parse(mask).copy(json("{'a':{'b':9},'z':0}"), target);
    assertThat(target).isEqualTo(json(expected));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a(", "a(b", "a)", "a,,b", "/a", "a/", "a b"})
  void shouldRefuseInvalidMasks(String mask) {
    assertThatThrownBy(() -> FieldsMask.parse(mask)).isInstanceOf(SheetsException.class);
  }

  @Test
  void shouldTellWhetherAPathIsIncluded() {
    FieldsMask mask = FieldsMask.parse("sheets(properties,data/rowData),spreadsheetId");
    assertThat(mask.includes("sheets", "data")).isTrue();
    assertThat(mask.includes("sheets", "merges")).isFalse();
    assertThat(FieldsMask.EVERYTHING.includes("sheets", "data")).isTrue();
  }

  @Test
  void shouldBeCheckedAgainstGooglesModel() {
    GoogleModel.check(
        FieldsMask.parse("sheets(properties(sheetId,title),data/rowData/values/*)"),
        Spreadsheet.class);
    assertThatThrownBy(
            () -> GoogleModel.check(FieldsMask.parse("sheets/propertys"), Spreadsheet.class))
        .hasMessageContaining("'sheets.propertys'");
  }

  private static ObjectNode json(String singleQuoted) {
    return Json.readObject(singleQuoted.replace('\'', '"'));
  }
}
