package dev.llmproxy.tool;

import org.jsoup.Jsoup;

/**
 * Something that a search has found; all of it plain text.
 *
 * @param url where it stands: an address, or the path of a local document
 * @param snippet what it says of the question; perhaps empty
 */
public record SearchResult(String title, String url, String snippet) {

  /** As {@link SearchResult} of texts with tags and entities of HTML. */
  static SearchResult ofHtml(String title, String url, String snippet) {
    return new SearchResult(plain(title), url, plain(snippet));
  }

  private static String plain(String html) {
    return Jsoup.parseBodyFragment(html).text();
  }
}
