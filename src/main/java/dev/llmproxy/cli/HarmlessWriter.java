package dev.llmproxy.cli;

import dev.llmproxy.base.ShownText;
import java.io.FilterWriter;
import java.io.IOException;
import java.io.Writer;
import java.util.regex.Pattern;

/**
 * Escapes characters that control a terminal or disguise text. Names of keys, model ids and answers
 * come from clients, providers and the sheet. JSON keeps its meaning.
 */
final class HarmlessWriter extends FilterWriter {
  private static final Pattern LINE_BREAKS = Pattern.compile("\\R");

  HarmlessWriter(Writer out) {
    super(out);
  }

  /** The text with a space for each line break. */
  static String oneLine(String text) {
    return LINE_BREAKS.matcher(text).replaceAll(" ");
  }

  @Override
  public void write(int character) throws IOException {
    char one = (char) character;
    out.write(isControl(one) ? ShownText.escape(one) : String.valueOf(one));
  }

  @Override
  public void write(char[] text, int from, int length) throws IOException {
    write(new String(text, from, length), 0, length);
  }

  @Override
  public void write(String text, int from, int length) throws IOException {
    int begin = from;
    for (int i = from; i < from + length; i++) {
      if (isControl(text.charAt(i))) {
        out.write(text, begin, i - begin);
        write(text.charAt(i));
        begin = i + 1;
      }
    }
    out.write(text, begin, from + length - begin);
  }

  private static boolean isControl(char one) {
    return one != '\n' && one != '\t' && ShownText.isControl(one);
  }
}
