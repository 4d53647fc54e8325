package dev.llmproxy.provider;

import dev.llmproxy.error.UpstreamLimitException;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.io.HttpClientConnectionManager;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.MessageConstraintException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.io.DefaultHttpResponseParser;
import org.apache.hc.core5.http.io.HttpMessageParser;
import org.apache.hc.core5.http.io.SessionInputBuffer;

/**
 * The HTTP connections to providers, for Camel's component {@code http}. They limit the response
 * headers and the number of interim responses, which that component's own connections do not.
 */
public final class ProviderConnections {
  /** The most bytes of a response's headers; the largest of known servers are 16 KiB. */
  private static final int MOST_HEADER_BYTES = 64 << 10;

  private static final int MOST_INTERIM_ANSWERS = 16;
  private static final int MOST_CONNECTIONS = 10_000;

  private ProviderConnections() {}

  /** Opens a pool of connections. The caller closes it. */
  public static HttpClientConnectionManager open() {
    return PoolingHttpClientConnectionManagerBuilder.create()
        .setConnectionFactory(
            ManagedHttpClientConnectionFactory.builder().responseParserFactory(Parser::new).build())
        .setMaxConnTotal(MOST_CONNECTIONS)
        .setMaxConnPerRoute(MOST_CONNECTIONS)
        .build();
  }

  private static UpstreamLimitException tooLong() {
    return new UpstreamLimitException(
        "sent response headers of more than %d KB, the most that this server reads"
            .formatted(MOST_HEADER_BYTES >> 10));
  }

  /** Parses the status lines and headers of one connection's responses. */
  private static final class Parser implements HttpMessageParser<ClassicHttpResponse> {
    private final HttpMessageParser<ClassicHttpResponse> parser;
    private int interim;

    Parser(Http1Config config) {
      parser = new DefaultHttpResponseParser(config);
    }

    @Override
    public ClassicHttpResponse parse(SessionInputBuffer buffer, InputStream in)
        throws IOException, HttpException {
      ClassicHttpResponse response = head(buffer, in);
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
}
