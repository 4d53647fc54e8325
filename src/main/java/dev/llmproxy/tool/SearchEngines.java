package dev.llmproxy.tool;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.escape.Escaper;
import com.google.common.net.PercentEscaper;
import dev.llmproxy.base.Causes;
import dev.llmproxy.base.Json;
import dev.llmproxy.http.LiveBody;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Header;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Helpers of the routes {@code search-*}: encode the query, check and read the answer. */
public final class SearchEngines {
  private static final Logger LOG = LoggerFactory.getLogger(SearchEngines.class);
  private static final int MOST_RESULTS = 5;
  private static final int MOST_BYTES = 2 << 20;
  // Besides letters and digits, a path may contain these unescaped (RFC 3986, 3.3).
  private static final Escaper PATH = new PercentEscaper("-._~!$&'()*+,;=:@/", false);

  /**
   * Not configured: try the next engine. The model sees the message when no engine has answered.
   */
  private static final class NotConfiguredException extends ToolException {
    NotConfiguredException() {
      super("No search engine has answered. Go on without searching.");
    }
  }

  /**
   * Checks that an engine is configured.
   *
   * @param setting the value of a setting that the engine needs
   * @throws ToolException when the value is blank: try the next engine
   */
  public void need(String setting) {
    if (setting == null || setting.isBlank()) {
      throw notConfigured();
    }
  }

  /** An engine without its settings throws this. */
  static ToolException notConfigured() {
    return new NotConfiguredException();
  }

  /** The query, percent-encoded for a URL. */
  public String encoded(@ExchangeProperty("query") String query) {
    return URLEncoder.encode(query, StandardCharsets.UTF_8);
  }

  /** The query as a JSON string with quotes. */
  public String quoted(@ExchangeProperty("query") String query) {
    return Json.text(Json.tree(query));
  }

  /**
   * The body of an engine's answer.
   *
   * @param body {@code null} for an answer without a body
   * @throws IOException when the status is not 200, or the body is absent or larger than 2 MB
   */
  public byte[] answer(@Body InputStream body, @Header(Exchange.HTTP_RESPONSE_CODE) int status)
      throws IOException {
    if (body == null) {
      throw new IOException("answered with status " + status + " and no body");
    }
    byte[] bytes;
    try (body) {
      bytes = body.readNBytes(MOST_BYTES + 1);
      if (bytes.length > MOST_BYTES) {
        LiveBody.abort(body);
        throw new IOException("answered with more than " + MOST_BYTES + " bytes");
      }
    }
    if (status != 200) {
      throw new IOException("answered with status " + status);
    }
    return bytes;
  }

  /**
   * The results in an engine's answer.
   *
   * @param list JSON pointer to the array of results
   * @param title field of a result
   * @param url field of a result
   * @param base prefix of each URL; the field {@code url} is then a path without percent-encoding.
   *     Empty when the field is a whole URL
   * @param snippet field of a result
   * @return one to five results
   * @throws IOException when there are no results
   */
  public List<SearchResult> results(
      JsonNode answer, String list, String title, String url, String base, String snippet)
      throws IOException {
    List<SearchResult> results = new ArrayList<>();
    for (JsonNode found : answer.at(list)) {
      if (results.size() < MOST_RESULTS && found.path(url).isTextual()) {
        String address = found.path(url).asText();
        results.add(
            SearchResult.ofHtml(
                found.path(title).asText(),
                base.isEmpty() ? address : base + PATH.escape(address),
                found.path(snippet).asText()));
      }
    }
    if (results.isEmpty()) {
      throw new IOException("found nothing");
    }
    return results;
  }

  /** Logs why an engine failed, unless it is not configured. */
  public void failed(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception,
      @ExchangeProperty("engine") String engine) {
    Throwable cause = Causes.root(exception);
    if (!(cause instanceof NotConfiguredException)) {
      LOG.warn("The search engine {} failed: {}", engine, cause.toString());
    }
  }
}
