package dev.llmproxy.provider;

import dev.llmproxy.error.UpstreamLimitException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.SchemePortResolver;
import org.apache.hc.client5.http.impl.io.DefaultHttpClientConnectionOperator;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.io.ConnectionEndpoint;
import org.apache.hc.client5.http.io.HttpClientConnectionManager;
import org.apache.hc.client5.http.io.HttpClientConnectionOperator;
import org.apache.hc.client5.http.io.LeaseRequest;
import org.apache.hc.client5.http.ssl.TlsSocketStrategy;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpResponseFactory;
import org.apache.hc.core5.http.MessageConstraintException;
import org.apache.hc.core5.http.URIScheme;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.io.DefaultHttpResponseParser;
import org.apache.hc.core5.http.io.HttpMessageParser;
import org.apache.hc.core5.http.io.SessionInputBuffer;
import org.apache.hc.core5.http.io.entity.HttpEntityWrapper;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;

/**
 * The HTTP connections to providers, for Camel's component {@code http}. They limit the response
 * headers and the number of interim responses, and give all chunks that have arrived at once, which
 * that component's own connections do not. Their sockets are {@link WatchedSocket}s.
 */
public final class ProviderConnections implements AutoCloseable {
  /** The most bytes of a response's headers; the largest of known servers are 16 KiB. */
  private static final int MOST_HEADER_BYTES = 64 << 10;

  private static final int MOST_INTERIM_ANSWERS = 16;

  /** A connection has three buffers. Larger pieces of a body do not pass through them. */
  private static final int BUFFER_BYTES = 2048;

  private static final int MOST_CONNECTIONS = 10_000;

  private final PoolingHttpClientConnectionManager pool;

  private ProviderConnections(PoolingHttpClientConnectionManager pool) {
    this.pool = pool;
  }

  /** Opens a pool of connections. */
  public static ProviderConnections open() {
    return new ProviderConnections(pool());
  }

  /**
   * The pool for a component {@code http}. The component closes it when it stops, which has no
   * effect, because requests of other components use it too.
   */
  public HttpClientConnectionManager shared() {
    return new SharedPool(pool);
  }

  /** The number of connections that requests use now. */
  public int leased() {
    return pool.getTotalStats().getLeased();
  }

  @Override
  public void close() {
    pool.close(CloseMode.GRACEFUL);
  }

  /** A pool that only its owner closes. */
  private record SharedPool(HttpClientConnectionManager pool)
      implements HttpClientConnectionManager {
    @Override
    public LeaseRequest lease(String id, HttpRoute route, Timeout timeout, Object state) {
      return pool.lease(id, route, timeout, state);
    }

    @Override
    public void release(ConnectionEndpoint endpoint, Object state, TimeValue keepAlive) {
      pool.release(endpoint, state, keepAlive);
    }

    @Override
    public void connect(ConnectionEndpoint endpoint, TimeValue timeout, HttpContext context)
        throws IOException {
      pool.connect(endpoint, timeout, context);
    }

    @Override
    public void upgrade(ConnectionEndpoint endpoint, HttpContext context) throws IOException {
      pool.upgrade(endpoint, context);
    }

    @Override
    public void close(CloseMode mode) {
      // See ProviderConnections.close().
    }

    @Override
    public void close() {
      // See ProviderConnections.close().
    }
  }

  private static PoolingHttpClientConnectionManager pool() {
    return new Builder()
        .setConnectionFactory(
            ManagedHttpClientConnectionFactory.builder()
                .http1Config(Http1Config.custom().setBufferSize(BUFFER_BYTES).build())
                .responseParserFactory(Parser::new)
                .build())
        .setMaxConnTotal(MOST_CONNECTIONS)
        .setMaxConnPerRoute(MOST_CONNECTIONS)
        .build();
  }

  private static final class Builder extends PoolingHttpClientConnectionManagerBuilder {
    @Override
    protected HttpClientConnectionOperator createConnectionOperator(
        SchemePortResolver ports, DnsResolver addresses, TlsSocketStrategy tls) {
      return new DefaultHttpClientConnectionOperator(
          WatchedSocket::create,
          ports,
          addresses,
          scheme -> URIScheme.HTTPS.same(scheme) ? tls : null);
    }
  }

  private static UpstreamLimitException tooLong() {
    return new UpstreamLimitException(
        "sent response headers of more than %d KB, the most that this server reads"
            .formatted(MOST_HEADER_BYTES >> 10));
  }

  /** Parses the status lines and headers of one connection's responses. */
  private static final class Parser implements HttpMessageParser<ClassicHttpResponse> {
    private final HttpMessageParser<ClassicHttpResponse> parser;
    private SessionInputBuffer connection;
    private InputStream input;
    private int interim;

    Parser(Http1Config config) {
      HttpResponseFactory<ClassicHttpResponse> responses =
          new HttpResponseFactory<>() {
            @Override
            public ClassicHttpResponse newHttpResponse(int status, String reason) {
              return response(status, reason);
            }

            @Override
            public ClassicHttpResponse newHttpResponse(int status) {
              return response(status, null);
            }
          };
      parser = new DefaultHttpResponseParser(config, null, responses);
    }

    /** A response whose chunked body is a {@link ChunkedBody}. The client sets the body once. */
    private ClassicHttpResponse response(int status, String reason) {
      return new BasicClassicHttpResponse(status, reason) {
        private boolean bodySet;

        @Override
        public void setEntity(HttpEntity entity) {
          boolean first = !bodySet;
          bodySet = true;
          super.setEntity(
              first && entity != null && entity.isChunked()
                  ? new ChunkedEntity(entity, new ChunkedBody(connection, input))
                  : entity);
        }
      };
    }

    @Override
    public ClassicHttpResponse parse(SessionInputBuffer buffer, InputStream in)
        throws IOException, HttpException {
      connection = buffer;
      input = in;
      ClassicHttpResponse response = head(buffer, in);
      if (response == null) {
        // The provider has closed the connection. The caller throws.
        return null;
      }
      interim = response.getCode() / 100 == 1 ? interim + 1 : 0;
      if (interim > MOST_INTERIM_ANSWERS) {
        throw new UpstreamLimitException(
            "sent more than %d interim answers (1xx)".formatted(MOST_INTERIM_ANSWERS));
      }
      return response;
    }

    private ClassicHttpResponse head(SessionInputBuffer buffer, InputStream in)
        throws IOException, HttpException {
      // The buffer may also read the start of the body.
      int most = MOST_HEADER_BYTES + buffer.capacity();
      try {
        return parser.parse(buffer, new LimitedInput(in, most, ProviderConnections::tooLong));
      } catch (MessageConstraintException e) {
        // The only constraint in force limits the empty lines before a response to ten.
        throw new UpstreamLimitException("sent empty lines in place of an answer");
      }
    }
  }

  /** A response's body whose content is read by another stream. */
  private static final class ChunkedEntity extends HttpEntityWrapper {
    private final InputStream content;

    ChunkedEntity(HttpEntity entity, InputStream content) {
      super(entity);
      this.content = content;
    }

    @Override
    public InputStream getContent() {
      return content;
    }

    @Override
    public void writeTo(OutputStream target) throws IOException {
      content.transferTo(target);
    }

    @Override
    public void close() throws IOException {
      content.close();
    }
  }
}
