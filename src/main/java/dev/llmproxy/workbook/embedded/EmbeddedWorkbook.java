package dev.llmproxy.workbook.embedded;

import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.base.DataFolder;
import dev.llmproxy.base.FolderLock;
import io.github.bucket4j.TimeMeter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A workbook in a folder, served on loopback through the Google Sheets v4 API. Google's own clients
 * work with it once their root URL is {@link #rootUrl()}.
 */
public final class EmbeddedWorkbook implements AutoCloseable {
  /** The id of the spreadsheet that exists from the start. It has one sheet, as at Google. */
  public static final String SPREADSHEET_ID = "llmproxy";

  /**
   * Platform threads, because SQLite's native calls block their thread while they wait for the
   * disk; on virtual threads they would block the requests of the whole process. There are more
   * threads than ever work at once, because each incomplete request occupies one until it times
   * out.
   */
  private static final int THREADS = 64;

  private static final long CLOSE_SECONDS = 5;
  private static final long THREAD_IDLE_SECONDS = 60;

  /**
   * System properties of the JDK's HTTP server, which has no other settings. The server sends head
   * and body separately; without {@code nodelay}, the body waits 40 ms for the client's delayed
   * acknowledgement on persistent connections. The other two, in seconds, end requests that never
   * become complete and answers that nobody reads.
   */
  private static final Map<String, String> SERVER_PROPERTIES =
      Map.of(
          "sun.net.httpserver.nodelay", "true",
          "sun.net.httpserver.maxReqTime", "10",
          "sun.net.httpserver.maxRspTime", "120");

  private final FolderLock lock;
  private final WorkbookDatabase database;
  private final HttpServer server;
  private final ExecutorService threads;
  private final SheetsHandler handler;
  private final Path urlFile;
  private final String rootUrl;
  private final AtomicBoolean closed = new AtomicBoolean();

  private EmbeddedWorkbook(
      Path folder, FolderLock lock, WorkbookDatabase database, HttpServer server, SheetsQuota quota)
      throws IOException {
    this.lock = lock;
    this.database = database;
    this.server = server;
    this.urlFile = folder.resolve("workbook.url");
    this.rootUrl = "http://127.0.0.1:" + server.getAddress().getPort() + "/";
    this.handler = new SheetsHandler(new SheetsApi(database, rootUrl, quota));
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            THREAD_IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("workbook-", 1).factory());
    pool.allowCoreThreadTimeOut(true);
    this.threads = pool;
    server.createContext("/", handler);
    server.setExecutor(threads);
    server.start();
    writeUrlFile();
  }

  /**
   * Opens the workbook in a folder and serves it.
   *
   * @param folder created if missing; gets {@code workbook.db}, {@code workbook.lock} and, while
   *     the workbook is open, {@code workbook.url} with the root URL in one line
   * @param port the port on 127.0.0.1; 0 for a free one
   * @throws IOException when the workbook is open already, the port is taken or the file cannot be
   *     read; the message names the cause
   */
  public static EmbeddedWorkbook open(Path folder, int port) throws IOException {
    return open(folder, port, false);
  }

  /**
   * Like {@link #open(Path, int)}.
   *
   * @param quota whether to refuse calls above Google's 60 reads and 60 writes a minute, with 429
   *     as Google does
   */
  public static EmbeddedWorkbook open(Path folder, int port, boolean quota) throws IOException {
    return open(
        folder, port, quota ? SheetsQuota.google(TimeMeter.SYSTEM_NANOTIME) : SheetsQuota.off());
  }

  static EmbeddedWorkbook open(Path folder, int port, SheetsQuota quota) throws IOException {
    Path absolute = folder.toAbsolutePath();
    DataFolder.make(absolute);
    FolderLock lock =
        FolderLock.take(absolute.resolve("workbook.lock"))
            .orElseThrow(() ->
                new IOException(
                    "The workbook in %s is open already. Stop the server that has it open, or use another folder."
                        .formatted(absolute)));
    WorkbookDatabase database = null;
    HttpServer server = null;
    try {
      database = WorkbookDatabase.open(absolute.resolve("workbook.db"));
      database.write(EmbeddedWorkbook::ensureSpreadsheet);
      server = listen(port);
      return new EmbeddedWorkbook(absolute, lock, database, server, quota);
    } catch (IOException | RuntimeException e) {
      if (server != null) {
        server.stop(0);
      }
      if (database != null) {
        database.close();
      }
      lock.close();
      throw e;
    }
  }

  /** The root URL, with a slash at the end: {@code http://127.0.0.1:PORT/}. */
  public String rootUrl() {
    return rootUrl;
  }

  /**
   * Finishes running requests, then stops listening and releases the folder. Calling it twice is
   * harmless.
   */
  @Override
  public void close() {
    if (closed.getAndSet(true)) {
      return;
    }
    try {
      Files.deleteIfExists(urlFile);
      handler.drain(CLOSE_SECONDS);
      server.stop(0);
      threads.shutdown();
      database.close();
      lock.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean ensureSpreadsheet(Sql sql) {
    if (OpenSpreadsheet.exists(sql, SPREADSHEET_ID)) {
      return false;
    }
    var wanted = Json.object();
    wanted.putObject("properties").put("title", SPREADSHEET_ID);
    SpreadsheetFactory.create(sql, SPREADSHEET_ID, wanted);
    return true;
  }

  private static HttpServer listen(int port) throws IOException {
    SERVER_PROPERTIES.forEach((name, value) -> {
      if (System.getProperty(name) == null) {
        System.setProperty(name, value);
      }
    });
    InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    try {
      return HttpServer.create(new InetSocketAddress(loopback, port), 0);
    } catch (IOException e) {
      throw new IOException(
          "The workbook cannot listen on 127.0.0.1:" + port + ": " + e.getMessage(), e);
    }
  }

  /** Writes another file and renames it, so that a reader never sees half a line. */
  private void writeUrlFile() throws IOException {
    Path aside = urlFile.resolveSibling("workbook.url.new");
    Files.deleteIfExists(aside);
    DataFolder.create(aside);
    Files.writeString(aside, rootUrl + "\n");
    Files.move(aside, urlFile, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }
}
