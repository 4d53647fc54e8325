package dev.llmproxy.chat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.llmproxy.base.Json;
import dev.llmproxy.tool.SearchResult;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Finds the URLs of search results in an answer, as OpenAI's {@code annotations} of type {@code
 * url_citation}. Indexes count code points. For a Markdown link the range covers the whole link.
 */
final class Citations {
  private Citations() {}

  /** The citations in the order of the answer; empty when it contains no URL of a result. */
  static ArrayNode in(String answer, List<SearchResult> found) {
    Map<String, SearchResult> byUrl = new LinkedHashMap<>();
    found.stream()
        .filter(result -> result.url().startsWith("http"))
        .forEach(result -> byUrl.putIfAbsent(result.url(), result));
    TreeMap<Integer, ObjectNode> citations = new TreeMap<>();
    TreeMap<Integer, Integer> taken = new TreeMap<>();
    byUrl.values().stream()
        // One URL may be a prefix of another.
        .sorted(Comparator.comparingInt((SearchResult result) -> result.url().length()).reversed())
        .forEach(result -> {
          int length = result.url().length();
          for (int at = answer.indexOf(result.url());
              at >= 0;
              at = answer.indexOf(result.url(), at + length)) {
            Map.Entry<Integer, Integer> before = taken.floorEntry(at);
            boolean part = before != null && before.getValue() > at;
            if (!part && !goesOn(answer, at + length)) {
              taken.put(at, at + length);
              citations.put(at, citation(answer, at, at + length, result));
            }
          }
        });
    ArrayNode list = Json.array();
    citations.values().forEach(list::add);
    return list;
  }

  /** Whether the URL in the answer continues after {@code end}. */
  private static boolean goesOn(String answer, int end) {
    if (end >= answer.length()) {
      return false;
    }
    char next = answer.charAt(end);
    boolean last = end + 1 == answer.length() || !isOfAddress(answer.charAt(end + 1));
    // A full stop, comma or question mark may end a sentence or be part of the URL.
    return ".,?".indexOf(next) >= 0 ? !last : isOfAddress(next);
  }

  private static boolean isOfAddress(char c) {
    return Character.isLetterOrDigit(c) || "/_-%&=+#~@:".indexOf(c) >= 0;
  }

  private static ObjectNode citation(String answer, int start, int end, SearchResult result) {
    int from = start;
    int to = end;
    if (answer.startsWith("](", start - 2) && answer.startsWith(")", end)) {
      int bracket = answer.lastIndexOf('[', start - 2);
      if (bracket >= 0) {
        from = bracket;
        to = end + 1;
      }
    }
    ObjectNode annotation = Json.object().put("type", "url_citation");
    annotation
        .putObject("url_citation")
        .put("start_index", answer.codePointCount(0, from))
        .put("end_index", answer.codePointCount(0, to))
        .put("title", result.title())
        .put("url", result.url());
    return annotation;
  }
}
