package dev.llmproxy;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;

/**
 * A real PostgreSQL server on loopback, shared by all tests of this process. PostgreSQL refuses to
 * run as root; tests of root run it as the user nobody.
 */
public final class PostgresServer {
  public static final String USER = "llmproxy";
  public static final String PASSWORD = "s3cret+&p@ss";

  private static final String ENCODED_PASSWORD = "s3cret%2B%26p%40ss";
  private static final String ARCHIVE = "/postgres-linux-x86_64.txz";
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static PostgresServer shared;

  private final Path folder;
  private final int port;
  private Process process;

  private PostgresServer(Path folder, int port) {
    this.folder = folder;
    this.port = port;
  }

  /** The running server. Tests that stop it must start it again. */
  public static synchronized PostgresServer shared() {
    if (shared == null) {
      Assumptions.assumeTrue(
          System.getProperty("os.name").equals("Linux")
              && System.getProperty("os.arch").equals("amd64"),
          "there is a PostgreSQL for tests on Linux, amd64");
      shared = create();
      shared.start();
    }
    return shared;
  }

  /** Creates an empty database and returns its {@link #url}. */
  public String newDatabase() {
    String name = "ledger_" + UUID.randomUUID().toString().replace("-", "");
    try (Connection connection = connect("postgres")) {
      connection.createStatement().execute("create database " + name);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return url(USER + ":" + ENCODED_PASSWORD, name);
  }

  /** A URL of this server with a user, a password and long timeouts. */
  public String url(String userAndPassword, String database) {
    return "postgres://"
        + userAndPassword
        + "@127.0.0.1:"
        + port
        + "/"
        + database
        + "?connectTimeout=30&loginTimeout=30&socketTimeout=60";
  }

  /** The database name in a {@link #url}. */
  public static String database(String databaseUrl) {
    return URI.create(databaseUrl).getPath().substring(1);
  }

  public int port() {
    return port;
  }

  /** Starts the server again and waits until it accepts connections. */
  public void start() {
    Awaitility.await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(100))
        .until(() -> {
          // After a kill, processes of the old server may have to end first.
          if (process == null || !process.isAlive()) {
            process =
                run(
                    folder.resolve("bin/postgres").toString(),
                    "-D",
                    folder.resolve("data").toString(),
                    "-h",
                    "127.0.0.1",
                    "-p",
                    Integer.toString(port),
                    "-k",
                    "");
          }
          try (Connection connection = connect("postgres")) {
            return connection.isValid(1);
          } catch (SQLException e) {
            return false;
          }
        });
  }

  /** Stops the server as an administrator would, even with open connections. */
  public void stop() {
    await(
        run(
            folder.resolve("bin/pg_ctl").toString(),
            "-D",
            folder.resolve("data").toString(),
            "-m",
            "fast",
            "stop"));
    exitStatus(process);
  }

  /** Kills the server and all its processes with kill -9. */
  public void kill() {
    List<ProcessHandle> processes = new ArrayList<>(List.of(process.toHandle()));
    process.descendants().forEach(processes::add);
    processes.forEach(ProcessHandle::destroyForcibly);
    processes.forEach(killed -> killed.onExit().join());
  }

  private static PostgresServer create() {
    try {
      Path folder = Files.createTempDirectory("llmproxy-postgres-");
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
      Path archive = folder.resolve("postgres.txz");
      try (InputStream packed = PostgresServer.class.getResourceAsStream(ARCHIVE)) {
        Files.copy(packed, archive);
      }
      Process unpacking =
          new ProcessBuilder("tar", "-xJf", archive.toString(), "-C", folder.toString())
              .inheritIO()
              .start();
      if (unpacking.waitFor() != 0) {
        throw new IllegalStateException("PostgreSQL cannot be unpacked; is xz installed?");
      }
      Path password = folder.resolve("password");
      Files.writeString(password, PASSWORD);
      PostgresServer server;
      try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        server = new PostgresServer(folder, socket.getLocalPort());
      }
      await(
          server.run(
              folder.resolve("bin/initdb").toString(),
              "-D",
              folder.resolve("data").toString(),
              "-U",
              USER,
              "--pwfile=" + password,
              "--auth=scram-sha-256",
              "--encoding=UTF8",
              "--no-locale",
              "--no-sync",
              "--no-instructions"));
      Runtime.getRuntime().addShutdownHook(new Thread(server::remove));
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Runs in the shutdown hook, where waiting for another process may never end. A folder of many
   * databases has tens of thousands of files; removing them here would delay the exit for half a
   * minute.
   */
  private void remove() {
    if (process != null) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    try {
      new ProcessBuilder("sh", "-c", "sleep 1; exec rm -rf \"$1\"", "remove", folder.toString())
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .redirectError(ProcessBuilder.Redirect.DISCARD)
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Process run(String... command) {
    List<String> words = new ArrayList<>();
    if (System.getProperty("user.name").equals("root")) {
      words.addAll(
          List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"));
    }
    words.addAll(List.of(command));
    try {
      return new ProcessBuilder(words)
          .directory(folder.toFile())
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void await(Process process) {
    if (exitStatus(process) != 0) {
      throw new IllegalStateException("failed: " + process.info());
    }
  }

  private static int exitStatus(Process process) {
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private Connection connect(String database) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:postgresql://127.0.0.1:" + port + "/" + database, USER, PASSWORD);
  }
}
