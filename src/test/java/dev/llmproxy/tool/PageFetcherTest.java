package dev.llmproxy.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.llmproxy.base.Settings;
import dev.llmproxy.base.ToolSettings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.zip.GZIPOutputStream;
import org.apache.hc.client5.http.DnsResolver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Fetches pages from 127.0.0.1, which counts as public here, and 127.0.0.2, which does not. */
class PageFetcherTest {
  private static final String PUBLIC = "127.0.0.1";
  private static final String PRIVATE = "127.0.0.2";

  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final AtomicInteger privateRequests = new AtomicInteger();
  private final ConcurrentLinkedQueue<String> dns = new ConcurrentLinkedQueue<>();
  private final AtomicInteger lookups = new AtomicInteger();
  private Duration longest = Duration.ofMinutes(10);
  private HttpServer site;
  private HttpServer inside;
  private int port;

  @BeforeEach
  void start() throws IOException {
    site =
        HttpServer.create(
            new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0), 0);
    port = site.getAddress().getPort();
    inside =
        HttpServer.create(
            new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 2}), port), 0);
    inside.createContext(
        "/",
        exchange -> {
          privateRequests.incrementAndGet();
          answer(exchange, "text/plain", "inside".getBytes(StandardCharsets.UTF_8));
        });
    site.createContext("/", this::serve);
    for (HttpServer server : List.of(site, inside)) {
      server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
      server.start();
    }
  }

  @AfterEach
  void stop() {
    site.stop(0);
    inside.stop(0);
  }

  @Test
  void readsAPageAsText() {
    Map<String, Object> page = fetch("http://site.example:%d/page#part");

    assertThat(page).containsEntry("title", "A page").doesNotContainKey("truncated");
    assertThat((String) page.get("text"))
        .isEqualTo("# Größe\n\nSome words.\n\n- one\n- two\n\na  b\nc");
    assertThat(requests).containsExactly("site.example:" + port + " /page");
  }

  @ParameterizedTest
  @CsvSource({"latin,größe", "json,{\"a\":1}", "meta,größe", "zipped,größe"})
  void readsTextInItsCharset(String path, String text) {
    assertThat((String) fetch("http://site.example:%d/" + path).get("text")).isEqualTo(text);
  }

  @Test
  void readsMediaOfThePublicWebWithTheirTypes() {
    PageFetcher fetcher = fetcher(Set.of(port), address -> address.getHostAddress().equals(PUBLIC));
    String site = "http://site.example:" + port;

    assertThat(fetcher.media(site + "/image"))
        .isEqualTo(
            new PageFetcher.Fetched("image/png", Base64.getEncoder().encodeToString(new byte[10])));
    for (String wrong :
        List.of(site + "/untyped", site + "/missing", site + "/bomb", "http://inside.example")) {
      assertThatThrownBy(() -> fetcher.media(wrong)).isInstanceOf(ToolException.class);
    }
  }

  @Test
  void pagesAreCutAtTwoMegabytesWithANote() {
    Map<String, Object> page = fetch("http://site.example:%d/large");

    assertThat((String) page.get("text")).hasSize(2 << 20);
    assertThat(page).containsKey("truncated");
  }

  @Test
  void unzippingStopsAtTwoMegabytes() {
    assertThat((String) fetch("http://site.example:%d/bomb").get("text")).hasSize(2 << 20);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"Transfer-Encoding: chunked", "Content-Length: 9000000000", "Connection: close"})
  void anEndlessPageIsAbortedAfterTwoMegabytes(String framing) throws Exception {
    try (EndlessSite endless =
        EndlessSite.ofBody("200 OK\r\nContent-Type: text/plain\r\n" + framing)) {
      Map<String, Object> page = fetch("http://site.example:%d/", endless.port());

      assertThat((String) page.get("text")).hasSize(2 << 20);
      assertThat(page).containsKey("truncated");
      endless.assertHungUp();
    }
  }

  @ParameterizedTest
  @CsvSource({"200 OK,video/mp4,video/mp4", "404 Not Found,text/plain,status 404"})
  void refusedAnswersAreNotRead(String status, String type, String why) throws Exception {
    try (EndlessSite endless =
        EndlessSite.ofBody(status + "\r\nTransfer-Encoding: chunked\r\nContent-Type: " + type)) {
      assertRefused("http://site.example:%d/", why, endless.port());
      endless.assertHungUp();
    }
  }

  @Test
  void aRedirectWithAnEndlessBodyIsFollowed() throws Exception {
    try (EndlessSite endless =
        EndlessSite.ofBody(
            "302 Found\r\nTransfer-Encoding: chunked\r\nLocation: http://site.example:%d/hop/0"
                .formatted(port))) {
      assertThat(fetch("http://site.example:%d/", endless.port())).containsEntry("text", "arrived");
      endless.assertHungUp();
    }
  }

  @ParameterizedTest
  @CsvSource({"one line,''", "many headers,X: ", "one folded header,' '"})
  void endlessHeadersAreRefused(String what, String begin) throws Exception {
    String piece = "a".repeat(1000) + (begin.isEmpty() ? "" : "\r\n" + begin);
    try (EndlessSite endless = new EndlessSite("HTTP/1.1 200 OK\r\nX: ", piece)) {
      assertRefused("http://site.example:%d/", "too long or too many", endless.port());
      endless.assertHungUp();
    }
  }

  @Test
  void anAnswerThatNeverBeginsTimesOut() throws Exception {
    longest = Duration.ofMillis(200);
    try (EndlessSite endless =
        new EndlessSite("", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100), Integer.MAX_VALUE)) {
      assertRefused("http://site.example:%d/", "cannot be read", endless.port());
      endless.assertHungUp();
    }
  }

  @ParameterizedTest
  @CsvSource({"image,image/png", "untyped,none", "lost,status 404"})
  void unreadablePagesFailWithTheReason(String path, String why) {
    assertRefused("http://site.example:%d/" + path, why);
  }

  @Test
  void fiveRedirectsAreFollowed() {
    assertThat(fetch("http://site.example:%d/hop/5")).containsEntry("text", "arrived");
    assertRefused("http://site.example:%d/hop/6", "more than 5 redirects");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://inside.example:%d/",
        "http://127.0.0.2:%d/",
        "//127.0.0.2:%d/",
        "http://127.0.0.2:%1$d\\@site.example:%1$d/",
        "http://site.example:%1$d@127.0.0.2:%1$d/",
        "http://user:password@site.example:%d/page",
        "http://0x7f.0.0.2:%d/",
        "http://0177.0.0.2:%d/",
        "http://2130706434:%d/",
        "http://127.2:%d/",
        "http://[::ffff:127.0.0.2]:%d/",
        "http://site.example:22/",
        "https://site.example:8443/",
        "file:///etc/passwd",
        "ftp://site.example/",
        "gopher://site.example/",
        "javascript:alert(1)",
        "http:///page",
        "http://[fe80::1%%25eth0]:%d/",
      })
  void redirectsToForbiddenAddressesAreRefused(String location) {
    String target = location.formatted(port);
    site.createContext(
        "/away",
        exchange -> {
          exchange.getResponseHeaders().set("Location", target);
          exchange.sendResponseHeaders(302, -1);
          exchange.close();
        });

    assertThatThrownBy(() -> fetch("http://site.example:%d/away"))
        .isInstanceOf(ToolException.class);
    assertThat(privateRequests).hasValue(0);
  }

  @Test
  void aNameThatResolvesDifferentlyTheSecondTimeIsRefused() {
    dns.addAll(List.of(PUBLIC, PRIVATE));

    assertThat(fetch("http://rebinding.example:%d/json")).containsEntry("text", "{\"a\":1}");
    assertThat(lookups).hasValue(1);
    assertRefused("http://rebinding.example:%d/json", "not on the public internet");
    assertThat(privateRequests).hasValue(0);
  }

  @Test
  void aNameThatResolvesDifferentlyAfterARedirectIsRefused() {
    dns.addAll(List.of(PUBLIC, PRIVATE));

    assertRefused("http://rebinding.example:%d/hop/1", "not on the public internet");
    assertThat(privateRequests).hasValue(0);
  }

  @Test
  void aNameWithOnePublicAndOnePrivateAddressIsRefused() {
    assertRefused("http://both.example:%d/json", "not on the public internet");
    assertThat(requests).isEmpty();
  }

  @Test
  void theRealGuardRefusesLoopback() {
    PageFetcher real = new PageFetcher(Set.of(80, 443, port));

    for (String host : List.of("localhost", "127.0.0.1", "[::1]", "localhost.", "0.0.0.0")) {
      assertThatThrownBy(() -> real.fetch(Map.of("url", "http://" + host + ":" + port + "/page")))
          .isInstanceOf(ToolException.class);
    }
    assertThat(requests).isEmpty();
  }

  @Test
  void invalidPortsFailTheStart() {
    Settings settings = Settings.load(Path.of(""), Map.of("FETCH_PORTS", "80;443"));

    assertThatThrownBy(() -> ToolSettings.of(settings)).hasMessageContaining("FETCH_PORTS");
  }

  private void assertRefused(String url, String why) {
    assertRefused(url, why, port);
  }

  private void assertRefused(String url, String why, int at) {
    assertThatThrownBy(() -> fetch(url, at))
        .isInstanceOf(ToolException.class)
        .hasMessageContaining(why);
  }

  private Map<String, Object> fetch(String url) {
    return fetch(url, port);
  }

  private Map<String, Object> fetch(String url, int at) {
    Predicate<InetAddress> allowed = address -> address.getHostAddress().equals(PUBLIC);
    Set<Integer> ports = new HashSet<>(List.of(80, 443, port));
    ports.add(at);
    return fetcher(ports, allowed).fetch(Map.of("url", url.formatted(at)));
  }

  private PageFetcher fetcher(Set<Integer> ports, Predicate<InetAddress> allowed) {
    return new PageFetcher(ports, allowed, new Names(), longest);
  }

  private void serve(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    requests.add(exchange.getRequestHeaders().getFirst("Host") + " " + path);
    String html = "<html><body>größe</body></html>";
    switch (path) {
      case "/page" ->
          answer(
              exchange,
              "text/html; charset=utf-8",
              """
              <html><head><title>A page</title><style>b{}</style></head><body><nav>Menu</nav>
              <main><h1>Größe</h1><p>Some <b>words</b>.<script>x()</script></p>
              <ul><li>one</li><li>two</li></ul><pre>a  b
              c</pre></main><footer>Imprint</footer></body></html>
              """
                  .getBytes(StandardCharsets.UTF_8));
      case "/latin" ->
          answer(
              exchange,
              "text/plain; charset=iso-8859-1",
              "größe".getBytes(StandardCharsets.ISO_8859_1));
      case "/meta" ->
          answer(
              exchange,
              "text/html",
              html.replace("<body>", "<head><meta charset=windows-1252></head><body>")
                  .getBytes(Charset.forName("windows-1252")));
      case "/json" ->
          answer(exchange, "application/json", "{\"a\":1}".getBytes(StandardCharsets.UTF_8));
      case "/zipped" -> zipped(exchange, html.getBytes(StandardCharsets.UTF_8));
      case "/bomb" -> zipped(exchange, new byte[64 << 20]);
      case "/large" ->
          answer(exchange, "text/plain", "a".repeat(3 << 20).getBytes(StandardCharsets.UTF_8));
      case "/image" -> answer(exchange, "image/png", new byte[10]);
      case "/untyped" -> answer(exchange, null, new byte[10]);
      case "/hop/0" -> answer(exchange, "text/plain", "arrived".getBytes(StandardCharsets.UTF_8));
      default -> {
        if (path.startsWith("/hop/")) {
          int left = Integer.parseInt(path.substring("/hop/".length()));
          exchange.getResponseHeaders().set("Location", "../hop/" + (left - 1));
          exchange.sendResponseHeaders(302, -1);
        } else {
          exchange.sendResponseHeaders(404, -1);
        }
        exchange.close();
      }
    }
  }

  private static void zipped(HttpExchange exchange, byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream zip = new GZIPOutputStream(bytes)) {
      zip.write(content);
    }
    exchange.getResponseHeaders().set("Content-Encoding", "gzip");
    String type = content.length > 1000 ? "text/plain" : "text/html; charset=utf-8";
    answer(exchange, type, bytes.toByteArray());
  }

  private static void answer(HttpExchange exchange, String type, byte[] body) throws IOException {
    if (type != null) {
      exchange.getResponseHeaders().set("Content-Type", type);
    }
    try (exchange) {
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  /** Resolves IP addresses to themselves, and rebinding.example to the test's list. */
  private final class Names implements DnsResolver {
    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
      lookups.incrementAndGet();
      return switch (host) {
        case "site.example" -> addresses(PUBLIC);
        case "inside.example" -> addresses(PRIVATE);
        case "both.example" -> addresses(PUBLIC, PRIVATE);
        case "rebinding.example" -> addresses(dns.remove());
        default -> InetAddress.getAllByName(host);
      };
    }

    private InetAddress[] addresses(String... texts) throws UnknownHostException {
      InetAddress[] addresses = new InetAddress[texts.length];
      for (int i = 0; i < texts.length; i++) {
        addresses[i] = InetAddress.getByName(texts[i]);
      }
      return addresses;
    }

    @Override
    public String resolveCanonicalHostname(String host) {
      return host;
    }
  }
}
