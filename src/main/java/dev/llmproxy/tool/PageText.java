package dev.llmproxy.tool;

import java.util.Locale;
import java.util.regex.Pattern;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.Node;
import org.jsoup.nodes.TextNode;
import org.jsoup.select.NodeVisitor;

/** The text of a page's main part: one line for each block, headings and lists in Markdown. */
final class PageText {
  private static final String NOT_READ =
      "script, style, noscript, template, svg, iframe, form, nav, footer, aside, [hidden],"
          + " [aria-hidden=true]";
  private static final Pattern SPACES_AT_LINE_ENDS = Pattern.compile("[ \\t]*\\n[ \\t]*");
  private static final Pattern BLANK_LINES = Pattern.compile("\\n{3,}");
  private static final Pattern SPACES = Pattern.compile("[\\s\\u00a0]+");

  private PageText() {}

  /** The text of a page. Removes elements from the document. */
  static String of(Document page) {
    page.select(NOT_READ).remove();
    Element main = page.selectFirst("main, [role=main], article");
    StringBuilder text = new StringBuilder();
    (main == null || !main.hasText() ? page.body() : main).traverse(new Lines(text));
    String lines = SPACES_AT_LINE_ENDS.matcher(text).replaceAll("\n");
    return BLANK_LINES.matcher(lines).replaceAll("\n\n").strip();
  }

  private record Lines(StringBuilder text) implements NodeVisitor {
    @Override
    public void head(Node node, int depth) {
      if (node instanceof TextNode leaf) {
        text.append(
            preformatted(leaf)
                ? leaf.getWholeText()
                : SPACES.matcher(leaf.getWholeText()).replaceAll(" "));
      } else if (node instanceof Element element) {
        text.append(mark(element));
      }
    }

    @Override
    public void tail(Node node, int depth) {
      if (!(node instanceof Element element)) {
        return;
      }
      switch (element.normalName()) {
        case "td", "th" -> text.append(" | ");
        case "li" -> {}
        case "tr" -> text.append('\n');
        default -> {
          if (element.isBlock()) {
            text.append("\n");
          }
        }
      }
    }

    private static boolean preformatted(TextNode leaf) {
      return leaf.parent() != null && leaf.parent().closest("pre") != null;
    }

    private static String mark(Element element) {
      String name = element.normalName().toLowerCase(Locale.ROOT);
      return switch (name) {
        case "h1", "h2", "h3", "h4", "h5", "h6" -> "\n\n" + "#".repeat(name.charAt(1) - '0') + " ";
        case "p", "pre", "ul", "ol", "table", "blockquote" -> "\n\n";
        case "li" -> "\n- ";
        case "br" -> "\n";
        case "td", "th" -> "";
        default -> element.isBlock() ? "\n" : "";
      };
    }
  }
}
