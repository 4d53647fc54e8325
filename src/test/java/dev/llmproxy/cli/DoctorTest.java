package dev.llmproxy.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.api.services.sheets.v4.model.BatchUpdateSpreadsheetRequest;
import com.google.api.services.sheets.v4.model.ClearValuesRequest;
import com.google.api.services.sheets.v4.model.Request;
import com.google.api.services.sheets.v4.model.SheetProperties;
import com.google.api.services.sheets.v4.model.UpdateSheetPropertiesRequest;
import com.google.api.services.sheets.v4.model.ValueRange;
import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.Gateway;
import dev.llmproxy.OwnHome;
import dev.llmproxy.base.Json;
import dev.llmproxy.base.Settings;
import dev.llmproxy.keys.ApiKeyBook;
import dev.llmproxy.ledger.Ledger;
import dev.llmproxy.workbook.Workbook;
import dev.llmproxy.workbook.WorkbookSchema;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.DriverManager;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DoctorTest {
  @TempDir private Path folder;
  private Path home = Path.of("");
  private final Map<String, String> environment = new HashMap<>();
  private String out;

  @Test
  void newInstallationHasNoProblem() {
    assertThat(doctor()).as(out).isZero();

    assertThat(out)
        .contains("ok       java", "ok       settings", "ok       port", "ok       ledger")
        .contains("will be created by the first start")
        .doesNotContain("problem");
    assertThat(data()).as("doctor creates nothing").doesNotExist();
  }

  @Test
  void runningServerIsRecognisedAndHasNoProblem() throws Exception {
    try (Gateway gateway = Gateway.start(data())) {
      String key = gateway.createKey("ann@example.com");
      gateway.chat(key, "openai/scripted", false, "hello");
      gateway.awaitRecords(1);
      environment.put("PORT", Integer.toString(gateway.port()));
      environment.put("HOST", "127.0.0.1");
      environment.put("OPENAI_BASE_URL", gateway.provider().baseUrl());

      assertThat(doctor()).as(out).isZero();

      assertThat(out)
          .contains("llmproxy runs on " + gateway.port())
          .contains("is in use by a running server", "1 records, 0 requests under way", "1 keys");
    }
  }

  @Test
  void dataOfAStoppedServerIsChecked() throws Exception {
    Ledger.open(data()).close();
    try (Workbook workbook = Workbook.open(settings())) {
      new ApiKeyBook(workbook).add("sk-1234567890", "ann@example.com", "Laptop", "free", "now");
    }

    assertThat(doctor()).as(out).isZero();
    assertThat(out).contains("can be written to", "0 records", "1 keys");
  }

  @Test
  void portOfAnotherProgramIsAProblem() throws IOException {
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      environment.put("PORT", Integer.toString(other.getLocalPort()));
      environment.put("HOST", "127.0.0.1");

      assertThat(doctor()).isOne();
      assertThat(out).contains("problem  port", "cannot be used", "set PORT to another");
    }
  }

  @Test
  void serverOfThisDataFolderIsFoundOnAnyPort() throws Exception {
    try (Gateway gateway = Gateway.start(data())) {
      assertThat(doctor()).as(out).isZero();
      assertThat(out).contains("ok       port        llmproxy runs on " + gateway.port());

      environment.put("PORT", "9");
      assertThat(doctor()).as(out).isZero();
      assertThat(out)
          .contains("warning  port", "runs on " + gateway.port())
          .contains("but PORT is 9", "set PORT to " + gateway.port());
    }
    assertThat(data().resolve("server.json")).doesNotExist();
  }

  @Test
  void serverOfAnotherDataFolderAndAnotherProgramAreDistinguished() throws Exception {
    Gateway.start(data()).close();
    try (Gateway another = Gateway.start(folder.resolve("another"))) {
      environment.put("PORT", Integer.toString(another.port()));
      environment.put("HOST", "127.0.0.1");
      // The file of a killed server whose port another server uses now.
      Files.writeString(
          data().resolve("server.json"),
          "{\"url\":\"http://127.0.0.1:%d\",\"pid\":1,\"instance\":\"dead\"}"
              .formatted(another.port()));

      assertThat(doctor()).isOne();
      assertThat(out)
          .contains("problem  port", "another llmproxy uses " + another.port())
          .contains("not the server of " + data(), "LLMPROXY_DATA");
    }
    HttpServer other =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    other.start();
    try {
      environment.put("PORT", Integer.toString(other.getAddress().getPort()));

      assertThat(doctor()).isOne();
      assertThat(out).contains("problem  port", "another program uses it", "cannot be used");
    } finally {
      other.stop(0);
    }
  }

  @Test
  void dataFolderReadableByOthersIsAWarningAndStaysUnchanged() throws Exception {
    Gateway.start(data()).close();
    assertThat(doctor()).as(out).isZero();
    assertThat(out).doesNotContain("other accounts");
    Path ledger = data().resolve("ledger.db");
    Files.setPosixFilePermissions(ledger, PosixFilePermissions.fromString("rw-r--r--"));

    assertThat(doctor()).as(out).isZero();
    assertThat(out)
        .contains("warning  data", "other accounts of this machine can access " + ledger)
        .contains("chmod -R go= " + data());
    assertThat(Files.getPosixFilePermissions(ledger)).contains(PosixFilePermission.OTHERS_READ);

    Path elsewhere = Files.move(ledger, folder.resolve("elsewhere.db"));
    Files.createSymbolicLink(ledger, elsewhere);
    Files.createDirectories(data().resolve("src/main"));
    assertThat(doctor()).as(out).isZero();
    assertThat(out)
        .contains(ledger + " is a link to " + elsewhere.toRealPath())
        .contains("contains files of other programs");
  }

  @Test
  void dataFolderOfAnotherAccountIsAWarning() throws Exception {
    Gateway.start(data()).close();
    assumeThat(System.getProperty("user.name")).as("may change owners").isEqualTo("root");
    Files.setOwner(
        data(),
        data().getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody"));

    assertThat(doctor()).as(out).isZero();
    assertThat(out)
        .contains("warning  data", data() + " belongs to nobody, but doctor runs as root")
        .contains("as the folder's owner");
  }

  @Test
  void dataFolderThatIsAFileIsAProblem() throws IOException {
    Files.writeString(folder.resolve("data"), "");

    assertThat(doctor()).isOne();
    assertThat(out).contains("problem  data", "is not a folder", "LLMPROXY_DATA");
  }

  @Test
  void ledgerThatIsNoDatabaseIsAProblem() throws IOException {
    Files.createDirectories(data());
    Files.writeString(data().resolve("ledger.db"), "this is no database, and never has been one");

    assertThat(doctor()).isOne();
    assertThat(out).contains("problem  ledger", "backup");
  }

  @Test
  void damagedLedgerIsAProblem() throws Exception {
    Ledger.open(data()).close();
    Path file = data().resolve("ledger.db");
    try (var connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        var statement = connection.createStatement()) {
      statement.execute("pragma journal_mode=delete");
    }
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      long page = 4096;
      for (long at = 3 * page; at < bytes.length(); at += page) {
        bytes.seek(at);
        bytes.write(new byte[64]);
      }
    }

    assertThat(doctor()).isOne();
    assertThat(out).contains("problem  ledger");
  }

  @Test
  void ledgerOfANewerVersionIsAProblem() throws Exception {
    Ledger.open(data()).close();
    execute(
        "insert into flyway_schema_history select 999, '999', 'later', type, script, checksum, installed_by,"
            + " installed_on, execution_time, success from flyway_schema_history limit 1");

    assertThat(doctor()).isOne();
    assertThat(out).contains("was created by a newer llmproxy");
  }

  @Test
  void unusableRowsOfTheSheetAreProblems() {
    try (Workbook workbook = Workbook.open(settings())) {
      ApiKeyBook book = new ApiKeyBook(workbook);
      book.add("sk-1234567890", "ann@example.com", "Laptop", "free", "now");
      book.add("sk-1234567890", "bob@example.com", "Laptop", "free", "now");
      book.add("sk-0987654321", "", "Nobody's", "free", "now");
    }

    assertThat(doctor()).isOne();
    assertThat(out)
        .contains("row 3 has the same key as row 2", "row 4 has no User Email")
        .doesNotContain("sk-1234567890");
  }

  @Test
  void renamedSheetIsFoundAndAWrongHeaderIsAProblem() throws IOException {
    try (Workbook workbook = Workbook.open(settings())) {
      new ApiKeyBook(workbook).add("sk-1234567890", "ann@example.com", "Laptop", "free", "now");
      workbook
          .client()
          .spreadsheets()
          .values()
          .update(
              workbook.spreadsheetId(),
              "User API Keys!D1",
              new ValueRange().setValues(List.of(List.of("Plan"))))
          .setValueInputOption("RAW")
          .execute();
      workbook
          .client()
          .spreadsheets()
          .batchUpdate(
              workbook.spreadsheetId(),
              new BatchUpdateSpreadsheetRequest()
                  .setRequests(
                      List.of(
                          new Request()
                              .setUpdateSheetProperties(
                                  new UpdateSheetPropertiesRequest()
                                      .setProperties(
                                          new SheetProperties()
                                              .setSheetId(WorkbookSchema.sheetId("User API Keys"))
                                              .setTitle("Keys of staff"))
                                      .setFields("title")))))
          .execute();
    }

    assertThat(doctor()).isOne();
    assertThat(out).contains("1 keys", "has the header \"Plan\" (column D)", "\"Tier\"");
  }

  @Test
  void missingHeaderIsAProblem() throws IOException {
    try (Workbook workbook = Workbook.open(settings())) {
      new ApiKeyBook(workbook).rows();
      workbook
          .client()
          .spreadsheets()
          .values()
          .clear(workbook.spreadsheetId(), "User API Keys!B1", new ClearValuesRequest())
          .execute();
    }

    assertThat(doctor()).isOne();
    assertThat(out).contains("has no column \"User Email\"", "put the header back");
  }

  @Test
  void workbookThatDoesNotAnswerIsAProblem() {
    environment.put("SHEETS_ROOT_URL", "http://127.0.0.1:9/");

    assertThat(doctor()).isOne();
    assertThat(out).contains("problem  workbook", "http://127.0.0.1:9/");
  }

  @Test
  void unusedCredentialsAreAWarning() {
    environment.put("GOOGLE_APPLICATION_CREDENTIALS", "/some/key.json");

    assertThat(doctor()).isZero();
    assertThat(out).contains("warning  workbook", "the embedded workbook is used");
  }

  @Test
  void providersAreContactedOnlyWithOnlineAndKeysAreNotShown() throws IOException {
    HttpServer provider =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    provider.createContext(
        "/",
        exchange -> {
          boolean right =
              "Bearer right-secret".equals(exchange.getRequestHeaders().getFirst("Authorization"));
          byte[] body =
              "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(right ? 200 : 401, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    provider.start();
    try {
      environment.put(
          "OPENAI_BASE_URL", "http://127.0.0.1:" + provider.getAddress().getPort() + "/v1");
      environment.put("OPENAI_API_KEY", "wrong-secret");
      assertThat(doctor()).as(out).isZero();
      assertThat(out).contains("openai is on");

      assertThat(doctor("--online")).isOne();
      assertThat(out).contains("openai refuses the key (401)", "OPENAI_API_KEY");
      assertThat(out).doesNotContain("wrong-secret");

      environment.put("OPENAI_API_KEY", "right-secret");
      assertThat(doctor("--online")).as(out).isZero();
      assertThat(out).contains("openai answers, 2 models").doesNotContain("right-secret");
    } finally {
      provider.stop(0);
    }
    assertThat(doctor("--online")).isOne();
    assertThat(out).contains("openai cannot be reached");
  }

  @Test
  void providerIsContactedThroughTheProxy() throws IOException {
    HttpServer proxy =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    proxy.createContext(
        "/",
        exchange -> {
          byte[] body =
              "[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]".getBytes(StandardCharsets.UTF_8);
          boolean there =
              exchange.getRequestURI().toString().equals("http://behind.invalid/v1/models");
          exchange.sendResponseHeaders(there ? 200 : 404, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    proxy.start();
    try {
      environment.put("http_proxy", "http://127.0.0.1:" + proxy.getAddress().getPort());
      environment.put("OPENAI_BASE_URL", "http://behind.invalid/v1");
      environment.put("OPENAI_API_KEY", "secret");

      assertThat(doctor("--online")).as(out).isZero();
      assertThat(out).contains("openai answers, 3 models");
    } finally {
      proxy.stop(0);
    }
  }

  @Test
  void missingModelFileAndNoProviderAreProblems() {
    environment.put("LOCAL_MODEL", "on");
    environment.put("LOCAL_MODEL_FILE", "nowhere.gguf");
    assertThat(doctor()).isOne();
    assertThat(out).contains("nowhere.gguf is missing", "make model");

    environment.put("LOCAL_MODEL", "off");
    environment.remove("OLLAMA_BASE_URL");
    assertThat(doctor()).isOne();
    assertThat(out).contains("no provider is on");
  }

  @Test
  void modelFileThatIsNoModelIsAProblem() throws IOException {
    environment.put("LOCAL_MODEL", "on");
    environment.put(
        "LOCAL_MODEL_FILE", Files.writeString(folder.resolve("model.gguf"), "<html>").toString());

    assertThat(doctor()).isOne();
    assertThat(out).contains("is not a GGUF file");
  }

  @Test
  void invalidSignInSettingsAreProblems() {
    environment.put("LLMPROXY_ALLOWED_USERS", "example.com");
    environment.put("GOOGLE_KEYS_URL", "http://keys.example.com/");

    assertThat(doctor()).isOne();

    assertThat(out)
        .contains("problem  settings    LLMPROXY_ALLOWED_USERS has \"example.com\"")
        .contains("problem  settings    GOOGLE_KEYS_URL is \"http://keys.example.com/\"")
        .contains("warning  settings    LLMPROXY_ALLOWED_USERS has no effect")
        .contains("Set GOOGLE_CLIENT_ID");
  }

  @Test
  void unknownSettingIsAProblemWithTheNearestName() throws IOException {
    ownHome(
        "KEYS_REFRESH_SECOND = 5\nRATE_LIMIT_FRE = 3\nRATE_LIMIT_ENTERPRISE = 9\nWHATEVER = 1\n");

    assertThat(doctor()).isOne();

    assertThat(out)
        .contains("problem  settings", "KEYS_REFRESH_SECOND is not a setting")
        .contains("If you mean KEYS_REFRESH_SECONDS")
        .contains("warning  settings    RATE_LIMIT_FRE would be the limit of a tier")
        .contains("WHATEVER is not a setting")
        .doesNotContain("RATE_LIMIT_ENTERPRISE");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "CHAT_COST_DOLLARS | 0",
        "CHAT_COST_DOLLARS | cheap",
        "CHAT_SECONDS | 0",
        "CHAT_TURNS | 0",
        "FETCH_PORTS | abc",
        "KEYS_REFRESH_SECONDS | soon",
        "LOCAL_MODEL | maybe",
        "RATE_LIMIT_PRO | many",
        "SEARCH_ENGINE_SECONDS | 0",
        "STREAM_KEEPALIVE_SECONDS | 1",
        "TOOL_RESULT_CHARACTERS | 0",
        "TOOL_TIMEOUT_SECONDS | 0",
        "WORKBOOK_PORT | 70000"
      })
  void invalidValueIsAProblem(String name, String value) {
    environment.put(name, value);

    assertThat(doctor()).isOne();
    assertThat(out).contains("problem", name + " is \"" + value + "\"");
  }

  @Test
  void emptyOptionalSettingsAreNoProblem() throws IOException {
    ownHome("CORS_ORIGINS =\nSEARCH_DOCS =\nWIKIPEDIA_BASE_URL =\n");

    assertThat(doctor()).as(out).isZero();
    assertThat(out).contains("ok       settings");
  }

  @Test
  void missingFolderOfDocumentsIsAWarningWithItsPath() throws IOException {
    ownHome("SEARCH_DOCS = handbook\n");

    assertThat(doctor()).as(out).isZero();
    assertThat(out)
        .contains("warning  settings    SEARCH_DOCS names a folder that does not exist: ")
        .contains(home.resolve("handbook").toString());
  }

  @Test
  void invalidFileOfMcpServersIsAProblem() throws Exception {
    Path file = Files.writeString(folder.resolve("mcp.json"), "{\"mcpServers\": {\"a\": {}}}");
    environment.put("MCP_SERVERS", file.toString());

    assertThat(doctor()).isOne();
    assertThat(out).contains("problem", "MCP_SERVERS", "the server \"a\"");
  }

  @Test
  void unknownToolOfATierIsAWarningWithTheExistingTools() throws IOException {
    ownHome("TOOLS_PRO = web_search, web_search_preview, websearch\n");
    environment.put("TOOLS_FREE", "current_time, fetch_page");

    assertThat(doctor()).as(out).isZero();

    assertThat(out)
        .contains(
            "warning  settings    TOOLS_PRO names the tool websearch, which is not in routes/")
        .contains("TOOLS_FREE names the tool fetch_page")
        .contains("The tools in routes/ are: calculator, current_time, fetch_url, web_search")
        .doesNotContain(
            "names the tool web_search", "names the tool current_time", "not a setting");
  }

  @Test
  void jsonOutputHasLevelCheckWhatAndRemedy() throws Exception {
    assertThat(doctor("--json")).as(out).isZero();

    JsonNode first = Json.parse(out).get(0);
    assertThat(first.path("level").asText()).isEqualTo("ok");
    assertThat(first.path("check").asText()).isEqualTo("java");
    assertThat(first.path("what").asText()).isNotEmpty();
    assertThat(first.path("remedy").asText()).isEmpty();
  }

  private Path data() {
    return folder.resolve("data");
  }

  /** Copies the product's files to a home and appends lines to its application.properties. */
  private void ownHome(String lines) throws IOException {
    home = OwnHome.copyTo(folder.resolve("home"));
    Files.writeString(home.resolve("application.properties"), lines, StandardOpenOption.APPEND);
  }

  private void execute(String sql) throws Exception {
    try (var connection =
            DriverManager.getConnection("jdbc:sqlite:" + data().resolve("ledger.db"));
        var statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private Settings settings() {
    Map<String, String> all = new HashMap<>();
    all.put("LLMPROXY_DATA", data().toString());
    all.put("PORT", "0");
    all.put("LOCAL_MODEL", "off");
    all.put("OLLAMA_BASE_URL", "http://127.0.0.1:9/v1");
    if (environment.containsKey("OPENAI_BASE_URL") || environment.containsKey("LOCAL_MODEL")) {
      all.remove("OLLAMA_BASE_URL");
    }
    all.putAll(environment);
    return Settings.load(home, all);
  }

  private int doctor(String... options) {
    StringWriter standard = new StringWriter();
    String[] arguments =
        Stream.concat(Stream.of("doctor"), Stream.of(options)).toArray(String[]::new);
    int status =
        LlmProxyCommand.commandLine(settings())
            .setOut(new PrintWriter(standard, true))
            .execute(arguments);
    out = standard.toString();
    return status;
  }
}
