package dev.llmproxy.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.workbook.WorkbookException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class KeyDirectoryTest {
  private static final String A = "sk-key-a-0123456789";
  private static final String B = "sk-key-b-0123456789";
  private static final String C = "sk-key-c-0123456789";
  private static final List<Object> HEADER =
      row("API Key", "User Email", "Key Name", "Tier", "Revoked");

  private final MovedClock clock = new MovedClock();
  private final KeyDirectory directory = new KeyDirectory(clock);

  @Test
  void knowsNobodyBeforeTheFirstLoad() {
    assertThat(directory.loaded()).isFalse();
    assertThat(directory.find(ApiKey.hash(A))).isEmpty();
  }

  @Test
  void findsTheOwnerOfAKeyInClearAndOfAHashedOne() {
    load(
        HEADER,
        row(A, "a@example.com", "laptop", "Gold", false),
        row(ApiKey.cell(B), "b@example.com", "server", "", false));
    assertThat(directory.loaded()).isTrue();
    assertThat(directory.find(ApiKey.hash(A)))
        .contains(
            new KeyRecord(new Caller("a@example.com", "laptop", ApiKey.hash(A), "gold"), false));
    assertThat(directory.find(ApiKey.hash(B)))
        .contains(
            new KeyRecord(new Caller("b@example.com", "server", ApiKey.hash(B), "free"), false));
    assertThat(directory.find(ApiKey.hash(C))).isEmpty();
  }

  @Test
  void findsColumnsByTheirHeaderInAnyOrderAndAmongOthers() {
    load(
        row("Cost centre", " revoked ", "USER EMAIL", "Phone", "api key", "Tier"),
        row("K1", "no", "a@example.com", 555, A, "pro"),
        row("K2", "yes", "b@example.com", "", B));
    assertThat(directory.find(ApiKey.hash(A)))
        .contains(new KeyRecord(new Caller("a@example.com", "", ApiKey.hash(A), "pro"), false));
    assertThat(directory.find(ApiKey.hash(B)).orElseThrow().revoked()).isTrue();
  }

  @Test
  void takesTheFirstOfTwoColumnsOfOneName() {
    load(row("API Key", "User Email", "Revoked", "Revoked"), row(A, "a@example.com", true, false));
    assertThat(directory.find(ApiKey.hash(A)).orElseThrow().revoked()).isTrue();
  }

  static List<Arguments> revokedCells() {
    return List.of(
        Arguments.of(true, true),
        Arguments.of("TRUE", true),
        Arguments.of("yes", true),
        Arguments.of("x", true),
        Arguments.of(1, true),
        Arguments.of("2026-01-31", true),
        Arguments.of("#REF!", true),
        Arguments.of(false, false),
        Arguments.of("FALSE", false),
        Arguments.of(" No ", false),
        Arguments.of(0, false),
        Arguments.of("0", false),
        Arguments.of("", false),
        Arguments.of(" ", false),
        Arguments.of(null, false));
  }

  @ParameterizedTest
  @MethodSource("revokedCells")
  void isRevokedUnlessTheCellClearlySaysNo(Object cell, boolean revoked) {
    load(HEADER, row(A, "a@example.com", "", "", cell));
    assertThat(directory.find(ApiKey.hash(A)).orElseThrow().revoked()).isEqualTo(revoked);
  }

  @Test
  void isNotRevokedWhenTheRowEndsBeforeThatColumn() {
    load(HEADER, row(A, "a@example.com"));
    assertThat(directory.find(ApiKey.hash(A)).orElseThrow().revoked()).isFalse();
  }

  @Test
  void acceptsNeitherOfTwoRowsWithOneKey() {
    load(
        HEADER,
        row(A, "a@example.com", "", "", false),
        row(B, "b@example.com", "", "", false),
        row(ApiKey.cell(A), "thief@example.com", "", "", false));
    assertThat(directory.find(ApiKey.hash(A))).isEmpty();
    assertThat(directory.find(ApiKey.hash(B))).isPresent();
  }

  @Test
  void acceptsNoneOfThreeRowsWithOneKey() {
    List<Object> row = row(A, "a@example.com", "", "", false);
    load(HEADER, row, row, row);
    assertThat(directory.find(ApiKey.hash(A))).isEmpty();
  }

  @Test
  void loadsTheOtherRowsWhenSomeAreBlankOrBad() {
    load(
        HEADER,
        row(),
        row("", "", "", "", false),
        row("", "nokey@example.com"),
        row("two words", "badkey@example.com"),
        row(B, " "),
        row(12, 34, 56),
        row(A, "a@example.com"));
    assertThat(directory.find(ApiKey.hash(A))).isPresent();
    assertThat(directory.find(ApiKey.hash(B))).isEmpty();
  }

  @Test
  void forgetsAKeyWhoseRowIsGone() {
    load(HEADER, row(A, "a@example.com"), row(B, "b@example.com"));
    load(HEADER, row(B, "b@example.com"));
    assertThat(directory.find(ApiKey.hash(A))).isEmpty();
    assertThat(directory.find(ApiKey.hash(B))).isPresent();
  }

  @Test
  void anEmptySheetHasNoKeys() {
    directory.load(null);
    assertThat(directory.loaded()).isTrue();
    load();
    load(HEADER);
    assertThat(directory.find(ApiKey.hash(A))).isEmpty();
  }

  static List<Arguments> headersWithoutANeededColumn() {
    return List.of(
        Arguments.of("API Key", row("Key", "User Email", "Revoked")),
        Arguments.of("User Email", row("API Key", "Email", "Revoked")),
        Arguments.of("Revoked", row("API Key", "User Email")),
        Arguments.of("API Key", row()),
        Arguments.of("API Key", row(A, "a@example.com", false)));
  }

  @ParameterizedTest
  @MethodSource("headersWithoutANeededColumn")
  void keepsTheEarlierKeysWhenAColumnIsMissing(String missing, List<Object> header) {
    load(HEADER, row(A, "a@example.com"));
    assertThatExceptionOfType(WorkbookException.class)
        .isThrownBy(() -> load(header, row(B, "b@example.com", false)))
        .withMessageContaining("\"" + missing + "\"");
    assertThat(directory.find(ApiKey.hash(A))).isPresent();
    assertThat(directory.find(ApiKey.hash(B))).isEmpty();
  }

  @Test
  void staysUnloadedWhenTheFirstSheetCannotBeUsed() {
    assertThatExceptionOfType(WorkbookException.class).isThrownBy(() -> load(row("Notes")));
    assertThat(directory.loaded()).isFalse();
  }

  @Test
  void letsOneUnknownKeyCauseAReadingEveryTwoSeconds() {
    assertThat(directory.claimRefresh()).isTrue();
    assertThat(directory.claimRefresh()).isFalse();
    clock.move(Duration.ofSeconds(2));
    assertThat(directory.claimRefresh()).isFalse();
    clock.move(Duration.ofMillis(1));
    assertThat(directory.claimRefresh()).isTrue();
    assertThat(directory.claimRefresh()).isFalse();
  }

  @SafeVarargs
  @SuppressWarnings("varargs")
  private final void load(List<Object>... rows) {
    directory.load(List.of(rows));
  }

  /** Cells as Google's client gives them: text, numbers, booleans, and nothing at a row's end. */
  private static List<Object> row(Object... cells) {
    return new ArrayList<>(Arrays.asList(cells));
  }

  private static final class MovedClock extends Clock {
    private Instant now = Instant.parse("2026-01-31T12:00:00Z");

    void move(Duration by) {
      now = now.plus(by);
    }

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      throw new UnsupportedOperationException();
    }
  }
}
