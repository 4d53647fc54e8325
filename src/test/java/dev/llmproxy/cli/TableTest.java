package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TableTest {
  @Test
  void shortRowIsOneLine() {
    assertThat(table(40, "a@example.com", "Laptop"))
        .isEqualTo("User           Name\na@example.com  Laptop");
  }

  @Test
  void longCellWrapsBetweenWords() {
    assertThat(table(30, "ann.with.a.long.name@example.com", "Ann's laptop"))
        .isEqualTo(
            """
            User                    Name
            ann.with.a.long.name@   Ann's
            example.com             laptop\
            """);
  }

  @Test
  void otherColumnsNarrowBeforeAWordIsBroken() {
    assertThat(table(30, "developer@example.com", "Ann's laptop"))
        .isEqualTo(
            """
            User                   Name
            developer@example.com  Ann's
                                   laptop\
            """);
  }

  @Test
  void whatNobodyCanReadIsCut() {
    String cut = table(20, "x".repeat(500), "Laptop");

    assertThat(cut).contains("…");
    assertThat(cut.lines())
        .hasSize(5)
        .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(20));
  }

  @Test
  void emptyColumnIsOmitted() {
    assertThat(table(40, "a@example.com", "")).isEqualTo("User\na@example.com");
  }

  @Test
  void aLineBreakInACellStartsNoOther() {
    assertThat(table(40, "a\r\nb\u2028c", null)).isEqualTo("User\na b c");
  }

  @Test
  void momentsAreForPeople() {
    assertThat(Table.time("2026-11-28T07:04:38.123Z")).isEqualTo("2026-11-28 07:04:38");
    assertThat(Table.time("yesterday")).isEqualTo("yesterday");
  }

  private static String table(int width, String user, String name) {
    Table table = new Table(width, "User", "Name");
    table.add(user, name);
    return table.toString();
  }
}
