package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.llmproxy.Gateway;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.keys.ApiKey;
import dev.llmproxy.workbook.embedded.EmbeddedWorkbook;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Revokes keys of a server that reads the sheet once an hour, with the workbook up and down. */
class RevokeKeyTest {
  @TempDir private Path sheets;
  @TempDir private Path data;
  private EmbeddedWorkbook workbook;
  private Map<String, String> settings;
  private String out;
  private String err;

  @BeforeEach
  void open() throws Exception {
    workbook = EmbeddedWorkbook.open(sheets, 0);
    settings =
        Map.of(
            "LLMPROXY_DATA", data.toString(),
            "SHEETS_ROOT_URL", workbook.rootUrl(),
            "KEYS_REFRESH_SECONDS", "3600");
  }

  @AfterEach
  void close() {
    workbook.close();
  }

  @Test
  void runningServerRefusesARevokedKeyAtOnce() throws Exception {
    try (Gateway gateway = Gateway.start(data, settings)) {
      String key = createKey();
      assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(200);

      assertThat(run("revoke-key", key)).isZero();
      gateway.awaitKnown(key, false);

      assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(401);
    }
  }

  @Test
  void runningServerRefusesAKeyRevokedByItsMaskedFormAtOnce() throws Exception {
    try (Gateway gateway = Gateway.start(data, settings)) {
      String key = createKey();
      assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(200);

      assertThat(run("revoke-key", ApiKey.mask(key))).isZero();
      gateway.awaitKnown(key, false);
    }
  }

  @Test
  void keyRevokedWhileTheWorkbookIsDownStaysRevokedUntilTheSheetIsUpdated() throws Exception {
    String key;
    try (Gateway gateway = Gateway.start(data, settings)) {
      key = createKey();
      assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(200);
      workbook.close();

      assertThat(run("revoke-key", key)).isEqualTo(3);
      assertThat(out)
          .contains("Revoked on this server", "The sheet could not be changed", "Run this again")
          .doesNotContain(key);
      gateway.awaitKnown(key, false);
      assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(401);
      assertThat(run("revoke-key", key, "--json")).isEqualTo(3);
      JsonNode said = Json.parse(out);
      assertThat(said.path("revoked").asBoolean()).isTrue();
      assertThat(said.path("in_sheet").asBoolean()).isFalse();
    }
    workbook = EmbeddedWorkbook.open(sheets, URI.create(workbook.rootUrl()).getPort());

    try (Gateway gateway = Gateway.start(data, settings)) {
      assertThat(gateway.get("/v1/models", key).statusCode()).isEqualTo(401);

      assertThat(run("revoke-key", key)).isZero();
      assertThat(run("list-keys", "--json")).isZero();
      assertThat(Json.parse(out).get(0).path("revoked").asBoolean()).isTrue();
    }
  }

  @Test
  void maskedKeyCannotBeRevokedWhileTheWorkbookIsDown() {
    workbook.close();

    assertThat(run("revoke-key", "sk-Ab1…x9Yz")).isOne();
    assertThat(err).contains("give the complete key");
  }

  @Test
  void unknownKeyIsAnErrorAndIsNotStored() {
    assertThat(run("revoke-key", "sk-nobody-has-this-key")).isOne();

    assertThat(err).contains("No key in the workbook");
    assertThat(data.resolve("revoked-keys")).isEmptyDirectory();
  }

  @Test
  void keyOfStandardInputOrTheEnvironmentIsRevokedAndNotPrinted() throws Exception {
    String piped = createKey();
    String ambient = createKey();
    Map<String, String> more = new HashMap<>(settings);
    more.put("LLMPROXY_KEY", ambient);
    settings = more;

    assertThat(runWithInput(piped + "\n", "revoke-key", "-")).isZero();
    assertThat(revoked()).containsExactly(true, false);
    assertThat(runWithInput("", "revoke-key")).isZero();
    assertThat(revoked()).containsExactly(true, true);
    assertThat(out).doesNotContain(ambient);
  }

  @Test
  void pipedKeyOverridesTheEnvironment() throws Exception {
    String piped = createKey();
    Map<String, String> more = new HashMap<>(settings);
    more.put("LLMPROXY_KEY", createKey());
    settings = more;

    assertThat(runWithInput("  " + piped + "\r\n", "revoke-key")).isZero();
    assertThat(revoked()).containsExactly(true, false);
  }

  @Test
  void missingKeyIsAnInvalidArgument() {
    assertThat(runWithInput("\n", "revoke-key")).isEqualTo(2);
    assertThat(err).contains("no key is given", "LLMPROXY_KEY");
  }

  @Test
  void keyIsRevokedByItsOwnerAndName() throws Exception {
    createKey();
    assertThat(run("create-api-key", "Bob@example.com", "Laptop")).isZero();
    assertThat(run("create-api-key", "bob@example.com", "Phone")).isZero();

    assertThat(run("revoke-key", "bob@example.com")).isOne();
    assertThat(err).contains("2 keys match, and none has been revoked", "Laptop", "Phone", "--all");
    assertThat(revoked()).containsExactly(false, false, false);
    assertThat(data.resolve("revoked-keys")).isEmptyDirectory();

    assertThat(run("revoke-key", "bob@example.com", "Phone")).isZero();
    assertThat(out).contains("of bob@example.com (Phone)");
    assertThat(revoked()).containsExactly(false, false, true);
    assertThat(run("revoke-key", "bob@example.com")).as("the one that is left").isZero();
    assertThat(revoked()).containsExactly(false, true, true);
    assertThat(run("revoke-key", "bob@example.com", "Tablet")).isOne();
    assertThat(err)
        .contains("No key in the workbook belongs to bob@example.com and has the name \"Tablet\"");
    assertThat(run("revoke-key", "sk-nobody-has-this-key", "Phone")).isEqualTo(2);
    assertThat(err).doesNotContain("sk-nobody-has-this-key");
  }

  @Test
  void optionAllRevokesAllKeysOfAnOwner() throws Exception {
    createKey();
    createKey();

    assertThat(run("revoke-key", "ann@example.com", "--all", "--json")).isZero();
    assertThat(out.lines())
        .hasSize(2)
        .allSatisfy(line -> assertThat(Json.parse(line).path("in_sheet").asBoolean()).isTrue());
    assertThat(revoked()).containsExactly(true, true);
  }

  /** An address with the sign for kelvin is not that with the letter k. */
  @Test
  void keysOfAnAddressThatOnlyLooksAlikeAreNotRevoked() throws Exception {
    assertThat(run("create-api-key", "\u212Aim@example.com", "Kelvin")).isZero();
    assertThat(run("create-api-key", "Kim@example.com", "Letter")).isZero();

    assertThat(run("revoke-key", "kim@example.com")).as(err).isZero();

    assertThat(revoked()).containsExactly(false, true);
  }

  private List<Boolean> revoked() throws Exception {
    assertThat(run("list-keys", "--json")).isZero();
    return Json.parse(out).valueStream().map(key -> key.path("revoked").asBoolean()).toList();
  }

  private int runWithInput(String input, String... arguments) {
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
    try {
      return run(arguments);
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void firstKeyWithAnExpiryAddsTheColumn() throws Exception {
    createKey();
    assertThat(run("create-api-key", "b@example.com", "B", "--expires", "2999-01-31")).isZero();
    assertThat(out).contains("2999-01-31");
    assertThat(run("create-api-key", "c@example.com", "C", "--expires", "30d", "--json")).isZero();
    assertThat(Json.parse(out).path("expires_at").asText()).isNotEmpty();
    createKey();

    assertThat(run("list-keys", "--json")).isZero();
    JsonNode keys = Json.parse(out);
    assertThat(keys.get(0).path("expires_at").asText()).isEmpty();
    assertThat(keys.get(1).path("expires_at").asText()).isEqualTo("2999-02-01T00:00:00Z");
    assertThat(keys.get(2).path("expires_at").asText()).isNotEmpty();
    assertThat(keys.get(3).path("expires_at").asText()).isEmpty();
    assertThat(run("create-api-key", "d@example.com", "D", "--expires", "soon")).isEqualTo(2);
    assertThat(err).contains("--expires");
  }

  private String createKey() throws Exception {
    assertThat(run("create-api-key", "ann@example.com", "Laptop", "--json")).isZero();
    return Json.parse(out).path("key").asText();
  }

  private int run(String... arguments) {
    StringWriter standard = new StringWriter();
    StringWriter errors = new StringWriter();
    int status =
        LlmProxyCommand.commandLine(Settings.load(Path.of(""), settings))
            .setOut(new PrintWriter(standard, true))
            .setErr(new PrintWriter(errors, true))
            .execute(arguments);
    out = standard.toString();
    err = errors.toString();
    return status;
  }
}
