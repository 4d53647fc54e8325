package dev.llmproxy.tool;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.common.escape.Escaper;
import com.google.common.net.PercentEscaper;
import dev.llmproxy.base.Causes;
import dev.llmproxy.base.Json;
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
import org.apache.hc.core5.http.io.EofSensorInputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the routes {@code search-*} have in common: the question out, the answer in. */
public final class SearchEngines {
  private static final Logger LOG = LoggerFactory.getLogger(SearchEngines.class);
  private static final int MOST_RESULTS = 5;
  private static final int MOST_BYTES = 2 << 20;
  // What a path may hold as it is (RFC 3986, 3.3), besides letters and digits.
  private static final Escaper PATH = new PercentEscaper("-._~!$&'()*+,;=:@/", false);

  /** An engine that is not set up: the next one is asked. Of the last one the model is told. */
  private static final class OffException extends ToolException {
    OffException() {
      super("No search engine has answered. Go on without searching.");
    }
  }

  /**
   * Passes on to the next engine when a setting of this one is empty.
   *
   * @param setting its value
   */
  public void need(String setting) {
    if (setting == null || setting.isBlank()) {
      throw off();
    }
  }

  /** What an engine throws that is not set up. */
  static ToolException off() {
    return new OffException();
  }

  /** The question as it stands in a URL. */
  public String encoded(@ExchangeProperty("query") String query) {
    return URLEncoder.encode(query, StandardCharsets.UTF_8);
  }

  /** The question as it stands in JSON, with its quotes. */
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
        if (body instanceof EofSensorInputStream live) {
          // close() would read to the end, which may never come.
          live.abort();
        }
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

  /** Tells the operator why an engine did not serve; one that is not set up is no news. */
  public void failed(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception exception,
      @ExchangeProperty("engine") String engine) {
    Throwable cause = Causes.root(exception);
    if (!(cause instanceof OffException)) {
      LOG.warn("The search engine {} did not serve: {}", engine, cause.toString());
    }
  }
}
