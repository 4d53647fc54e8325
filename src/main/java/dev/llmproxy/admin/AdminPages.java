package dev.llmproxy.admin;

import dev.llmproxy.base.Sha256;
import dev.llmproxy.call.RequestContext;
import dev.llmproxy.error.ApiException;
import dev.llmproxy.error.OpenAiErrors;
import dev.llmproxy.http.Reply;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of the management pages: those of the folder {@code ui/}. They are in memory, and read
 * again when they have changed. A request names a file of this list, so no path leads out of the
 * folder.
 */
public final class AdminPages {
  private static final Logger LOG = LoggerFactory.getLogger(AdminPages.class);
  private static final String PREFIX = "/admin/ui/";
  private static final String INDEX = "index.html";
  private static final Duration LOOK_EVERY = Duration.ofSeconds(1);
  private static final int ETAG_DIGITS = 32;

  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "svg", "image/svg+xml",
          "md", "text/plain; charset=utf-8",
          "LICENSE", "text/plain; charset=utf-8");

  private final Path folder;
  private final Clock steady;
  private final Map<String, Page> pages = new ConcurrentHashMap<>();
  private Instant nextLook = Instant.MIN;

  /**
   * @param folder the folder {@code ui/}; without it there are no pages
   * @param steady a clock that only goes forward
   */
  public AdminPages(Path folder, Clock steady) {
    this.folder = folder;
    this.steady = steady;
    look();
  }

  /** Answers with the first page. */
  public void index(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    answer(context, exchange, INDEX);
  }

  /**
   * Answers with the file that the path names.
   *
   * @throws ApiException 404 when there is none
   */
  public void file(
      @ExchangeProperty(RequestContext.PROPERTY) RequestContext context, Exchange exchange) {
    answer(context, exchange, context.reply().path().substring(PREFIX.length()));
  }

  private void answer(RequestContext context, Exchange exchange, String name) {
    look();
    Page page = pages.get(name);
    Reply reply = context.reply();
    if (page == null) {
      throw OpenAiErrors.unknownUrl(reply.method(), reply.path(), null).asException();
    }
    context.takeHeaders(exchange);
    reply.header("ETag", page.etag);
    reply.header("Vary", "Accept-Encoding");
    reply.header(
        "Cache-Control",
        // A vendored file has its version in its path.
        name.startsWith("vendor/") ? "public, max-age=31536000, immutable" : "no-cache");
    String known = reply.requestHeader("If-None-Match");
    if (known != null && known.contains(page.etag)) {
      reply.bytes(304, new byte[0]);
      return;
    }
    reply.header("Content-Type", page.type);
    String codings = reply.requestHeader("Accept-Encoding");
    if (codings != null && codings.contains("gzip")) {
      reply.header("Content-Encoding", "gzip");
      reply.bytes(200, page.zipped);
    } else {
      reply.bytes(200, page.content);
    }
  }

  /** Reads files that are new or have changed, at most once a second. */
  private synchronized void look() {
    Instant now = steady.instant();
    if (now.isBefore(nextLook)) {
      return;
    }
    nextLook = now.plus(LOOK_EVERY);
    if (!Files.isDirectory(folder)) {
      pages.clear();
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      Map<String, Page> there = new ConcurrentHashMap<>();
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = folder.relativize(file).toString().replace('\\', '/');
        String type =
            TYPES.get(name.substring(Math.max(name.lastIndexOf('.'), name.lastIndexOf('/')) + 1));
        if (type != null) {
          BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
          Page known = pages.get(name);
          there.put(
              name,
              known != null && known.isOf(attributes) ? known : Page.read(file, type, attributes));
        }
      }
      pages.keySet().retainAll(there.keySet());
      pages.putAll(there);
    } catch (IOException | UncheckedIOException e) {
      LOG.warn("The management pages in {} cannot be read: {}", folder, e.toString());
    }
  }

  /** A file as it was read. */
  private static final class Page {
    private final FileTime changed;
    private final long size;
    private final String type;
    private final String etag;
    private final byte[] content;
    private final byte[] zipped;

    private Page(BasicFileAttributes attributes, String type, byte[] content, byte[] zipped) {
      changed = attributes.lastModifiedTime();
      size = attributes.size();
      this.type = type;
      // Weak: both codings have the same one.
      etag = "W/\"" + Sha256.hex(content).substring(0, ETAG_DIGITS) + "\"";
      this.content = content;
      this.zipped = zipped;
    }

    static Page read(Path file, String type, BasicFileAttributes attributes) throws IOException {
      byte[] content = Files.readAllBytes(file);
      ByteArrayOutputStream zipped = new ByteArrayOutputStream();
      try (GZIPOutputStream zip = new GZIPOutputStream(zipped)) {
        zip.write(content);
      }
      return new Page(attributes, type, content, zipped.toByteArray());
    }

    boolean isOf(BasicFileAttributes attributes) {
      return changed.equals(attributes.lastModifiedTime()) && size == attributes.size();
    }
  }
}
