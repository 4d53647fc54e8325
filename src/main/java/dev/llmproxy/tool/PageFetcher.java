package dev.llmproxy.tool;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.camel.Body;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.MessageConstraintException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.util.Timeout;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;

/**
 * Fetches pages of the public web. It refuses addresses of private networks, because a page that a
 * model has read may tell the model what to fetch. The client connects to the IP address that was
 * checked, so a host name that resolves differently the second time gains nothing. Each redirect is
 * checked too.
 */
public final class PageFetcher {
  private static final int MOST_BYTES = 2 << 20;
  private static final int MOST_MEDIA_BYTES = 20 << 20;
  private static final int MOST_REDIRECTS = 5;
  private static final int MOST_CONNECTIONS = 1_000;
  private static final Timeout SILENCE = Timeout.ofSeconds(10);
  private static final Http1Config HEADER_LIMITS =
      Http1Config.custom().setMaxLineLength(16 << 10).setMaxHeaderCount(200).build();
  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
  private static final Set<String> HTML = Set.of("text/html", "application/xhtml+xml");
  private static final Set<String> TEXT =
      Set.of(
          "application/json",
          "application/xml",
          "application/javascript",
          "application/x-ndjson",
          "application/yaml");

  private static final Duration LONGEST = Duration.ofMinutes(1);

  private final Set<Integer> ports;
  private final Duration longest;
  private final CloseableHttpClient client;

  /**
   * @param ports allowed ports
   */
  public PageFetcher(Set<Integer> ports) {
    this(ports, PublicAddresses::contains, SystemDefaultDnsResolver.INSTANCE, LONGEST);
  }

  /**
   * For tests, whose pages are on loopback.
   *
   * @param longest time limit for one answer
   */
  PageFetcher(
      Set<Integer> ports, Predicate<InetAddress> allowed, DnsResolver resolver, Duration longest) {
    this.ports = Set.copyOf(ports);
    this.longest = longest;
    client =
        HttpClients.custom()
            .setConnectionManager(
                PoolingHttpClientConnectionManagerBuilder.create()
                    .setDnsResolver(new Guard(resolver, allowed))
                    .setConnectionFactory(
                        ManagedHttpClientConnectionFactory.builder()
                            .http1Config(HEADER_LIMITS)
                            .build())
                    .setMaxConnTotal(MOST_CONNECTIONS)
                    .setMaxConnPerRoute(MOST_CONNECTIONS)
                    .setDefaultConnectionConfig(
                        ConnectionConfig.custom()
                            .setConnectTimeout(SILENCE)
                            .setSocketTimeout(SILENCE)
                            .build())
                    .build())
            .setDefaultRequestConfig(RequestConfig.custom().setResponseTimeout(SILENCE).build())
            // The guard checks only new connections.
            .setConnectionReuseStrategy((request, response, context) -> false)
            .disableRedirectHandling()
            .disableAutomaticRetries()
            .disableCookieManagement()
            .disableAuthCaching()
            .setUserAgent("llmproxy")
            .build();
  }

  /**
   * An image or file.
   *
   * @param mimeType in lower case, without parameters
   * @param base64 the content
   */
  public record Fetched(String mimeType, String base64) {}

  /** Reads an answer with status 200. */
  private interface Reading<T> {
    T of(URI uri, ClassicHttpResponse response) throws IOException;
  }

  /**
   * Fetches an image or file of at most 20 MB.
   *
   * @throws ToolException when the address is not allowed, the request fails, or the answer has no
   *     type or is too large
   */
  public Fetched media(String url) {
    return read(url, PageFetcher::medium);
  }

  private static Fetched medium(URI uri, ClassicHttpResponse response) throws IOException {
    HttpEntity entity = response.getEntity();
    ContentType type = ContentType.parseLenient(entity == null ? null : entity.getContentType());
    if (type == null) {
      throw new ToolException("%s has no type.".formatted(uri));
    }
    byte[] bytes = entity.getContent().readNBytes(MOST_MEDIA_BYTES + 1);
    if (bytes.length > MOST_MEDIA_BYTES) {
      throw new ToolException("%s is larger than %d MB.".formatted(uri, MOST_MEDIA_BYTES >> 20));
    }
    return new Fetched(
        type.getMimeType().toLowerCase(Locale.ROOT), Base64.getEncoder().encodeToString(bytes));
  }

  /**
   * Fetches a page.
   *
   * @param arguments {@code url}
   * @return {@code url} (after redirects), {@code title} of an HTML page, {@code text}, and {@code
   *     truncated} when the page was larger than 2 MB
   * @throws ToolException when the address is not allowed, the request fails, or the answer is not
   *     text
   */
  public Map<String, Object> fetch(@Body Map<String, Object> arguments) {
    return read((String) arguments.get("url"), PageFetcher::page);
  }

  private <T> T read(String url, Reading<T> reading) {
    URI uri = WebAddress.checked(url, ports);
    try {
      for (int redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
        HttpGet request = new HttpGet(uri);
        // An interrupt would not stop a read that never waits, e.g. of an endless zip stream.
        Future<?> end = CompletableFuture.runAsync(request::abort, after(longest));
        try {
          ClassicHttpResponse response = client.executeOpen(null, request, null);
          Header location = response.getFirstHeader("Location");
          if (!REDIRECTS.contains(response.getCode()) || location == null) {
            if (response.getCode() != 200) {
              throw new ToolException(
                  "%s answered with status %d.".formatted(uri, response.getCode()));
            }
            return reading.of(uri, response);
          }
          uri = WebAddress.checked(WebAddress.redirected(uri, location.getValue()), ports);
        } finally {
          // close() would read to the end of the answer, which may never come.
          request.abort();
          end.cancel(false);
        }
      }
    } catch (UnknownHostException e) {
      throw new ToolException("There is no host named %s.".formatted(uri.getHost()), e);
    } catch (MessageConstraintException e) {
      throw new ToolException(
          "%s cannot be read: its headers are too long or too many.".formatted(uri), e);
    } catch (IOException e) {
      throw new ToolException(
          "%s cannot be read: %s.".formatted(uri, e.getClass().getSimpleName()), e);
    }
    throw new ToolException("There are more than %d redirects.".formatted(MOST_REDIRECTS));
  }

  private static Executor after(Duration time) {
    return CompletableFuture.delayedExecutor(time.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static Map<String, Object> page(URI uri, ClassicHttpResponse response)
      throws IOException {
    HttpEntity entity = response.getEntity();
    ContentType type = ContentType.parseLenient(entity == null ? null : entity.getContentType());
    String mime = type == null ? "none" : type.getMimeType().toLowerCase(Locale.ROOT);
    boolean html = HTML.contains(mime);
    if (!html && !text(mime)) {
      throw new ToolException("%s is not text; its type is %s.".formatted(uri, mime));
    }
    byte[] bytes = entity.getContent().readNBytes(MOST_BYTES + 1);
    boolean truncated = bytes.length > MOST_BYTES;
    bytes = truncated ? Arrays.copyOf(bytes, MOST_BYTES) : bytes;
    Map<String, Object> page = new LinkedHashMap<>();
    page.put("url", uri.toString());
    Charset charset = charset(type);
    if (html) {
      Document document =
          Jsoup.parse(
              new ByteArrayInputStream(bytes),
              charset == null ? null : charset.name(),
              uri.toString());
      page.put("title", document.title());
      page.put("text", PageText.of(document));
    } else {
      page.put("text", new String(bytes, charset == null ? StandardCharsets.UTF_8 : charset));
    }
    if (truncated) {
      page.put("truncated", "only the first %d bytes were read".formatted(MOST_BYTES));
    }
    return page;
  }

  private static boolean text(String mime) {
    return mime.startsWith("text/")
        || mime.endsWith("+json")
        || mime.endsWith("+xml")
        || TEXT.contains(mime);
  }

  private static Charset charset(ContentType type) {
    try {
      return type.getCharset();
    } catch (UnsupportedCharsetException e) {
      return null;
    }
  }

  /** Resolves host names to allowed addresses only. */
  private record Guard(DnsResolver resolver, Predicate<InetAddress> allowed)
      implements DnsResolver {
    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
      InetAddress[] addresses = resolver.resolve(host);
      if (addresses == null || addresses.length == 0) {
        throw new UnknownHostException(host);
      }
      if (!Arrays.stream(addresses).allMatch(allowed)) {
        throw new ToolException(
            "%s cannot be fetched: it is not on the public internet.".formatted(host));
      }
      return addresses;
    }

    @Override
    public String resolveCanonicalHostname(String host) {
      return host;
    }
  }
}
