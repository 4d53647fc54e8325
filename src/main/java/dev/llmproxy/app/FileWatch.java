package dev.llmproxy.app;

import dev.llmproxy.admin.LiveEdits;
import dev.llmproxy.base.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the files read again when they have been edited, and when the command {@code reload} asks for
 * it. It looks at names, sizes and times, because notifications of the file system do not work
 * everywhere, e.g. on network drives and in a Kubernetes ConfigMap.
 */
final class FileWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FileWatch.class);

  /** An edit counts when nothing has changed since the last look, so that a burst is one edit. */
  private static final long LOOK_MILLIS = 300;

  private static final List<String> FOLDERS =
      List.of("routes", "routes/optional", "providers", "prompts");

  /** Not the temporary files of editors. */
  private static final Pattern READ = Pattern.compile("[^.].*\\.(ya?ml|json|properties|md|txt)");

  private final Path home;
  private final boolean edits;
  private final ReloadRequest request;
  private final LiveEdits live;
  private final Thread thread = Thread.ofVirtual().name("file-watch").unstarted(this::run);

  /** What the last look has found. */
  private Map<Path, String> seen;

  /** The files that were read last. */
  private Map<Path, String> known;

  private String content;

  /**
   * Notes the present files.
   *
   * @param home the folder of routes/ and providers/
   * @param data the data folder, in which the command leaves its request
   * @param edits whether edits are read without a request
   */
  FileWatch(Path home, Path data, boolean edits, LiveEdits live) {
    this.home = home;
    this.edits = edits;
    this.live = live;
    request = new ReloadRequest(data);
    if (edits) {
      known = look();
      seen = known;
      content = content(known);
    }
  }

  /** Begins to look. */
  void start() {
    thread.start();
  }

  private void run() {
    try {
      while (true) {
        Thread.sleep(LOOK_MILLIS);
        try {
          request.answer(live);
          if (edits) {
            readEdits();
          }
        } catch (IllegalStateException e) {
          // The server is stopping.
          LOG.debug("The files are not read", e);
        } catch (RuntimeException e) {
          LOG.warn("The files could not be looked at: {}", e.toString());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void readEdits() {
    Map<Path, String> now = look();
    boolean over = now.equals(seen);
    seen = now;
    if (!over || now.equals(known)) {
      return;
    }
    known = now;
    String text = content(now);
    if (!text.equals(content)) {
      content = text;
      live.reread();
    }
  }

  /** The size and time of each file. */
  private Map<Path, String> look() {
    Map<Path, String> files = new TreeMap<>();
    for (String folder : FOLDERS) {
      Path path = home.resolve(folder);
      if (Files.isDirectory(path)) {
        try (Stream<Path> in = Files.list(path)) {
          in.filter(file -> READ.matcher(file.getFileName().toString()).matches())
              .forEach(file -> put(files, file));
        } catch (IOException e) {
          LOG.debug("{} cannot be listed", path, e);
        }
      }
    }
    put(files, home.resolve("application.properties"));
    return files;
  }

  private static void put(Map<Path, String> files, Path file) {
    try {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      if (attributes.isRegularFile()) {
        files.put(file, attributes.size() + " " + attributes.lastModifiedTime());
      }
    } catch (IOException e) {
      // An editor replaces it at this moment, or it is gone.
      LOG.debug("{} cannot be read", file, e);
    }
  }

  private static String content(Map<Path, String> files) {
    StringBuilder all = new StringBuilder();
    for (Path file : files.keySet()) {
      all.append(file).append(' ');
      try {
        all.append(Sha256.hex(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1)));
      } catch (IOException e) {
        all.append("unreadable");
      }
      all.append('\n');
    }
    return all.toString();
  }

  /** Stops looking. */
  @Override
  public void close() {
    thread.interrupt();
  }
}
