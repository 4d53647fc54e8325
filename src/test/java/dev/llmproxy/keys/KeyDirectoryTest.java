package dev.llmproxy.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.llmproxy.call.Caller;
import dev.llmproxy.call.ConversationStorage;
import dev.llmproxy.catalogue.AllowedModels;
import dev.llmproxy.workbook.WorkbookException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeyDirectoryTest {
  private static final String A = "sk-key-a-0123456789";
  private static final String B = "sk-key-b-0123456789";
  private static final String C = "sk-key-c-0123456789";
  private static final Duration MAX_AGE = Duration.ofDays(1);
  private static final List<Object> HEADER =
      row("API Key", "User Email", "Key Name", "Tier", "Revoked");

  private final MovedClock clock = new MovedClock();
  @TempDir private Path data;
  private KeyDirectory directory;

  @BeforeEach
  void start() {
    directory = directory("the-spreadsheet");
  }

  @Test
  void directoryIsEmptyBeforeTheFirstLoad() {
    assertThat(directory.loaded()).isFalse();
    assertThat(directory.find(ApiKey.hash(A))).isEmpty();
  }

  @Test
  void keysInClearAndHashedAreFound() {
    load(
        HEADER,
        row(A, "a@example.com", "laptop", "Gold", false),
        row(ApiKey.cell(B), "b@example.com", "server", "", false));
    assertThat(directory.loaded()).isTrue();
    assertThat(directory.find(ApiKey.hash(A)))
        .contains(
            new KeyRecord(
                new Caller("a@example.com", "laptop", ApiKey.hash(A), "gold"), false, null));
    assertThat(directory.find(ApiKey.hash(B)))
        .contains(
            new KeyRecord(
                new Caller("b@example.com", "server", ApiKey.hash(B), "free"), false, null));
    assertThat(directory.find(ApiKey.hash(C))).isEmpty();
  }

  @Test
  void columnsAreFoundByHeaderInAnyOrderAmongOthers() {
    load(
        row("Cost centre", " revoked ", "USER EMAIL", "Phone", "api key", "Tier"),
        row("K1", "no", "a@example.com", 555, A, "pro"),
        row("K2", "yes", "b@example.com", "", B));
    assertThat(directory.find(ApiKey.hash(A)))
        .contains(
            new KeyRecord(new Caller("a@example.com", "", ApiKey.hash(A), "pro"), false, null));
    assertThat(directory.find(ApiKey.hash(B)).orElseThrow().revoked()).isTrue();
  }

  @Test
  void firstOfTwoColumnsWithTheSameHeaderIsUsed() {
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
  void everyCellButANoRevokesTheKey(Object cell, boolean revoked) {
    load(HEADER, row(A, "a@example.com", "", "", cell));
    assertThat(directory.find(ApiKey.hash(A)).orElseThrow().revoked()).isEqualTo(revoked);
  }

  @Test
  void rowThatEndsBeforeTheColumnRevokedIsNotRevoked() {
    load(HEADER, row(A, "a@example.com"));
    assertThat(directory.find(ApiKey.hash(A)).orElseThrow().revoked()).isFalse();
  }

  @Test
  void twoRowsWithTheSameKeyAreBothRefused() {
    load(
        HEADER,
        row(A, "a@example.com", "", "", false),
        row(B, "b@example.com", "", "", false),
        row(ApiKey.cell(A), "thief@example.com", "", "", false));
    assertThat(directory.find(ApiKey.hash(A))).isEmpty();
    assertThat(directory.find(ApiKey.hash(B))).isPresent();
  }

  @Test
  void threeRowsWithTheSameKeyAreAllRefused() {
    List<Object> row = row(A, "a@example.com", "", "", false);
    load(HEADER, row, row, row);
    assertThat(directory.find(ApiKey.hash(A))).isEmpty();
  }

  @Test
  void blankAndUnusableRowsDoNotAffectOtherRows() {
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
  void keyOfADeletedRowIsRefused() {
    load(HEADER, row(A, "a@example.com"), row(B, "b@example.com"));
    load(HEADER, row(B, "b@example.com"));
    assertThat(directory.find(ApiKey.hash(A))).isEmpty();
    assertThat(directory.find(ApiKey.hash(B))).isPresent();
  }

  @Test
  void emptySheetHasNoKeys() {
    directory.load(null, directory.nextReading());
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
  void missingColumnKeepsTheEarlierKeys(String missing, List<Object> header) {
    load(HEADER, row(A, "a@example.com"));
    assertThatExceptionOfType(WorkbookException.class)
        .isThrownBy(() -> load(header, row(B, "b@example.com", false)))
        .withMessageContaining("\"" + missing + "\"");
    assertThat(directory.find(ApiKey.hash(A))).isPresent();
    assertThat(directory.find(ApiKey.hash(B))).isEmpty();
  }

  @Test
  void unusableFirstSheetLeavesTheDirectoryUnloaded() {
    assertThatExceptionOfType(WorkbookException.class).isThrownBy(() -> load(row("Notes")));
    assertThat(directory.loaded()).isFalse();
  }

  @Test
  void unusableRowsAreProblemsWithRowNumberAndRemedy() {
    load(
        row("API Key", "User Email", "Revoked", "Expires At"),
        row(A, "a@example.com", false, ""),
        row("two words", "b@example.com", false, ""),
        row(B, "", false, ""),
        row(A, "c@example.com", false, ""),
        row(C, "d@example.com", false, "soon"));

    assertThat(directory.problems()).extracting(KeyProblem::row).containsExactly(3, 4, 5, 6);
    assertThat(directory.problems().get(2).what()).contains("same key as row 2");
    assertThat(directory.problems())
        .allSatisfy(problem -> assertThat(problem.remedy()).isNotBlank())
        .noneMatch(problem -> problem.toString().contains("sk-key"));

    load(HEADER, row(A, "a@example.com"));
    assertThat(directory.problems()).isEmpty();
  }

  @Test
  void overtakenReadingChangesNothing() {
    long slow = directory.nextReading();
    load(HEADER, row(A, "a@example.com", "", "", true));
    directory.load(List.of(HEADER, row(A, "a@example.com", "", "", false)), slow);

    assertThat(directory.caller(ApiKey.hash(A))).isEmpty();
  }

  @Test
  void keyIsRefusedFromItsExpiryOn() {
    load(
        row("API Key", "User Email", "Revoked", "Expires At"),
        row(A, "a@example.com", false, "2026-01-31T12:00:01Z"),
        row(B, "b@example.com", false, "soon"));
    assertThat(directory.caller(ApiKey.hash(A))).isPresent();
    assertThat(directory.caller(ApiKey.hash(B))).isEmpty();

    clock.move(Duration.ofSeconds(1));
    assertThat(directory.caller(ApiKey.hash(A))).isEmpty();
  }

  @Test
  void keysAreNotUsedAfterTheMaximumAge() {
    load(HEADER, row(A, "a@example.com"));
    clock.move(MAX_AGE.minusSeconds(1));
    assertThat(directory.loaded()).isTrue();
    assertThat(directory.outlook())
        .isEqualTo("the known keys stay valid until 2026-02-01T12:00:00Z");

    clock.move(Duration.ofSeconds(1));
    assertThat(directory.loaded()).isFalse();
    assertThat(directory.outlook()).contains("too old", "503");

    load(HEADER, row(A, "a@example.com"));
    assertThat(directory.loaded()).isTrue();
  }

  @Test
  void newDirectoryStartsWithTheSnapshot() {
    load(
        row("API Key", "User Email", "Key Name", "Tier", "Revoked", "Expires At"),
        row(A, "a@example.com", "laptop \n\"x\" ü", "Gold", false, "2026-02-28"),
        row(B, "b@example.com", "", "", true));
    KeyDirectory next = directory("the-spreadsheet");

    assertThat(next.loaded()).isTrue();
    assertThat(next.find(ApiKey.hash(A))).isPresent().isEqualTo(directory.find(ApiKey.hash(A)));
    assertThat(next.find(ApiKey.hash(B))).isPresent().isEqualTo(directory.find(ApiKey.hash(B)));
    assertThat(next.readAt()).isEqualTo(directory.readAt());
  }

  @Test
  void filesArePrivateAndContainNoKeyInClear() throws Exception {
    load(HEADER, row(A, "a@example.com"));
    new RevokedKeys(data).add(ApiKey.hash(A));

    assertThat(Files.readString(snapshot())).contains(ApiKey.hash(A)).doesNotContain(A, "sk-");
    assertThat(permissions(snapshot())).isEqualTo("rw-------");
    Path folder = data.resolve("revoked-keys");
    assertThat(permissions(folder)).isEqualTo("rwx------");
    assertThat(permissions(folder.resolve(ApiKey.hash(A)))).isEqualTo("rw-------");
    try (Stream<Path> files = Files.list(data)) {
      assertThat(files).containsExactlyInAnyOrder(snapshot(), folder);
    }
  }

  @Test
  void snapshotIsPrivateFromItsCreationOn() throws Exception {
    Path aside = data.resolve("keys-snapshot.jsonl.new");
    Files.writeString(aside, "left by a server that was killed");
    Files.setPosixFilePermissions(aside, PosixFilePermissions.fromString("rw-rw-rw-"));

    load(HEADER, row(A, "a@example.com"));

    assertThat(permissions(snapshot())).isEqualTo("rw-------");
    assertThat(aside).doesNotExist();
  }

  static List<Arguments> damages() {
    return List.of(
        Arguments.of("empty", (UnaryOperator<String>) text -> ""),
        Arguments.of("short", (UnaryOperator<String>) text -> "x"),
        Arguments.of("cut", (UnaryOperator<String>) text -> text.substring(0, text.length() - 90)),
        Arguments.of(
            "a line lost",
            (UnaryOperator<String>) text -> text.replaceFirst("(?m)^.*a@example.*\n", "")),
        Arguments.of(
            "unrevoked",
            (UnaryOperator<String>) text -> text.replace("\"revoked\":true", "\"revoked\":false")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damages")
  void damagedSnapshotIsNotUsed(String what, UnaryOperator<String> damage) throws Exception {
    load(HEADER, row(A, "a@example.com"), row(B, "b@example.com", "", "", true));
    Files.writeString(snapshot(), damage.apply(Files.readString(snapshot())));

    assertThat(directory("the-spreadsheet").loaded()).isFalse();
  }

  @Test
  void binarySnapshotIsNotUsed() throws Exception {
    Files.write(snapshot(), new byte[] {(byte) 0xff, 0, 1, 2});

    assertThat(directory("the-spreadsheet").loaded()).isFalse();
  }

  @Test
  void snapshotOfAnotherSpreadsheetIsNotUsed() {
    load(HEADER, row(A, "a@example.com"));

    assertThat(directory("another").loaded()).isFalse();
  }

  @Test
  void readingOfAnUnchangedSheetExtendsTheSnapshot() {
    load(HEADER, row(A, "a@example.com"));
    clock.move(Duration.ofHours(20));
    load(HEADER, row(A, "a@example.com"));
    clock.move(MAX_AGE.minusSeconds(1));
    assertThat(directory("the-spreadsheet").loaded()).isTrue();

    clock.move(Duration.ofSeconds(1));
    assertThat(directory("the-spreadsheet").loaded()).isFalse();
  }

  @Test
  void snapshotFromTheFutureIsNotUsed() {
    load(HEADER, row(A, "a@example.com"));
    clock.move(Duration.ofDays(-1));

    assertThat(directory("the-spreadsheet").loaded()).isFalse();
  }

  @Test
  void snapshotIsNotWrittenWhileNothingChanges() throws Exception {
    load(HEADER, row(A, "a@example.com"));
    String first = Files.readString(snapshot());
    clock.move(Duration.ofMinutes(4));
    load(HEADER, row(A, "a@example.com"));
    assertThat(Files.readString(snapshot())).isEqualTo(first);

    load(HEADER, row(A, "a@example.com", "", "", true));
    assertThat(Files.readString(snapshot())).isNotEqualTo(first);
  }

  @Test
  void locallyRevokedKeyIsRefusedUntilTheSheetIsUpdated() {
    load(HEADER, row(A, "a@example.com", "", "", false), row(B, "b@example.com", "", "", false));
    new RevokedKeys(data).add(ApiKey.hash(A));
    directory.readRevoked();
    assertThat(directory.caller(ApiKey.hash(A))).isEmpty();
    assertThat(directory.caller(ApiKey.hash(B))).isPresent();

    load(HEADER, row(A, "a@example.com", "", "", false));
    assertThat(directory.caller(ApiKey.hash(A))).isEmpty();
    assertThat(directory.problems()).extracting(KeyProblem::row).containsExactly(2);
    assertThat(revokedHere()).exists();

    load(HEADER, row(A, "a@example.com", "", "", true));
    assertThat(directory.problems()).isEmpty();
    assertThat(revokedHere()).doesNotExist();

    directory.readRevoked();
    load(HEADER, row(A, "a@example.com", "", "", false));
    assertThat(directory.caller(ApiKey.hash(A))).isPresent();
  }

  @Test
  void localRevocationEndsWithADeletedRowButNotWithAnUnusableOne() {
    new RevokedKeys(data).add(ApiKey.hash(A));
    directory.readRevoked();
    load(HEADER, row(A, "", "", "", false));
    assertThat(revokedHere()).exists();

    load(HEADER, row(B, "b@example.com", "", "", false));
    assertThat(revokedHere()).doesNotExist();
  }

  @Test
  void locallyRevokedKeyStaysRevokedAfterARestart() {
    load(HEADER, row(A, "a@example.com", "", "", false));
    new RevokedKeys(data).add(ApiKey.hash(A));

    KeyDirectory next = directory("the-spreadsheet");
    assertThat(next.loaded()).isTrue();
    assertThat(next.caller(ApiKey.hash(A))).isEmpty();
  }

  @Test
  void localRevocationStaysWhileTheSnapshotCannotBeWritten() throws Exception {
    load(HEADER, row(A, "a@example.com", "", "", false));
    new RevokedKeys(data).add(ApiKey.hash(A));
    directory.readRevoked();
    // A folder with the name of the temporary file makes writing fail.
    Files.createDirectories(data.resolve("keys-snapshot.jsonl.new").resolve("full"));

    load(HEADER, row(A, "a@example.com", "", "", true));

    assertThat(revokedHere()).exists();
    assertThat(directory("the-spreadsheet").caller(ApiKey.hash(A))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "API Key\u00a0",
        "API\u00a0Key",
        "API\nKey",
        "API  Key",
        "\ufeffAPI Key",
        "API\u200b Key",
        "\u2003api key",
        "API_Key",
        "ApiKey"
      })
  void headersIgnoreWhiteSpaceOfAnyKind(String header) {
    load(row(header, "User\u202fEmail", "Revoked "), row(A, "a@example.com", true));
    assertThat(directory.find(ApiKey.hash(A)).orElseThrow().revoked()).isTrue();
  }

  @Test
  void missingColumnErrorNamesASimilarColumn() {
    assertThatExceptionOfType(WorkbookException.class)
        .isThrownBy(() -> load(row("API Key", "User Email", "Disabled"), row(A, "a@example.com")))
        .withMessageContaining("\"Revoked\"")
        .withMessageContaining("Column C is called \"Disabled\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Expires At\u00a0",
        "Expires\u00a0At",
        "ExpiresAt",
        "Expiry",
        "expires_at",
        "Expire At",
        "Valid Until",
        "EXPIRES",
        "Exipres At"
      })
  void expiryUnderASimilarHeaderIsApplied(String header) {
    load(
        row("API Key", "User Email", "Revoked", header),
        row(A, "a@example.com", false, "2026-01-01"),
        row(B, "b@example.com", false, "2026-03-01"));
    assertThat(directory.caller(ApiKey.hash(A))).isEmpty();
    assertThat(directory.caller(ApiKey.hash(B))).isPresent();
    assertThat(directory.problems().isEmpty())
        .isEqualTo(header.replaceAll("\\P{L}", "").equalsIgnoreCase("ExpiresAt"));
  }

  @Test
  void similarColumnsAreProblems() {
    load(
        row("API Key", "User Email", "Revoked", "Active", "Cost centre", "Plan"),
        row(A, "a@example.com", false, false, "K1", "gold"));
    assertThat(directory.problems()).extracting(KeyProblem::row).containsExactly(0, 0);
    assertThat(directory.problems().toString()).contains("\"Active\"", "\"Plan\"", "\"Tier\"");
  }

  @Test
  void valuesOfALostColumnApplyAfterARestartUntilTheLossIsConfirmed() {
    load(
        row(
            "API Key",
            "User Email",
            "Revoked",
            "Tier",
            "Expires At",
            "Log Conversations",
            "Allowed Models"),
        row(A, "a@example.com", false, "gold", "2026-01-01", "off", ""),
        row(B, "b@example.com", false, "gold", "2026-03-01", "", "groq/*,fast"));
    List<Object> header = row("API Key", "User Email", "Revoked", "Class", "Ablauf", "Kept", "For");
    List<Object> a = row(A, "a@example.com", false, "gold", "2026-01-01", "off", "");
    List<Object> b = row(B, "b@example.com", false, "gold", "2026-03-01", "", "groq/*,fast");
    load(header, a, b);
    directory = directory("the-spreadsheet");
    load(header, a, b);

    assertThat(directory.caller(ApiKey.hash(A))).isEmpty();
    assertThat(directory.caller(ApiKey.hash(B)).orElseThrow().tier()).isEqualTo("gold");
    assertThat(directory.find(ApiKey.hash(A)).orElseThrow().caller().conversations())
        .isEqualTo(ConversationStorage.OFF);
    assertThat(directory.caller(ApiKey.hash(B)).orElseThrow().models())
        .isEqualTo(AllowedModels.of("groq/*, fast").orElseThrow());
    assertThat(directory.problems()).extracting(KeyProblem::row).containsExactly(0, 0, 0, 0);

    new KeyConfirmation(data).create();
    load(header, a, b);
    load(header, a, b);
    assertThat(directory.problems()).isEmpty();
    assertThat(directory.caller(ApiKey.hash(B)).orElseThrow().tier()).isEqualTo("free");
    assertThat(directory.caller(ApiKey.hash(B)).orElseThrow().models()).isNull();
  }

  /** Columns: the header | whether it is reported. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "allowed_models  | false",
        "Allowed Model   | true",
        "Alowed Models   | true",
        "Allowed Moedls  | true",
        "Models          | true",
        "Permitted Models| true",
      })
  void allowedModelsUnderASimilarHeaderAreApplied(String header, boolean reported) {
    load(
        row("API Key", "User Email", "Revoked", header),
        row(A, "a@example.com", false, "groq/*"),
        row(B, "b@example.com", false, " "));
    assertThat(directory.caller(ApiKey.hash(A)).orElseThrow().models()).hasToString("groq/*");
    assertThat(directory.caller(ApiKey.hash(B)).orElseThrow().models()).isNull();
    assertThat(directory.problems()).hasSize(reported ? 1 : 0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"groq/* openai/*", "groq/*; openai/*", ", ,", "groq/*|openai/*"})
  void unreadableAllowedModelsAreReportedAndAllowNothing(String cell) {
    load(
        row("API Key", "User Email", "Revoked", "Allowed Models"),
        row(A, "a@example.com", false, cell));
    for (int start = 0; start < 2; start++) {
      assertThat(directory.caller(ApiKey.hash(A)).orElseThrow().models())
          .isEqualTo(AllowedModels.NONE);
      if (start == 0) {
        assertThat(directory.problems().toString())
            .contains("row 2 has an Allowed Models that cannot be read");
        directory = directory("the-spreadsheet");
      }
    }
  }

  @Test
  void tierWithoutLimitAndInvalidAddressAreProblems() {
    load(HEADER, row(A, "a@example.com", "", "unknown"), row(B, "somebody", "", "gold"));
    assertThat(directory.problems()).extracting(KeyProblem::row).containsExactly(2, 3);
    assertThat(directory.problems().get(0).what()).contains("no limit");
    assertThat(directory.problems().get(1).what()).contains("no e-mail address");
  }

  @Test
  void cellsIgnoreInvisibleCharacters() {
    load(
        row("API Key", "User Email", "Revoked", "Tier", "Expires At"),
        row(
            "\ufeff" + A + "\u00a0",
            " a@example.com\u200b",
            "FALSE\u00a0",
            "Gold\n",
            "2026-03-01\u00a0"));
    assertThat(directory.caller(ApiKey.hash(A)))
        .contains(new Caller("a@example.com", "", ApiKey.hash(A), "gold"));
    assertThat(directory.problems()).isEmpty();
  }

  @Test
  void keysLostAtOnceAreHeldAfterARestartUntilTheyAreBack() {
    load(newRows(4));
    load(HEADER);
    load(HEADER);
    directory = directory("the-spreadsheet");
    directory.load(null, directory.nextReading());

    assertThat(directory.caller(ofNumber(1))).isPresent();
    assertThat(directory.held()).isEqualTo(4);
    assertThat(directory.problems().get(0).toString())
        .contains("lost 4 keys", "CONFIRM", "confirm-keys");

    load(newRows(4));
    assertThat(directory.held()).isZero();
    assertThat(directory.problems()).noneMatch(problem -> problem.row() == 0);
  }

  @Test
  void heldKeysCanBeRevokedAndExpireAndNewKeysAreAccepted() {
    List<Object> header = row("API Key", "User Email", "Revoked", "Expires At");
    load(
        header,
        row(A, "a@example.com", false, ""),
        row(B, "b@example.com", false, "2026-01-31T12:00:01Z"),
        row(C, "c@example.com", false, ""));
    load(header, row("sk-new-0123456789", "d@example.com", false, ""));
    assertThat(directory.caller(ApiKey.hash(B))).isPresent();
    assertThat(directory.caller(ApiKey.hash("sk-new-0123456789"))).isPresent();

    new RevokedKeys(data).add(ApiKey.hash(A));
    directory.readRevoked();
    clock.move(Duration.ofSeconds(1));
    load(header, row(C, "c@example.com", true, ""));
    assertThat(directory.caller(ApiKey.hash(A))).isEmpty();
    assertThat(directory.caller(ApiKey.hash(B))).isEmpty();
    assertThat(directory.caller(ApiKey.hash(C))).isEmpty();
    assertThat(revokedHere()).as("an older version of the sheet may come back").exists();
  }

  @Test
  void confirmedLossEndsHeldKeys() {
    load(newRows(4));
    load(HEADER);
    new KeyConfirmation(data).create();
    load(HEADER);
    assertThat(directory.caller(ofNumber(1))).isEmpty();
    assertThat(directory("the-spreadsheet").caller(ofNumber(1))).isEmpty();

    load(newRows(4));
    load(HEADER);
    assertThat(directory.caller(ofNumber(1))).as("a confirmation applies once").isPresent();

    load(row("API Key", "User Email", "Revoked", "Status"), row("", "", "", " Confirm "));
    assertThat(directory.caller(ofNumber(1))).as("confirmed in the sheet").isEmpty();
  }

  @Test
  void keysDeletedOneByOneAreRefusedButTheLastIsHeld() {
    List<Object>[] rows = newRows(4);
    load(rows);
    for (int left = 3; left >= 1; left--) {
      load(Arrays.copyOf(rows, left + 1));
      assertThat(directory.caller(ofNumber(left + 1))).isEmpty();
      assertThat(directory.held()).isZero();
    }
    load(HEADER);
    assertThat(directory.caller(ofNumber(1))).isPresent();
    assertThat(directory.held()).isOne();
  }

  @Test
  void expiriesThatBecomeUnreadableAtOnceAreHeld() {
    List<Object> header = row("API Key", "User Email", "Revoked", "Expires At");
    load(
        header,
        row(A, "a@example.com", false, "2026-03-01"),
        row(B, "b@example.com", false, "2026-03-01"),
        row(C, "c@example.com", false, "2026-03-01"));
    load(
        header,
        row(A, "a@example.com", false, "01/03/26"),
        row(B, "b@example.com", true, "01/03/26"),
        row(C, "c@example.com", false, "01/03/26"));
    assertThat(directory.caller(ApiKey.hash(A))).isPresent();
    assertThat(directory.caller(ApiKey.hash(B))).as("revoked in the sheet").isEmpty();

    clock.move(Duration.ofDays(60));
    assertThat(directory.caller(ApiKey.hash(A))).as("its expiry is held").isEmpty();
  }

  private static String ofNumber(int number) {
    return ApiKey.hash("sk-of-number-" + number);
  }

  private Path snapshot() {
    return data.resolve("keys-snapshot.jsonl");
  }

  private Path revokedHere() {
    return data.resolve("revoked-keys").resolve(ApiKey.hash(A));
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void firstUsableKeyOfAnAddressIsFoundInTheSheetsOrder() {
    List<Object> header = row("API Key", "User Email", "Tier", "Revoked", "Expires At");
    List<Object> revoked = row(ApiKey.cell("sk-revoked-123"), "a@example.com", "none", true);
    List<Object> gold = row(A, "A@Example.com ", "gold", false, "2026-02-01");
    List<Object> pro = row(B, "a@example.com", "pro");
    List<Object> other = row(C, "b@example.com", "free", true);
    load(header, revoked, gold, pro, other);

    assertThat(tierOf("a@EXAMPLE.com")).isEqualTo("gold");
    assertThat(directory.keyHolder("b@example.com")).isEmpty();
    assertThat(directory.keyHolder("c@example.com")).isEmpty();
    assertThat(directory.keyHolder("")).isEmpty();

    load(header, pro, gold, other, revoked);
    assertThat(tierOf("a@example.com")).as("the sheet has been sorted").isEqualTo("pro");

    load(header, gold, pro);
    clock.move(Duration.ofDays(2));
    load(header, gold, pro);
    assertThat(tierOf("a@example.com")).as("the first has expired").isEqualTo("pro");

    new RevokedKeys(data).add(ApiKey.hash(B));
    directory.readRevoked();
    assertThat(directory.keyHolder("a@example.com"))
        .as("the first has expired, the second is revoked locally")
        .isEmpty();
  }

  @Test
  void snapshotKeepsTheSheetsOrder() {
    List<Object>[] rows = newRows(40);
    load(rows);

    KeyDirectory restarted = directory("the-spreadsheet");
    assertThat(restarted.keyHolder("a@example.com").orElseThrow().tier()).isEqualTo("tier1");
    assertThat(restarted.keyHolder("b@example.com").orElseThrow().tier()).isEqualTo("tier2");
  }

  /** A header and keys of two people in turn, each key with a different tier. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  private static List<Object>[] newRows(int count) {
    List<Object>[] rows = new List[count + 1];
    rows[0] = HEADER;
    for (int i = 1; i <= count; i++) {
      String email = i % 2 == 1 ? "a@example.com" : "b@example.com";
      rows[i] = row("sk-of-number-" + i, email, "", "tier" + i);
    }
    return rows;
  }

  private String tierOf(String email) {
    return directory.keyHolder(email).orElseThrow().tier();
  }

  private KeyDirectory directory(String spreadsheetId) {
    return new KeyDirectory(
        clock,
        clock,
        MAX_AGE,
        new KeySnapshot(data, spreadsheetId),
        new RevokedKeys(data),
        new KeyConfirmation(data),
        tier -> !tier.equals("unknown"));
  }

  @SafeVarargs
  @SuppressWarnings("varargs")
  private final void load(List<Object>... rows) {
    directory.load(List.of(rows), directory.nextReading());
  }

  /** Cells as Google's client returns them: text, numbers, booleans; short rows end early. */
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
