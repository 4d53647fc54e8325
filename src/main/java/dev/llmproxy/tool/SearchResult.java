package dev.llmproxy.tool;

import org.jsoup.Jsoup;

/**
 * A search result; all fields are plain text.
 *
 * @param url an address, or the path of a local document
 * @param snippet an excerpt that matches the query; may be empty
 */
public record SearchResult(String title, String url, String snippet) {

  /** A result whose title and snippet are HTML; they become plain text. */
  static SearchResult ofHtml(String title, String url, String snippet) {
    return new SearchResult(plain(title), url, plain(snippet));
  }

  private static String plain(String html) {
    return Jsoup.parseBodyFragment(html).text();
  }
}
