package dev.llmproxy.emulator;

import java.util.List;
import java.util.regex.Pattern;

/** Splits text into words, the tokens of the scripted provider. */
final class Words {
  private static final Pattern BEFORE_EACH_GAP = Pattern.compile("(?<=\\S)(?=\\s)");

  private Words() {}

  /** Splits before each gap, so that the joined pieces equal the text. */
  static List<String> of(String text) {
    return BEFORE_EACH_GAP.splitAsStream(text).toList();
  }

  static int count(String text) {
    return text.isBlank() ? 0 : of(text.strip()).size();
  }
}
