package dev.llmproxy.base;

import static org.assertj.core.api.Assertions.assertThat;

import dev.llmproxy.Gateway;
import dev.llmproxy.cli.WorkbookExport;
import dev.llmproxy.workbook.Workbook;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.DriverManager;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataFolderTest {
  @TempDir private Path folder;

  @Test
  void serverFilesArePrivate() throws Exception {
    Path data = folder.resolve("data");
    try (Gateway gateway = Gateway.start(data, Map.of("LOG_CONVERSATIONS", "ledger"))) {
      gateway.chat(gateway.createKey("ann@example.com"), "openai/scripted", true, "hello");
      gateway.awaitRecords(1);

      assertThat(data.resolve("ledger.db-wal")).exists();
      assertThat(data.resolve("workbook.url")).exists();
      assertThat(openToOthers(data)).isEmpty();
      assertThat(permissions(data)).isEqualTo("rwx------");
    }
    assertThat(openToOthers(data)).isEmpty();
  }

  @Test
  void startMakesOpenFilesPrivate() throws Exception {
    Path data = Files.createDirectory(folder.resolve("data"));
    Gateway.start(data).close();
    // An open connection keeps SQLite's additional files, as they are after a kill.
    try (var connection = DriverManager.getConnection("jdbc:sqlite:" + data.resolve("ledger.db"))) {
      connection.createStatement().execute("create table further (one)");
      Files.writeString(data.resolve("backup.db"), "");
      Files.createDirectory(data.resolve("export"));
      Files.writeString(data.resolve("export/User API Keys.csv"), "");
      Path elsewhere = open(Files.writeString(folder.resolve("elsewhere"), ""), "rw-r--r--");
      Files.createSymbolicLink(data.resolve("link"), elsewhere);
      try (Stream<Path> all = Files.walk(data)) {
        for (Path path : all.filter(each -> !Files.isSymbolicLink(each)).toList()) {
          open(path, Files.isDirectory(path) ? "rwxr-xr-x" : "rw-rw-r--");
        }
      }
      assertThat(openToOthers(data)).containsKeys("", "ledger.db", "ledger.db-wal", "workbook.db");

      try (Gateway gateway = Gateway.start(data)) {
        gateway.createKey("bob@example.com");
        assertThat(openToOthers(data)).isEmpty();
      }
      assertThat(permissions(elsewhere)).as("links are not followed").isEqualTo("rw-r--r--");
    }
  }

  @Test
  void sharedFolderKeepsPermissionsOfOtherFiles() throws Exception {
    Path program = Files.createDirectories(folder.resolve("sub/bin")).resolve("run");
    open(Files.writeString(program, ""), "rwxr-xr-x");
    open(Files.writeString(folder.resolve("ledger.db"), ""), "rw-r--r--");
    open(folder, "rwxr-xr-x");

    assertThat(DataFolder.isOwn(folder)).isFalse();
    assertThat(DataFolder.tighten(folder)).isEmpty();

    assertThat(permissions(folder)).isEqualTo("rwxr-xr-x");
    assertThat(permissions(program)).isEqualTo("rwxr-xr-x");
    assertThat(permissions(folder.resolve("ledger.db"))).isEqualTo("rw-------");
    assertThat(DataFolder.isOwn(Path.of("/tmp"))).isFalse();
    assertThat(DataFolder.isOwn(Path.of(System.getProperty("user.home")).getParent())).isFalse();
    assertThat(DataFolder.isOwn(Path.of(""))).isFalse();
  }

  @Test
  void exportIsPrivate() throws Exception {
    Path csv = folder.resolve("csv");
    Path xlsx = folder.resolve("book.xlsx");
    try (Gateway gateway = Gateway.start(folder.resolve("data"))) {
      gateway.createKey("ann@example.com");
      Workbook workbook = gateway.application().workbook();
      for (Path file : new WorkbookExport(workbook).toCsv(csv)) {
        open(file, "rw-r--r--");
      }
      new WorkbookExport(workbook).toCsv(csv);
      new WorkbookExport(workbook).toXlsx(xlsx);
    }

    assertThat(openToOthers(csv)).isEmpty();
    assertThat(permissions(xlsx)).isEqualTo("rw-------");
  }

  private static Map<String, String> openToOthers(Path folder) throws IOException {
    Map<String, String> open = new TreeMap<>();
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.filter(each -> !Files.isSymbolicLink(each)).toList()) {
        if (!permissions(path).endsWith("------")) {
          open.put(folder.relativize(path).toString(), permissions(path));
        }
      }
    }
    return open;
  }

  private static Path open(Path path, String permissions) throws IOException {
    return Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(
        Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS));
  }
}
